package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"assay.example/assay/pkg/compliance"
)

// release is one build of the library, known by the hash of its bytes.
type release struct {
	pkg, version string // npm's
	file         string
	sha256       string
	size         int64
	packed       int64 // the npm package's, for progress alone
}

// pinned is the one release that is run: the one that was tested.
func pinned() release {
	return release{
		pkg:     "@chdb/lib-linux-x64-gnu",
		version: "26.7.3-stable.1",
		file:    "libchdb.so",
		sha256:  "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
		size:    566330096,
		packed:  177817999,
	}
}

func (r release) String() string { return r.pkg + "@" + r.version }

// Progress is told what Library is doing, now and then; done and total are
// bytes, total 0 if unknown.
type Progress func(step string, done, total int64)

// LibraryCached is the cached library, if it is there and verified. It never
// downloads. The whole file is hashed once; a stamp beside it, with size and
// time of change, stands for that afterwards.
func LibraryCached() (path string, ok bool) {
	r := pinned()
	dir, err := r.dir()
	if err != nil || !supported {
		return "", false
	}
	path = filepath.Join(dir, r.file)
	return path, r.verified(path) == nil
}

// Library is the cached library, or else fetches it with npm into the cache,
// once for all callers of all processes. progress may be nil.
func Library(ctx context.Context, progress Progress) (string, error) {
	if !supported {
		return "", compliance.Errorf(compliance.Unavailable, "%s", unsupported)
	}
	return pinned().library(ctx, progress)
}

func (r release) library(ctx context.Context, progress Progress) (string, error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	dir, err := r.dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, r.file)
	if r.verified(path) == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the cache: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if r.verified(path) == nil { // by the caller that had the lock
		return path, nil
	}
	return path, r.fetch(ctx, dir, path, progress)
}

// CacheDir is $ASSAY_CACHE, or the folder assay in the user's cache.
func CacheDir() (string, error) {
	if dir := os.Getenv("ASSAY_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", compliance.Errorf(compliance.Unavailable, "finding a folder for caches: %w: set ASSAY_CACHE", err)
	}
	return filepath.Join(dir, "assay"), nil
}

// dir holds one release, so that a newer one doesn't touch it.
func (r release) dir() (string, error) {
	dir, err := CacheDir()
	return filepath.Join(dir, "clickhouse", r.version), err
}

var errUnverified = errors.New("its SHA-256 isn't the pinned one")

// verified trusts the stamp of an earlier check while size and time of change
// still agree, and hashes the file otherwise.
func (r release) verified(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() != r.size {
		return errUnverified
	}
	stamp := []byte(r.sha256 + " " + info.ModTime().UTC().Format(time.RFC3339Nano) + "\n")
	if was, err := os.ReadFile(path + ".verified"); err == nil && string(was) == string(stamp) {
		return nil
	}
	if err := r.checkHash(path); err != nil {
		return err
	}
	// Without a stamp the next start hashes again, which costs seconds only.
	_ = os.WriteFile(path+".verified", stamp, 0o600)
	return nil
}

func (r release) checkHash(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != r.sha256 {
		return errUnverified
	}
	return nil
}
