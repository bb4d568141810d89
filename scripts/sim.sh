#!/usr/bin/env bash
# Plays the evaluator from many seeds (services/evaluator/internal/sim), one worker a
# core, each on one processor, so that a seed goes the same way again as far as may be.
#   -n 10000   the seeds 1 to 10000
#   -f 5000    begin there instead of at 1
#   -s 42      one seed, with its story if it fails
#   -t 20      that seed so many times, until it fails
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/steady-go.sh
. scripts/steady-go.sh
seeds=10000 first=1 one='' times=1
while getopts n:f:s:t: flag; do
  case $flag in
    n) seeds=$OPTARG ;;
    f) first=$OPTARG ;;
    s) one=$OPTARG ;;
    t) times=$OPTARG ;;
    *) exit 2 ;;
  esac
done
export GOWORK=off GOMAXPROCS=1 GOGC=1600
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '{"Replace": {%s}}' "$(steady_runtime)" >"$dir/overlay.json"
go test -tags synctests -overlay "$dir/overlay.json" -c -o "$dir/sim.test" ./services/evaluator/internal/sim
cd services/evaluator/internal/sim
if [[ $one ]]; then
  for ((i = 0; i < times; i++)); do
    ASSAY_TEST_SEED=$one "$dir/sim.test" -test.v -test.run '^TestSimulation$'
  done
  exit
fi
# play is one worker's share; times tells what its children took of the processor.
play() {
  local code=0
  ASSAY_TEST_SEED=$((first + $1 * share)) ASSAY_TEST_SEEDS=$share ASSAY_TEST_TALLY=$dir/tally.$1 \
    "$dir/sim.test" -test.timeout 2h -test.run '^TestSimulation$' >"$dir/out.$1" 2>&1 || code=$?
  times >"$dir/cpu.$1"
  return $code
}
workers=$(nproc)
share=$(((seeds + workers - 1) / workers))
began=$SECONDS
pids=()
for ((w = 0; w < workers; w++)); do
  play "$w" &
  pids+=($!)
done
failed=0
for w in "${!pids[@]}"; do
  if ! wait "${pids[$w]}"; then
    failed=1
    cat "$dir/out.$w"
  fi
done
cat "$dir"/tally.* | awk '{ n = $1; $1 = ""; sum[$0] += n } END { for (what in sum) printf "%9d%s\n", sum[what], what }' | sort -k2
cpu=$(cat "$dir"/cpu.* | tr 'ms' '  ' | awk 'NR % 2 == 0 { sum += 60 * ($1 + $3) + $2 + $4 } END { printf "%d", sum }')
echo "$((SECONDS - began)) s with $workers workers, $cpu s of processor time"
exit $failed
