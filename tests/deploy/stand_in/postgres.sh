#!/bin/bash
# `postgres …` on a data folder that is made at the first start, as the official image does.
set -euo pipefail
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    initdb --pgdata "$data" --username postgres --encoding UTF8 --locale C.UTF-8 \
        --auth-local trust --auth-host scram-sha-256 --pwfile <(echo "$POSTGRES_PASSWORD") > /dev/null
    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$data" postgres > /dev/null
fi
exec "$@" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
