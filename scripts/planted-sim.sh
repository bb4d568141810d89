#!/usr/bin/env bash
# Builds the simulation with each bug that is planted in the evaluator's protocol
# (services/evaluator/internal/sim/testdata/planted, a patch each) and demands that it
# fails. Prints a line a bug with the seed that caught it, and how often the same seed
# fails when it is played five times more.
#   scripts/planted-sim.sh [name ...]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/steady-go.sh
. scripts/steady-go.sh
export GOWORK=off GOMAXPROCS=1 GOGC=400 ASSAY_TEST_SEEDS=${ASSAY_TEST_SEEDS:-2000}
root=$PWD
sim=services/evaluator/internal/sim
steady=$(steady_runtime)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/src"

# plant NAME builds the test with the bug, and leaves the repository as it is.
plant() {
  local file files replace=$steady
  mapfile -t files < <(sed -n 's|^+++ b/||p' "$sim/testdata/planted/$1.diff")
  for file in "${files[@]}"; do
    mkdir -p "$dir/src/$(dirname "$file")"
    cp "$file" "$dir/src/$file"
    replace+=${replace:+, }"\"$root/$file\": \"$dir/src/$file\""
  done
  (cd "$dir/src" && GIT_DIR=/dev/null git apply "$root/$sim/testdata/planted/$1.diff")
  printf '{"Replace": {%s}}' "$replace" >"$dir/overlay.json"
  go test -tags synctests -overlay "$dir/overlay.json" -c -o "$dir/sim.test" "./$sim"
}

# play runs the test; the caller chooses the seeds.
play() { (cd "$sim" && timeout 600 "$dir/sim.test" -test.run '^TestSimulation$' >"$dir/log" 2>&1); }

names=("$@")
if [[ ${#names[@]} == 0 ]]; then
  mapfile -t names < <(cd "$sim/testdata/planted" && printf '%s\n' *.diff | sed 's/\.diff$//')
fi
missed=0 caught=0
for name in "${names[@]}"; do
  plant "$name"
  if play; then
    echo "MISSED $name: $ASSAY_TEST_SEEDS seeds saw no difference"
    missed=$((missed + 1))
    continue
  fi
  seed=$(sed -n 's|.*--- FAIL: TestSimulation/\([0-9]*\) .*|\1|p; s|.*TestSimulation/\([0-9]*\) (.*s)$|\1|p' "$dir/log" | head -1)
  if [[ ! $seed ]]; then
    cat "$dir/log"
    exit 1
  fi
  reason=$(sed -n "s/.*[[:space:]]seed $seed: //p" "$dir/log" | head -1 | cut -c1-110)
  again=0
  for _ in 1 2 3 4 5; do
    ASSAY_TEST_SEED=$seed ASSAY_TEST_SEEDS=1 play || again=$((again + 1))
  done
  echo "caught $name at seed $seed, again $again of 5: $reason"
  caught=$((caught + 1))
done
echo "planted bugs: $caught caught, $missed missed"
((missed == 0))
