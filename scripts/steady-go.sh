# Sourced by scripts that play the simulation. A seed can't fix what Go itself leaves to
# chance: in which order a map is walked, which of two ready cases a select takes. The
# test binary, and nothing else, is built with a runtime that leaves them to none.
# shellcheck shell=bash

# steady_runtime prints the entry for `go build -overlay` that makes the runtime steady,
# or nothing, with a warning, where the runtime looks different.
steady_runtime() {
  local source dir
  source=$(go env GOROOT)/src/runtime/rand.go
  dir=${ASSAY_CACHE:-$HOME/.cache/assay}/steady-$(go env GOVERSION)
  mkdir -p "$dir"
  awk '
    /^func maps_rand\(\) uint64 \{$/ { print; print "\treturn 0"; skip = 1; found++ }
    /^func cheaprandn\(n uint32\) uint32 \{$/ { print; print "\treturn n / 2"; skip = 1; found++ }
    /^}$/ { skip = 0 }
    !skip { print }
    END { exit found != 2 }
  ' "$source" >"$dir/rand.$$" || {
    rm -f "$dir/rand.$$"
    echo "this Go's runtime can't be made steady: a seed may go another way when it is played again" >&2
    return
  }
  mv "$dir/rand.$$" "$dir/rand.go"
  printf '"%s": "%s"' "$source" "$dir/rand.go"
}
