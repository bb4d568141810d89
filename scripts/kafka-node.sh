# shellcheck shell=bash
# What kafka-up.sh and kafka-down.sh must agree on; sourced, never run.

ASSAY_CACHE=${ASSAY_CACHE:-$HOME/.cache/assay}
# shellcheck disable=SC2034 # read by the scripts that source this one
readonly KAFKA_DEFAULT_RUN=$ASSAY_CACHE/kafka/run

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# running says whether the process that NODE's pid file names is that node's
# broker. A pid can be another program's by now, so its command line decides.
running() {
  local node=$1 pid
  pid=$(cat "$node/pid" 2>/dev/null) || return 1
  grep -qzxF -- "$node/server.properties" "/proc/$pid/cmdline" 2>/dev/null
}
