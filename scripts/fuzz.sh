#!/usr/bin/env bash
# Fuzzes every decoder and mapping for a while, one after another, and says how many
# inputs each has seen.
#
#   scripts/fuzz.sh [TIME [PATTERN]]      TIME as go test's -fuzztime, default 10s
#
# PATTERN (grep -E) chooses among "./folder FuzzName". What fails is written below the
# package's testdata/fuzz, where it stays as a test.
#
# Go before 1.27 sometimes calls its own end of the time a failure, "context deadline
# exceeded", without any input that failed (golang/go#75804). That alone is none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export GOWORK=off

time=${1:-10s} pattern=${2:-.}
targets=$(grep -rEn --include='*_test.go' '^func Fuzz[A-Za-z0-9]+\(' pkg services |
  sed -E 's|^(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z0-9]+).*|./\1 \2|' | sort -u | grep -E "$pattern")
failed=0 count=0

# ended tells of a run that failed whether only its time was over.
ended() {
  grep -qx ' *context deadline exceeded' <<<"$1" &&
    ! grep -qE 'Failing input written|panic:|hung or terminated|^ +[^ ]+_test\.go:' <<<"$1"
}

while read -r package name; do
  count=$((count + 1))
  if out=$(go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package" 2>&1) || ended "$out"; then
    # A short run may end while the inputs that are known already are tried.
    inputs=$(grep -oE 'execs: [0-9]+|gathering baseline coverage: [0-9]+/[0-9]+' <<<"$out" | tail -n 1 || true)
    printf '%-16s %-45s %s\n' "$name" "$package" "$inputs"
  else
    printf '%-16s %-45s FAILED\n%s\n' "$name" "$package" "$out"
    failed=$((failed + 1))
  fi
done <<<"$targets"
echo "fuzz: $count targets for $time each, $failed failed"
((failed == 0))
