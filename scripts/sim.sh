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
# play is a share of the seeds; times tells what it took of the processor.
# shellcheck disable=SC2317 # xargs calls it
play() {
  local code=0 count=$((first + seeds - $1 < share ? first + seeds - $1 : share))
  ASSAY_TEST_SEED=$1 ASSAY_TEST_SEEDS=$count ASSAY_TEST_TALLY=$dir/tally.$1 \
    "$dir/sim.test" -test.timeout 2h -test.run '^TestSimulation$' >"$dir/out.$1" 2>&1 || code=$?
  times >"$dir/cpu.$1"
  if ((code)); then cat "$dir/out.$1"; fi
  return "$code"
}
# Each worker takes the next share when it is done with one: some take longer than others.
share=$(((seeds + $(nproc) - 1) / $(nproc)))
share=$((share < 250 ? share : 250))
export -f play
export dir first seeds share
workers=$(nproc)
began=$SECONDS
failed=0
seq "$first" "$share" $((first + seeds - 1)) | xargs -P "$workers" -I{} bash -c 'play {}' || failed=1
cat "$dir"/tally.* | awk '{ n = $1; $1 = ""; sum[$0] += n } END { for (what in sum) printf "%9d%s\n", sum[what], what }' | sort -k2
cpu=$(cat "$dir"/cpu.* | tr 'ms' '  ' | awk 'NR % 2 == 0 { sum += 60 * ($1 + $3) + $2 + $4 } END { printf "%d", sum }')
echo "$((SECONDS - began)) s with $workers workers, $cpu s of processor time"
exit $failed
