package ledger

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"assay.example/assay/pkg/compliance"
)

// MinSecret is how short an installation's secret may be, in bytes.
const MinSecret = 16

// Operator is the tenant of records that name none, since they are no events.
const Operator = ""

// What a tenant's keys are for. Each can be given away without the others.
const (
	purposeTenant = "tenant"
	purposeKey    = "key"
	purposeBody   = "body"
)

// maxTenants bounds the memory that invented tenant names can take.
const maxTenants = 4096

// Keys makes commitments under a secret of the installation. It is safe for
// concurrent use.
type Keys struct {
	secret []byte

	mu      sync.Mutex
	tenants map[string]*TenantKeys
}

// NewKeys refuses a secret that could be guessed.
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) < MinSecret {
		return nil, compliance.Errorf(compliance.Invalid,
			"the commitment key has %d bytes; it needs at least %d, such as the output of `openssl rand -hex 32`", len(secret), MinSecret)
	}
	return &Keys{secret: append([]byte(nil), secret...), tenants: map[string]*TenantKeys{}}, nil
}

// TenantKeys are the three keys of one tenant. Who holds Tenant can tell which
// records are the tenant's, and nothing more. Who holds Key or Body can open that
// part of every record; to open one record only, give away its Blind.
type TenantKeys struct {
	Tenant, Key, Body [sha256.Size]byte
}

// Of derives the keys of a tenant.
func (k *Keys) Of(tenant string) (*TenantKeys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if keys, ok := k.tenants[tenant]; ok {
		return keys, nil
	}
	keys := &TenantKeys{}
	for purpose, into := range map[string]*[sha256.Size]byte{
		purposeTenant: &keys.Tenant, purposeKey: &keys.Key, purposeBody: &keys.Body,
	} {
		raw, err := hkdf.Key(sha256.New, k.secret, []byte(labelKeys), purpose+"\x00"+tenant, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("deriving a tenant's %s key: %w", purpose, err)
		}
		copy(into[:], raw)
	}
	if len(k.tenants) >= maxTenants {
		clear(k.tenants)
	}
	k.tenants[tenant] = keys
	return keys, nil
}

// Place is where a record stands.
type Place struct {
	// Topic is Kafka's id of the topic, which a topic made again doesn't share.
	Topic     [16]byte
	Partition int32
	Offset    int64
	// Prev is the offset of the committed record before it in the partition, of
	// whatever kind; -1 if there is none.
	Prev int64
}

// position is what makes the blinds of two records differ.
func (p Place) position() []byte {
	b := make([]byte, 0, 28)
	b = append(b, p.Topic[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(p.Partition))
	return binary.BigEndian.AppendUint64(b, uint64(p.Offset))
}

// Blind is the key of one record's commitment to its key or body: with it, and
// only with it, a claimed content can be checked.
func Blind(key [sha256.Size]byte, at Place) compliance.Hash {
	return mac(key[:], at.position())
}

// Commit is the commitment to content under a blind.
func Commit(blind compliance.Hash, content []byte) compliance.Hash {
	return mac(blind[:], content)
}

// TenantTag marks the record at a place as the tenant's, for holders of the
// tenant's Tenant key; for all others it looks random, and no two are equal.
func TenantTag(keys *TenantKeys, at Place) compliance.Hash {
	return mac(keys.Tenant[:], at.position())
}

func mac(key, message []byte) (sum compliance.Hash) {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	h.Sum(sum[:0])
	return sum
}
