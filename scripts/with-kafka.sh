#!/usr/bin/env bash
# Runs a command beside a real Kafka of its own, in a temporary folder and on free
# ports, and takes the broker down whatever happens.
#
#   scripts/with-kafka.sh COMMAND…
#
# The command learns of it by ASSAY_E2E_KAFKA (the bootstrap address) and
# ASSAY_E2E_KAFKA_RUN and _PORT (for `kafka-down.sh -9 -d` and `kafka-up.sh -d -p`,
# where a test kills the broker and starts it again).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run=$(mktemp -d)
stop() { scripts/kafka-down.sh -x -d "$run/kafka" >&2 && rm -rf "$run"; }
trap stop EXIT
trap 'exit 130' INT TERM

# A port is free if nobody answers on it or on the controller's, one above.
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=19092
while taken "$port" || taken $((port + 1)); do port=$((port + 100)); done

scripts/kafka-up.sh -d "$run/kafka" -p "$port" >&2
export ASSAY_E2E_KAFKA=127.0.0.1:$port ASSAY_E2E_KAFKA_RUN=$run/kafka ASSAY_E2E_KAFKA_PORT=$port
"$@"
