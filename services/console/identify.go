package console

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

// Person is somebody that a configuration knows, as far as changes of rules go.
type Person struct {
	Name, Role string
	// MayPropose and MayApprove are what the role may do with changes of rules. Nobody
	// approves what is one's own.
	MayPropose, MayApprove bool
}

// Identify finds who somebody is: by a token alone, or a user by name and password.
func (c Config) Identify(user, secret string, now time.Time) (Person, error) {
	r, err := c.resolve()
	if err != nil {
		return Person{}, err
	}
	for _, t := range r.tokens {
		if user == "" && t.SHA256 == sha256.Sum256([]byte(secret)) && t.Valid(now) {
			return personOf(t.Name, t.Role), nil
		}
	}
	for _, u := range r.users {
		if user != "" && u.Name == user && u.Hash.Matches(secret) && u.Valid(now) {
			return personOf(u.Name, u.Role), nil
		}
	}
	return Person{}, compliance.Errorf(compliance.Forbidden, "console.users and console.tokens know nobody by that")
}

func personOf(name string, role access.Role) Person {
	return Person{
		Name: strings.TrimSpace(name), Role: string(role),
		MayPropose: slices.Contains([]access.Role{access.Engineer, access.Approver, access.Admin}, role),
		MayApprove: role == access.Approver,
	}
}
