package embedded

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/compliance"
)

// The youngest series of releases that the product is tested with.
const (
	minBinaryMajor = 25
	minBinaryMinor = 3
)

// Engine is what StartClickHouse runs: one of the two.
type Engine struct {
	// Library is a verified libchdb.so.
	Library string
	// Binary is a `clickhouse` of a tested version.
	Binary string
}

func (e Engine) kind() string {
	if e.Binary != "" {
		return "binary"
	}
	return "library"
}

// FindEngine looks for what to run when no address is configured: `clickhouse`
// on the PATH, the cached library, and then npm. The error, if none serves,
// names all the ways with what was wrong about each.
func FindEngine(ctx context.Context, log zerolog.Logger, progress Progress) (Engine, error) {
	if !supported {
		return Engine{}, compliance.Errorf(compliance.Unavailable, "%s", unsupported)
	}
	binary, binaryErr := findBinary(ctx, log)
	if binaryErr == nil {
		return Engine{Binary: binary}, nil
	}
	library, libraryErr := Library(ctx, progress)
	if libraryErr == nil {
		return Engine{Library: library}, nil
	}
	r := pinned()
	dir, err := r.dir()
	if err != nil {
		dir = "the cache"
	}
	return Engine{}, compliance.Errorf(compliance.Unavailable, `no ClickHouse to run. Any of these will do:
  - set clickhouse.address to a server's, such as http://127.0.0.1:8123
  - put a clickhouse of version %d.%d or later on the PATH (%w)
  - put %s of npm's %s into %s
  - or have npm fetch that (%w)`,
		minBinaryMajor, minBinaryMinor, binaryErr, r.file, r, dir, libraryErr)
}

// findBinary skips what is too old, such as Debian's package of 2018.
func findBinary(ctx context.Context, log zerolog.Logger) (string, error) {
	path, err := exec.LookPath("clickhouse")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, path, "local", "--version").Output() //nolint:gosec // what the PATH names
	if err != nil {
		err = fmt.Errorf("asking %s for its version: %w", path, err)
		log.Warn().Err(err).Str("path", path).Msg("the clickhouse on the PATH isn't used")
		return "", err
	}
	if err := checkVersion(string(output)); err != nil {
		log.Warn().Err(err).Str("path", path).Msg("the clickhouse on the PATH isn't used")
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return path, nil
}

func checkVersion(text string) error {
	match := regexp.MustCompile(`version (\d+)\.(\d+)\.\d+`).FindStringSubmatch(text)
	if match == nil {
		return errors.New("its version can't be told")
	}
	major, _ := strconv.Atoi(match[1])
	minor, _ := strconv.Atoi(match[2])
	if major > minBinaryMajor || major == minBinaryMajor && minor >= minBinaryMinor {
		return nil
	}
	return fmt.Errorf("version %d.%d is too old", major, minor)
}
