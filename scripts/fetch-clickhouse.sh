#!/usr/bin/env bash
# Fetches ClickHouse's library with npm into the cache (ASSAY_CACHE, default
# ~/.cache/assay), verifies its hash and prints its path. 178 MB, once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
GOWORK=off go run ./scripts/fetchclickhouse
