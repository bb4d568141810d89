package svg_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/svg"
)

// Whatever the words are, they are one text of well-formed XML.
func TestTextStaysText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("<>&\"'\x00\x1b\x7f\ta]/")))).Draw(t, "words")
		d := xml.NewDecoder(strings.NewReader(`<text title="` + svg.Text(words) + `">` + svg.Text(words) + `</text>`))
		elements := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if _, begins := token.(xml.StartElement); begins {
				elements++
			}
		}
		require.Equal(t, 1, elements)
	})
}

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", -0.001: "0", 1: "1", 10: "10", 1.5: "1.5", 1.234: "1.23", -2.50: "-2.5"} {
		require.Equal(t, want, svg.Number(v))
	}
	require.Equal(t, "abc", svg.Cut("abc", 3))
	require.Equal(t, "äö…", svg.Cut("äöüß", 3))
}
