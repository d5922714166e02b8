#!/bin/sh
# postgres.sh init: creates the database files, unless they are there. postgres.sh serve: runs the server.
set -eu
data=${STACK_DATA:-$PWD/data}/postgres
# Debian keeps the programs of each version in a folder of its own; take the newest.
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

case $1 in
  init)
    if [ -e "$data/PG_VERSION" ]; then
      echo "the database is there already"
    else
      exec "$bin/initdb" --pgdata "$data" --username postgres --auth trust --encoding UTF8 --locale C.UTF-8 --no-instructions
    fi
    ;;
  serve)
    # Loopback only, and no socket file: nothing outside the data folder.
    exec "$bin/postgres" -D "$data" -p "$PORT_POSTGRES" -c listen_addresses=127.0.0.1 -c unix_socket_directories=
    ;;
esac
