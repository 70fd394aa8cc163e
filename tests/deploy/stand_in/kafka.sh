#!/bin/bash
# One broker whose properties are the variables KAFKA_…, as the official image reads them.
set -euo pipefail
properties=/tmp/server.properties
env | grep '^KAFKA_' | grep -v '^KAFKA_HEAP_OPTS=' | while IFS='=' read -r name value; do
    name=${name#KAFKA_}
    name=${name,,}
    echo "${name//_/.}=$value"
done > "$properties"
cat > /tmp/log4j2.properties <<'LOG'
status=warn
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
LOG
read -r -a heap <<< "${KAFKA_HEAP_OPTS:-}"
java=(/opt/java/bin/java "${heap[@]}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1
    -Dlog4j2.configurationFile=/tmp/log4j2.properties -cp "/opt/kafka/*")
if [ ! -e /var/lib/kafka/data/meta.properties ]; then
    "${java[@]}" kafka.tools.StorageTool format -t Q29vcENvbnRhaW5lclRlcw -c "$properties"
fi
exec "${java[@]}" kafka.Kafka "$properties"
