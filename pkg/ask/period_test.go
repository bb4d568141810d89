package ask_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
)

func TestParsePeriod(t *testing.T) {
	for text, want := range map[string][2]string{
		"2026": {"2026-01-01", "2027-01-01"}, "2026-Q1": {"2026-01-01", "2026-04-01"}, "2026-Q4": {"2026-10-01", "2027-01-01"},
		"2026-07": {"2026-07-01", "2026-08-01"}, "2026-12": {"2026-12-01", "2027-01-01"}, "2028-02": {"2028-02-01", "2028-03-01"},
		"2026-02-28": {"2026-02-28", "2026-03-01"},
	} {
		p, err := ask.ParsePeriod(text)
		require.NoError(t, err, text)
		require.Equal(t, ask.Period{Label: text, From: asktest.At(want[0]), To: asktest.At(want[1])}, p)
	}
	for _, text := range []string{"", "26", "2026-Q0", "2026-Q5", "2026-Q", "2026-Q12", "2026-13", "2026-7", "Q3", "2026-02-30", "2026-Q3 ", "last month", "-Q3"} {
		_, err := ask.ParsePeriod(text)
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err), text)
	}
}

func TestBetween(t *testing.T) {
	p, err := ask.Between("2026-07-01", "2026-07-01T12:00:00+02:00")
	require.NoError(t, err)
	require.Equal(t, asktest.At("2026-07-01T00:00:00Z"), p.From)
	require.Equal(t, asktest.At("2026-07-01T10:00:00Z"), p.To)
	for _, ends := range [][2]string{{"2026-07-02", "2026-07-02"}, {"2026-07-02", "2026-07-01"}, {"yesterday", "2026-07-02"}, {"2026-07-02", ""}} {
		_, err := ask.Between(ends[0], ends[1])
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err), "%v: %v", ends, err)
	}
}
