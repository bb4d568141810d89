#!/usr/bin/env bash
# Runs the end-to-end tests on real Kafka.
#
#   scripts/e2e.sh [arguments of go test]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck disable=SC2016 # the variables are with-kafka.sh's
exec scripts/with-kafka.sh bash -euc '
  # The evaluator'\''s own tests run in memory elsewhere; here the same ones run on this broker.
  export ASSAY_TEST_BROKERS=$ASSAY_E2E_KAFKA GOWORK=off
  go test -tags e2e -count=1 -p 1 -timeout 20m "$@" ./services/evaluator ./test/e2e/...
' e2e "$@"
