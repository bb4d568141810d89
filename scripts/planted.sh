#!/usr/bin/env bash
# Builds the engine's property tests with each planted bug and demands that they fail;
# three bugs are so rare among random worlds that they have tests of their own. Prints a line a bug
# with the seed that caught it. Each test has few trials first: which of them notices a bug
# isn't known, and most take few.
#   scripts/planted.sh [name ...]
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off
trials=${ASSAY_TRIALS:-3000}
tests='^(TestEngineEqualsOracle|TestStagesEqualOracle|TestHopsEqualOracle|TestUndoneIsKnownBeforeItCantBe|TestARow.*)$'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# notices runs the tests; the caller chooses how many trials.
notices() { ! (cd pkg/engine && "$dir/engine.test" -test.failfast -test.run "$tests" >"$dir/log" 2>&1); }

tags=("$@")
if [[ ${#tags[@]} == 0 ]]; then
  mapfile -t tags < <(sed -n 's/^\tplanted[A-Za-z]* *= "\([a-z_]*\)".*/\1/p' pkg/engine/planted.go)
fi
missed=0 caught=0
for tag in "${tags[@]}"; do
  go test -tags "planted_$tag" -c -o "$dir/engine.test" ./pkg/engine
  if ASSAY_TRIALS=$((trials < 200 ? trials : 200)) notices || ASSAY_TRIALS=$trials notices; then
    echo "caught $tag at $(grep -om1 'seed [0-9]*' "$dir/log" || echo 'a check')"
    caught=$((caught + 1))
  else
    echo "MISSED $tag: $trials trials saw no difference"
    missed=$((missed + 1))
  fi
done
echo "planted bugs: $caught caught, $missed missed"
((missed == 0))
