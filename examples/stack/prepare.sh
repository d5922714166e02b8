#!/bin/sh
# Makes the folders that the services keep their files in. As root, PostgreSQL's folder is given to its user.
set -eu
# Others may enter and read: the servers do not run as whoever prepares.
umask 022
data=${STACK_DATA:-$PWD/data}
mkdir -p "$data/postgres" "$data/nginx/html"
chmod 700 "$data/postgres"
cp html/index.html "$data/nginx/html/"

if [ "$(id -u)" = 0 ]; then
  chown "$DB_USER" "$data/postgres"
  if ! setpriv --reuid "$DB_USER" --regid "$(id -g "$DB_USER")" --init-groups test -r "$PWD/postgres.sh" -a -w "$data/postgres"; then
    echo "the user $DB_USER cannot reach $data or $PWD (is a folder above them closed to others?)" >&2
    echo "put this folder, and STACK_DATA, where that user may go, such as below /var/tmp" >&2
    exit 1
  fi
fi
echo "folders are ready in $data"
