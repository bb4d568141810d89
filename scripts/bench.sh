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

# shellcheck disable=SC2016 # the variable is with-kafka.sh's
exec scripts/with-kafka.sh bash -euc '
  cd bench
  GOWORK=off go run ./ingest -brokers "$ASSAY_E2E_KAFKA" "$@"
' bench "$@"
