package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// fetch packs, unpacks and verifies in a folder of its own, and renames
// the library into place at the very end: who sees it, sees all of it.
func (r release) fetch(ctx context.Context, dir, path string, progress Progress) error {
	work, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return fmt.Errorf("making room in the cache: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	pack, err := r.npmPack(ctx, work, progress)
	if err != nil {
		return err
	}
	progress("unpacking ClickHouse", 0, r.size)
	unpacked := filepath.Join(work, r.file)
	if err := r.unpack(ctx, pack, unpacked, progress); err != nil {
		return fmt.Errorf("unpacking %s: %w", r, err)
	}
	progress("verifying ClickHouse", 0, r.size)
	if err := r.checkHash(unpacked); err != nil {
		return compliance.Errorf(compliance.Unavailable, "%s of %s: %w, so it isn't used: check which registry npm asks",
			r.file, r, err)
	}
	if err := os.Rename(unpacked, path); err != nil {
		return fmt.Errorf("putting ClickHouse into the cache: %w", err)
	}
	return r.verified(path) // leaves the stamp
}

// npmPack downloads through the user's own npm, its registry and proxy.
func (r release) npmPack(ctx context.Context, work string, progress Progress) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.Join(errNoNPM, err)
	}
	cmd := exec.CommandContext(ctx, npm, "pack", r.String(), //nolint:gosec // constants
		"--pack-destination", work, "--silent", "--ignore-scripts", "--cache", filepath.Join(work, "npm"))
	cmd.Dir = work
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = 10 * time.Second
	stop := watchSize(work, r.packed, progress)
	err = cmd.Run()
	stop()
	if err != nil {
		return "", compliance.Errorf(compliance.Unavailable, "npm pack %s: %w: %s",
			r, err, strings.TrimSpace(output.String()))
	}
	packs, err := filepath.Glob(filepath.Join(work, "*.tgz"))
	if err != nil || len(packs) != 1 {
		return "", compliance.Errorf(compliance.Unavailable, "npm pack %s left %d packages instead of one",
			r, len(packs))
	}
	return packs[0], nil
}

// watchSize reports how much npm has written so far, each second.
func watchSize(work string, expected int64, progress Progress) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			progress("downloading ClickHouse", min(sizeOf(work), expected), expected)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(done); <-ended }
}

func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // files come and go while npm works
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}

// unpackLibrary takes the one file that is needed out of an npm package.
func (r release) unpack(ctx context.Context, pack, path string, progress Progress) error {
	f, err := os.Open(pack)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if err != nil {
			return fmt.Errorf("looking for %s: %w", r.file, err)
		}
		if header.Name == "package/"+r.file {
			return r.write(ctx, archive, path, progress)
		}
	}
}

// writeLibrary refuses to write more than the library has.
func (r release) write(ctx context.Context, from io.Reader, path string, progress Progress) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	const step = 32 << 20
	for written := int64(0); written <= r.size; {
		n, err := io.CopyN(f, from, step)
		written += n
		progress("unpacking ClickHouse", written, r.size)
		switch {
		case errors.Is(err, io.EOF):
			return f.Sync()
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
	return errUnverified
}

var errNoNPM = errors.New("npm isn't on the PATH")
