package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// fakeNPM puts an npm on the PATH that packs content as the library, and writes
// one line to calls each time it runs.
func fakeNPM(t *testing.T, content string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "package"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "package", "libtest.so"), []byte(content), 0o600))
	script := "#!/bin/sh\necho \"$@\" >> " + calls + "\nsleep 0.2\ntar -czf \"$4/lib-1.0.0.tgz\" -C " + dir + " package\n"
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o700))
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	t.Setenv("ASSAY_CACHE", filepath.Join(dir, "cache"))
	return calls
}

func releaseOf(content string) release {
	sum := sha256.Sum256([]byte(content))
	return release{
		pkg: "lib", version: "1.0.0", file: "libtest.so",
		sha256: hex.EncodeToString(sum[:]), size: int64(len(content)), packed: 100,
	}
}

func TestLibraryIsFetchedOnceByAllCallers(t *testing.T) {
	calls := fakeNPM(t, "a library")
	r := releaseOf("a library")
	var (
		all   sync.WaitGroup
		paths = make([]string, 8)
		errs  = make([]error, len(paths))
		mu    sync.Mutex
		steps []string
	)
	for i := range paths {
		all.Go(func() {
			paths[i], errs[i] = r.library(t.Context(), func(step string, _, _ int64) {
				mu.Lock()
				defer mu.Unlock()
				steps = append(steps, step)
			})
		})
	}
	all.Wait()
	for i := range paths {
		require.NoError(t, errs[i])
		require.Equal(t, paths[0], paths[i])
	}
	said, err := os.ReadFile(calls)
	require.NoError(t, err)
	require.Regexp(t, `^pack lib@1.0.0 --pack-destination [^\n]+\n$`, string(said), "one call")
	require.Contains(t, steps, "downloading ClickHouse")
	require.Contains(t, steps, "verifying ClickHouse")

	content, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	require.Equal(t, "a library", string(content))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(paths[0]), "fetch-*"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left of the work")
}

func TestLibraryOfAnotherHashIsRefused(t *testing.T) {
	for name, content := range map[string]string{"same size": "A library", "larger": "a library and more", "smaller": "a lib"} {
		t.Run(name, func(t *testing.T) {
			fakeNPM(t, content)
			path, err := releaseOf("a library").library(t.Context(), nil)
			require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
			require.ErrorContains(t, err, "SHA-256 isn't the pinned one")
			_, err = os.Stat(path)
			require.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}

func TestLibraryThatChangedInTheCacheIsFetchedAgain(t *testing.T) {
	fakeNPM(t, "a library")
	r := releaseOf("a library")
	path, err := r.library(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, r.verified(path))
	require.NoError(t, os.WriteFile(path, []byte("A library"), 0o600)) // of the same size
	later := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(path, later, later))
	require.ErrorIs(t, r.verified(path), errUnverified)
	_, err = r.library(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, r.verified(path))
}

func TestLibraryWaitsForTheLockAsLongAsItMay(t *testing.T) {
	fakeNPM(t, "a library")
	r := releaseOf("a library")
	dir, err := r.dir()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	unlock, ok, err := tryLockFile(filepath.Join(dir, "lock"))
	require.NoError(t, err)
	require.True(t, ok)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err = r.library(ctx, nil)
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
	require.ErrorContains(t, err, "waiting for another process")
}

func TestVersionsOfBinaries(t *testing.T) {
	for text, ok := range map[string]bool{
		"ClickHouse local version 25.3.2.39 (official build).": true,
		"ClickHouse local version 26.7.2.1.":                   true,
		"ClickHouse local version 25.2.1.3085.":                false,
		"ClickHouse client version 18.16.1.":                   false,
		"something else":                                       false,
	} {
		require.Equal(t, ok, checkVersion(text) == nil, text)
	}
}
