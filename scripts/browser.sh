#!/usr/bin/env bash
# Runs the tests of the pages in a real browser, on the demonstration's data.
#
#   scripts/browser.sh [arguments of go test]
#
# Chromium is that of ASSAY_TEST_BROWSER_CHROMIUM, else the first on the PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

chromium=${ASSAY_TEST_BROWSER_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [[ -z $chromium ]]; then
  echo 'browser: there is no Chromium; install one (Debian: apt-get install chromium), or set ASSAY_TEST_BROWSER_CHROMIUM' >&2
  exit 1
fi
scripts/fetch-clickhouse.sh >/dev/null
axe=$(scripts/fetch-axe.sh)

export ASSAY_TEST_BROWSER_CHROMIUM=$chromium ASSAY_TEST_BROWSER_AXE=$axe GOWORK=off
exec go test -tags browser -count=1 -timeout 20m "$@" ./test/browser/...
