#!/usr/bin/env bash
# Stops what kafka-up.sh started, by its pid files, and nothing else.
#
#   scripts/kafka-down.sh [-d RUN_DIR] [-k NODE] [-9] [-x]
#
#   -d  the run directory (default CACHE/kafka/run)
#   -k  this node only
#   -9  kill instead of stopping cleanly, as a crash would
#   -x  kill, then remove the run directory, data included
set -euo pipefail

# shellcheck source=scripts/kafka-node.sh
source "$(dirname "${BASH_SOURCE[0]}")/kafka-node.sh"

run=$KAFKA_DEFAULT_RUN only='' signal=TERM remove=false
while getopts d:k:9x option; do
  case $option in
    d) run=$OPTARG ;;
    k) only=$OPTARG ;;
    9) signal=KILL ;;
    x) remove=true signal=KILL ;;
    *) die "see the head of $0 for its options" ;;
  esac
done
if [[ $remove == true && -n $only ]]; then die "-x removes all nodes; leave out -k"; fi
run=$(realpath --canonicalize-missing "$run")

# gone waits until none of the nodes' processes is left.
gone() {
  local node
  for _ in $(seq 100); do
    for node in "$@"; do
      if running "$node"; then
        sleep 0.1
        continue 2
      fi
    done
    return 0
  done
  return 1
}

kill_all() {
  local signal=$1 node
  shift
  for node in "$@"; do
    # It may end between the two; then there is nothing to do.
    if running "$node"; then kill -"$signal" "$(cat "$node/pid")" || true; fi
  done
}

nodes=()
for node in "$run"/node-*; do
  if running "$node" && [[ -z $only || $node == "$run/node-$only" ]]; then nodes+=("$node"); fi
done
if ((${#nodes[@]} > 0)); then
  kill_all "$signal" "${nodes[@]}"
  # The last node of three can't hand over its partitions and would wait for ever.
  gone "${nodes[@]}" || kill_all KILL "${nodes[@]}"
  gone "${nodes[@]}" || die "still running after kill -9: ${nodes[*]}"
  for node in "${nodes[@]}"; do
    rm -f "$node/pid"
    echo "stopped ${node##*/}"
  done
fi
# Only a directory that looks like ours is removed.
if [[ $remove == true && -d $run/node-1 ]]; then rm -rf "$run"; fi
