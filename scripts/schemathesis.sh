#!/usr/bin/env bash
# Holds the console's API to its own description: Schemathesis (PyPI, kept in
# ASSAY_CACHE, default ~/.cache/assay) makes requests from the OpenAPI document, right
# and wrong ones, and runs all of its checks on the answers. What answers is bin/assay
# with the data of the small demonstration, in a folder and on ports of its own.
#
#   scripts/schemathesis.sh [-n CASES] [argument of schemathesis run]…
#
# CASES is how many are made at random for each route (default 60). It ends with the
# number of cases, and with exit status 0 if nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VERSION=4.32.5
cases=60
if [[ ${1:-} == -n ]]; then
  cases=$2
  shift 2
fi

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

[[ -x bin/assay ]] || die "there is no bin/assay: run make build"

venv=${ASSAY_CACHE:-$HOME/.cache/assay}/tools/schemathesis-$VERSION
if [[ ! -x $venv/bin/schemathesis ]]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
fi

run=$(mktemp -d)
: >"$run/log"
demo=''
stop() {
  if [[ -n $demo ]]; then
    kill "$demo" 2>/dev/null || true
    wait "$demo" 2>/dev/null || true
  fi
  rm -rf "$run"
}
trap stop EXIT
trap 'exit 130' INT TERM

# free prints a port at which nobody listens just now.
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

url=http://127.0.0.1:$(free)
token=$(bin/assay token new 2>"$run/digest")
digest=$(grep -oE '[0-9a-f]{64}' "$run/digest")
export ASSAY_CONSOLE_TOKENS="[{id: schemathesis, sha256: $digest, role: admin, tenants: [default]}]"
bin/assay demo --small \
  --set "embedded.dataDir=$run/data" --set embedded.kafkaPort=0 --set embedded.clickhousePort=0 --set admin.listen= \
  --set "collector.listen=127.0.0.1:$(free)" --set collector.otlp.grpcListen= --set "console.listen=${url#http://}" >"$run/log" 2>&1 &
demo=$!

until grep -q 'items judged' "$run/log"; do
  kill -0 "$demo" 2>/dev/null || die "the demonstration ended: $(tail -n 5 "$run/log")"
  sleep 1
done

# What no schema of a parameter can say is refused with 400: a cursor that was made up,
# a month 13, a window that is empty. Addresses that are too large are refused before
# anybody reads them.
cat >"$run/schemathesis.toml" <<'TOML'
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 422, 431]
TOML

# With more than one worker CPython 3.11 breaks at times: it counts the depth of what it
# parses once for all threads.
status=0
"$venv/bin/schemathesis" --config-file "$run/schemathesis.toml" run "$url/openapi.json" --url "$url" --header "Authorization: Bearer $token" \
  --checks all --max-examples "$cases" --seed 1 --workers 1 --no-color "$@" | tee "$run/result" || status=$?
grep -E '^ *[0-9,]+ generated' "$run/result" || true
((status == 0))
