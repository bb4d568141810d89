#!/usr/bin/env bash
# Fuzzes every decoder and mapping for a while, one after another, and says how many
# inputs each has seen.
#
#   scripts/fuzz.sh [TIME [PATTERN]]      TIME as go test's -fuzztime, default 10s
#
# PATTERN (grep -E) chooses among "./folder FuzzName". What fails is written below the
# package's testdata/fuzz, where it stays as a test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export GOWORK=off

time=${1:-10s} pattern=${2:-.}
targets=$(grep -rEn --include='*_test.go' '^func Fuzz[A-Za-z0-9]+\(' pkg services |
  sed -E 's|^(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z0-9]+).*|./\1 \2|' | sort -u | grep -E "$pattern")
failed=0 count=0
while read -r package name; do
  count=$((count + 1))
  if out=$(go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package" 2>&1); then
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
