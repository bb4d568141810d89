#!/usr/bin/env bash
# Starts real Apache Kafka (KRaft: broker and controller in one process) from
# Maven's jars, on 127.0.0.1 only. Needs Linux, Java 17 and mvn; no Docker.
#
#   scripts/kafka-up.sh [-n NODES] [-p PORT] [-d RUN_DIR] [-k NODE] [-w SECONDS]
#
#   -n  1 (default) or 3 nodes
#   -p  node i listens on PORT+10*(i-1), its controller one above (default 19092)
#   -d  where the nodes keep data, pid and log (default CACHE/kafka/run)
#   -k  start this node only
#   -w  how long a node may take to be ready (default 60)
#
# Safe to repeat: jars are fetched once, storage is formatted once, a node that
# runs is left alone, and one that was killed starts again on its old data.
# Prints a line a node:  node=1 pid=4711 bootstrap=127.0.0.1:19092 log=...
#
# Environment: ASSAY_CACHE (default ~/.cache/assay), KAFKA_HEAP, KAFKA_EXTRA
# (more lines for server.properties), JAVA, MVN.
set -euo pipefail

readonly VERSION=4.4.0
# kafka_2.13 brings log4j but not slf4j's binding to it: without this one the
# broker logs nothing, and the wait for its last start-up line never ends.
readonly LOG4J=2.25.5

# shellcheck source=scripts/kafka-node.sh
source "$(dirname "${BASH_SOURCE[0]}")/kafka-node.sh"

nodes=1 port=19092 run=$KAFKA_DEFAULT_RUN only='' patience=60
while getopts n:p:d:k:w: option; do
  case $option in
    n) nodes=$OPTARG ;;
    p) port=$OPTARG ;;
    d) run=$OPTARG ;;
    k) only=$OPTARG ;;
    w) patience=$OPTARG ;;
    *) die "see the head of $0 for its options" ;;
  esac
done
[[ $nodes == 1 || $nodes == 3 ]] || die "-n is 1 or 3, not $nodes"
java=${JAVA:-java}
dist=$ASSAY_CACHE/kafka/$VERSION
mkdir -p "$ASSAY_CACHE/kafka" "$run"
run=$(realpath "$run")

# fetch puts the jars into the cache, whole or not at all; parallel callers wait.
fetch() {
  local lock
  exec {lock}>"$ASSAY_CACHE/kafka/.lock"
  flock "$lock"
  if [[ ! -f $dist/.complete ]]; then
    command -v "${MVN:-mvn}" >/dev/null || die "fetching Kafka $VERSION needs mvn; install Maven"
    rm -rf "$dist" "$dist.part"
    mkdir -p "$dist.part"
    write_pom >"$dist.part/pom.xml"
    write_logging >"$dist.part/log4j2.properties"
    echo "fetching Kafka $VERSION into $dist" >&2
    "${MVN:-mvn}" --batch-mode --quiet --strict-checksums -Dstyle.color=never --file "$dist.part/pom.xml" \
      org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
      -DincludeScope=runtime "-DoutputDirectory=$dist.part/libs" >&2
    touch "$dist.part/.complete"
    mv "$dist.part" "$dist"
  fi
  exec {lock}>&-
}

write_pom() {
  cat <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example.assay</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>$LOG4J</version></dependency>
  </dependencies>
</project>
POM
}

write_logging() {
  cat <<'LOG'
status=error
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=info
rootLogger.appenderRef.c.ref=c
LOG
}

selected() { [[ -z $only || $only == "$1" ]]; }
port_of() { echo $((port + 10 * ($1 - 1))); }

voters() {
  local i list=''
  for i in $(seq "$nodes"); do list+="${list:+,}$i@127.0.0.1:$(($(port_of "$i") + 1))"; done
  echo "$list"
}

# configure writes a node's properties. The short broker session lets a node
# that was killed with -9 come back in 5 s instead of 15.
configure() {
  local i=$1 replicas=1 insync=1
  if ((nodes == 3)); then replicas=3 insync=2; fi
  cat <<PROPS
process.roles=broker,controller
node.id=$i
controller.quorum.voters=$(voters)
listeners=PLAINTEXT://127.0.0.1:$(port_of "$i"),CONTROLLER://127.0.0.1:$(($(port_of "$i") + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$(port_of "$i")
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$run/node-$i/data
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$insync
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$insync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$insync
share.coordinator.state.topic.num.partitions=2
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
${KAFKA_EXTRA:-}
PROPS
}

# format prepares a node's storage; all nodes share one (fixed) cluster id.
format() {
  local node=$1
  [[ ! -f $node/data/meta.properties ]] || return 0
  "$java" -Xmx128m -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$dist/log4j2.properties" \
    -cp "$dist/libs/*" kafka.tools.StorageTool format --cluster-id TGFiS2Fma2FDbHVzdGVyMQ \
    --config "$node/server.properties" --ignore-formatted >"$node/format.log" 2>&1 ||
    die "formatting $node failed: $(tail -n 5 "$node/format.log")"
}

start() {
  local node=$1 heap
  read -ra heap <<<"${KAFKA_HEAP:--Xms256m -Xmx768m}"
  : >"$node/kafka.log"
  # A session of its own: what interrupts the caller doesn't stop the broker.
  setsid nohup "$java" "${heap[@]}" -XX:+UseG1GC "-Dlog4j2.configurationFile=$dist/log4j2.properties" \
    -cp "$dist/libs/*" kafka.Kafka "$node/server.properties" >"$node/kafka.log" 2>&1 </dev/null &
  echo $! >"$node/pid"
}

await() {
  local node=$1 deadline=$((SECONDS + patience))
  until grep -q 'Kafka Server started' "$node/kafka.log"; do
    # The pid exists before the JVM's command line does, so one 'no' is no proof.
    running "$node" || sleep 0.5
    running "$node" || die "$node stopped while starting: $(tail -n 20 "$node/kafka.log")"
    ((SECONDS < deadline)) || die "$node is not ready after $patience s: $(tail -n 20 "$node/kafka.log")"
    sleep 0.1
  done
}

command -v "$java" >/dev/null || die "Kafka needs Java 17 or later; install a JRE or set JAVA"
fetch
started=()
for i in $(seq "$nodes"); do
  node=$run/node-$i
  if ! selected "$i" || running "$node"; then continue; fi
  mkdir -p "$node"
  configure "$i" >"$node/server.properties"
  format "$node"
  start "$node"
  started+=("$node")
done
for node in ${started[@]+"${started[@]}"}; do await "$node"; done
for i in $(seq "$nodes"); do
  node=$run/node-$i
  if running "$node"; then
    echo "node=$i pid=$(cat "$node/pid") bootstrap=127.0.0.1:$(port_of "$i") log=$node/kafka.log"
  fi
done
