package clickhouse_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		want string
		cfg  clickhouse.Config
	}{
		{"", clickhouse.Config{Address: "http://127.0.0.1:8123", Database: "assay"}},
		{"", clickhouse.Config{Address: "https://ch.example/proxy", Database: "assay", TLS: clickhouse.TLS{Enabled: true}}},
		{"", clickhouse.Config{Address: "clickhouse://ch.example:9440", Database: "assay", TLS: clickhouse.TLS{Enabled: true}}},
		{`address "" is not an address`, clickhouse.Config{Database: "assay"}},
		{"is not an address", clickhouse.Config{Address: "127.0.0.1:8123", Database: "assay"}},
		{`unknown scheme "tcp"`, clickhouse.Config{Address: "tcp://h:9000", Database: "assay"}},
		{"holds a user or options", clickhouse.Config{Address: "http://u:p@h", Database: "assay"}},
		{"holds a user or options", clickhouse.Config{Address: "http://h?x=1", Database: "assay"}},
		{"is not a name", clickhouse.Config{Address: "http://h", Database: "a; DROP"}},
		{"keep one", clickhouse.Config{Address: "http://h", Database: "a", Password: "x", PasswordFile: "y"}},
		{"go together", clickhouse.Config{Address: "https://h", Database: "a", TLS: clickhouse.TLS{CertFile: "x"}}},
		{"write https://", clickhouse.Config{Address: "http://h", Database: "a", TLS: clickhouse.TLS{Enabled: true}}},
	} {
		err := c.cfg.Validate()
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
	}
}

func TestValidateReportsAllFaults(t *testing.T) {
	err := clickhouse.Config{Password: "x", PasswordFile: "y"}.Validate()
	require.ErrorContains(t, err, "clickhouse.address")
	require.ErrorContains(t, err, "clickhouse.database")
	require.ErrorContains(t, err, "clickhouse.password")
}

func TestOpenReadsThePasswordFile(t *testing.T) {
	c := clickhousetest.Start(t)
	path := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(path, []byte(c.Password.Reveal()+"\n"), 0o600))
	if c.Password == "" {
		t.Skip("the server has no password")
	}
	c.Password, c.PasswordFile = "", path
	conn, err := clickhouse.Open(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	c := clickhousetest.Start(t)
	wrong := c
	wrong.Username, wrong.Password = "nobody", "hunter2"
	_, err := clickhouse.Open(t.Context(), wrong)
	require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
	require.ErrorContains(t, err, c.Address+` as user "nobody"`)
	require.NotContains(t, err.Error(), "hunter2")
	require.NotContains(t, fmt.Sprintf("%+v", wrong), "hunter2")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	away := c
	away.Address = "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	_, err = clickhouse.Open(t.Context(), away)
	require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
	require.ErrorContains(t, err, away.Address)
}
