#!/usr/bin/env bash
# Builds the engine's property tests with each planted bug and demands that they fail;
# two bugs are so rare among random worlds that they have tests of their own. Prints a line a bug
# with the seed that caught it.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off ASSAY_TRIALS=${ASSAY_TRIALS:-3000}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
missed=0 caught=0
mapfile -t tags < <(sed -n 's/^\tplanted[A-Za-z]* *= "\([a-z_]*\)".*/\1/p' pkg/engine/planted.go)
for tag in "${tags[@]}"; do
  if go test -count=1 -tags "planted_$tag" -run '^(TestEngineEqualsOracle|TestStagesEqualOracle|TestHopsEqualOracle|TestUndoneIsKnownBeforeItCantBe|TestARowStaysBesideARival)$' ./pkg/engine >"$log" 2>&1; then
    echo "MISSED $tag: $ASSAY_TRIALS trials saw no difference"
    missed=$((missed + 1))
  elif grep -q 'build failed' "$log"; then
    cat "$log"
    exit 1
  else
    echo "caught $tag at $(grep -om1 'seed [0-9]*' "$log" || echo 'a check')"
    caught=$((caught + 1))
  fi
done
echo "planted bugs: $caught caught, $missed missed"
((missed == 0))
