#!/bin/sh
# Runs the command of docker-compose.yml, never as root.
set -eu
if [ "$(id -u)" = 0 ]; then
    chown valkey: /data
    exec setpriv --reuid=valkey --regid=valkey --clear-groups "$0" "$@"
fi
exec "$@"
