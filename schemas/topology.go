package schemas

// Topology says which topic holds what, who writes it and who reads it.
type Topology struct {
	// Topics by name, without the prefix.
	Topics map[string]Topic `yaml:"topics"`
}

// Topic is one entry of topology.yaml.
type Topic struct {
	// Writers and Readers are services, or "producers", "tools" and "anyone"
	// for what is outside of them.
	Writers []string `yaml:"writers"`
	Readers []string `yaml:"readers"`
	// Key and Value say in words what a record holds.
	Key   string `yaml:"key"`
	Value string `yaml:"value"`
	// Partitions is for a fleet, Embedded for one machine.
	Partitions int32 `yaml:"partitions"`
	Embedded   int32 `yaml:"embedded"`
	// Retention is "forever", "compact" or a whole number of days, such as "400d".
	Retention string `yaml:"retention"`
	// Transactional topics are to be read with read_committed.
	Transactional bool `yaml:"transactional"`
	// SamePartitionsAs names a topic whose partition n goes with this one's n.
	SamePartitionsAs string `yaml:"same-partitions-as"`
	// Later marks a topic that no code uses yet.
	Later bool `yaml:"later"`
}
