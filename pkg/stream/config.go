package stream

import (
	"errors"
	"net"
	"regexp"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
)

// Config says how to reach Kafka.
type Config struct {
	// Brokers are host:port, the first contacts of the cluster.
	Brokers []string `yaml:"brokers"`
	// TopicPrefix stands before every topic's name.
	TopicPrefix string `yaml:"topicPrefix"`
	// ClientID is what brokers log and put quotas on.
	ClientID string `yaml:"clientId"`
	TLS      TLS    `yaml:"tls"`
	SASL     SASL   `yaml:"sasl"`
}

// TLS is the encryption of connections; without files it trusts the system's roots.
type TLS struct {
	Enabled bool `yaml:"enabled"`
	// CAFile holds the authorities that brokers are checked against, as PEM.
	CAFile string `yaml:"caFile"`
	// CertFile and KeyFile are the client's own certificate. They are read at
	// each handshake, so that a renewed one needs no restart.
	CertFile string `yaml:"certFile"`
	KeyFile  string `yaml:"keyFile"`
	// ServerName is checked instead of the broker's host.
	ServerName string `yaml:"serverName"`
}

// SASL is who the client is. Files are read at each authentication.
type SASL struct {
	// Mechanism is empty for none, or one of Mechanisms.
	Mechanism    string          `yaml:"mechanism"`
	Username     string          `yaml:"username"`
	Password     settings.Secret `yaml:"password"`
	PasswordFile string          `yaml:"passwordFile"`
	Token        settings.Secret `yaml:"token"`
	TokenFile    string          `yaml:"tokenFile"`
	// OverPlaintext allows PLAIN and OAUTHBEARER, which send the secret
	// itself, without TLS to a broker that is not on this machine.
	OverPlaintext bool `yaml:"overPlaintext"`
}

// The SASL mechanisms.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
	OAuthBearer = "OAUTHBEARER"
)

// Mechanisms lists what SASL.Mechanism may be.
func Mechanisms() []string { return []string{Plain, ScramSHA256, ScramSHA512, OAuthBearer} }

// Default is a broker on this machine without TLS.
func Default() Config {
	return Config{Brokers: []string{"127.0.0.1:9092"}, TopicPrefix: "assay.", ClientID: "assay"}
}

// Topic is the full name of a topic of topology.yaml.
func (c Config) Topic(name string) string { return c.TopicPrefix + name }

// EventTopics lists the topics that hold events, without the prefix.
func EventTopics() []string {
	names := make([]string, 0, len(compliance.Families()))
	for _, f := range compliance.Families() {
		names = append(names, "events."+string(f))
	}
	return names
}

// topicName is what Kafka accepts in a topic's name.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]*$`)

// maxPrefix leaves room for the longest topic below Kafka's 249.
const maxPrefix = 200

// Validate reports every fault, each as "key: what, and what to do".
func (c Config) Validate() error {
	return errors.Join(
		errors.Join(c.brokerFaults()...),
		c.prefixFault(),
		errors.Join(c.TLS.faults()...),
		errors.Join(c.SASL.faults()...),
		c.plaintextFault(),
	)
}

func fault(format string, args ...any) error {
	return compliance.Errorf(compliance.Invalid, format, args...)
}

func (c Config) brokerFaults() []error {
	if len(c.Brokers) == 0 {
		return []error{fault("brokers: there is none; list at least one as host:port")}
	}
	var faults []error
	for _, b := range c.Brokers {
		host, port, err := net.SplitHostPort(b)
		if err != nil || host == "" || port == "" {
			faults = append(faults, fault("brokers: %q is not host:port, such as kafka-1.example.com:9092", b))
		}
	}
	return faults
}

func (c Config) prefixFault() error {
	if !topicName.MatchString(c.TopicPrefix) || len(c.TopicPrefix) > maxPrefix {
		return fault("topicPrefix: %q doesn't fit a topic's name; use at most %d of a-z, A-Z, 0-9, '.', '_' and '-'", c.TopicPrefix, maxPrefix)
	}
	return nil
}

func (t TLS) faults() []error {
	var faults []error
	if (t.CertFile == "") != (t.KeyFile == "") {
		faults = append(faults, fault("tls.certFile: a client certificate needs certFile and keyFile; set both or neither"))
	}
	if !t.Enabled && t != (TLS{}) {
		faults = append(faults, fault("tls.enabled: is false while other keys of tls are set; set it to true or remove them"))
	}
	return faults
}

func (s SASL) faults() []error {
	switch s.Mechanism {
	case "":
		if s != (SASL{}) {
			return []error{fault("sasl.mechanism: is empty while other keys of sasl are set; choose one of %s", strings.Join(Mechanisms(), ", "))}
		}
		return nil
	case Plain, ScramSHA256, ScramSHA512:
		return s.passwordFaults()
	case OAuthBearer:
		return s.tokenFaults()
	default:
		return []error{fault("sasl.mechanism: %q is unknown; choose one of %s", s.Mechanism, strings.Join(Mechanisms(), ", "))}
	}
}

func (s SASL) passwordFaults() []error {
	var faults []error
	if s.Username == "" {
		faults = append(faults, fault("sasl.username: %s needs one", s.Mechanism))
	}
	if (s.Password == "") == (s.PasswordFile == "") {
		faults = append(faults, fault("sasl.password: %s needs either password or passwordFile", s.Mechanism))
	}
	if s.Token != "" || s.TokenFile != "" {
		faults = append(faults, fault("sasl.token: belongs to %s, not to %s; remove token and tokenFile", OAuthBearer, s.Mechanism))
	}
	return faults
}

func (s SASL) tokenFaults() []error {
	var faults []error
	if (s.Token == "") == (s.TokenFile == "") {
		faults = append(faults, fault("sasl.token: %s needs either token or tokenFile", OAuthBearer))
	}
	if s.Username != "" || s.Password != "" || s.PasswordFile != "" {
		faults = append(faults, fault("sasl.username: %s takes a token alone; remove username, password and passwordFile", OAuthBearer))
	}
	return faults
}

// plaintextFault refuses to send a secret over a network that can read it.
func (c Config) plaintextFault() error {
	sendsSecret := c.SASL.Mechanism == Plain || c.SASL.Mechanism == OAuthBearer
	if !sendsSecret || c.TLS.Enabled || c.SASL.OverPlaintext || onThisMachine(c.Brokers) {
		return nil
	}
	return fault("sasl.mechanism: %s sends the secret itself, and tls is off; set tls.enabled, use SCRAM, or accept it with sasl.overPlaintext", c.SASL.Mechanism)
}

func onThisMachine(brokers []string) bool {
	for _, b := range brokers {
		host, _, err := net.SplitHostPort(b)
		if err != nil {
			return false
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
