package sampling

import (
	"math/big"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Rate is a share between 0 and 1, exactly as it was written: 0.95 is 19/20.
type Rate struct {
	text  string
	value *big.Rat
}

// ParseRate reads a decimal number between 0 and 1.
func ParseRate(text string) (Rate, error) {
	const longest = 12 // enough digits, and no exponent that would take a day
	value, ok := new(big.Rat).SetString(text)
	if !ok || len(text) > longest || value.Sign() < 0 || value.Cmp(big.NewRat(1, 1)) > 0 {
		return Rate{}, compliance.Errorf(compliance.Invalid, "%q is no share; write a number between 0 and 1, such as 0.95", text)
	}
	return Rate{text, value}, nil
}

// MustRate is ParseRate for a constant of the program.
func MustRate(text string) Rate {
	r, err := ParseRate(text)
	if err != nil {
		panic(err)
	}
	return r
}

// String is the number as it was written.
func (r Rate) String() string { return r.text }

// Float is the nearest number that the machine has.
func (r Rate) Float() float64 {
	f, _ := r.rat().Float64()
	return f
}

// MarshalText is the number as it was written.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.text), nil }

// UnmarshalText reads what MarshalText writes.
func (r *Rate) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRate(string(text))
	return err
}

// UnmarshalYAML reads the number from its text, not by way of a float.
func (r *Rate) UnmarshalYAML(n *yaml.Node) (err error) {
	*r, err = ParseRate(n.Value)
	return err
}

func (r Rate) rat() *big.Rat {
	if r.value == nil {
		return new(big.Rat)
	}
	return r.value
}

// rest is what is left to one.
func (r Rate) rest() *big.Rat { return new(big.Rat).Sub(big.NewRat(1, 1), r.rat()) }

// proper says that it is neither 0 nor 1.
func (r Rate) proper() bool { return r.rat().Sign() > 0 && r.rest().Sign() > 0 }

// of is the share of a whole number, rounded down.
func (r Rate) of(n int) int {
	product := new(big.Rat).Mul(r.rat(), big.NewRat(int64(n), 1))
	return int(new(big.Int).Quo(product.Num(), product.Denom()).Int64())
}
