#!/usr/bin/env bash
# Measures the product beside the least that would do the same, in one run, on a
# real Kafka of its own. Prints medians of five turns and their ratio.
#
#   scripts/bench.sh [arguments of bench/ingest]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A minute of five turns writes some 6 GB.
need=12
free=$(($(df --output=avail -k "${TMPDIR:-/tmp}" | tail -n 1) / 1024 / 1024))
if ((free < need)); then
  echo "bench: ${TMPDIR:-/tmp} has $free GiB free, and $need are needed; set TMPDIR" >&2
  exit 1
fi

run=$(mktemp -d)
stop() { scripts/kafka-down.sh -x -d "$run/kafka" >&2 && rm -rf "$run"; }
trap stop EXIT
trap 'exit 130' INT TERM

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=19592
while taken "$port" || taken $((port + 1)); do port=$((port + 100)); done
scripts/kafka-up.sh -d "$run/kafka" -p "$port" >&2

cd bench
GOWORK=off go build -o "$run/ingest" ./ingest
"$run/ingest" -brokers "127.0.0.1:$port" "$@"
