#!/bin/sh
# web.sh foreground: nginx is this process. web.sh daemonise: nginx detaches itself, and this process shows its log.
set -eu
folder=$(cd "${STACK_DATA:-data}/nginx" && pwd)
export PATH="$PATH:/usr/sbin"

case $1 in
  foreground) access=/dev/stdout error=stderr ;;
  daemonise) access=$folder/access.log error=$folder/error.log ;;
esac
sed -e "s|@PORT@|$PORT_HTTP|" -e "s|@FOLDER@|$folder|" -e "s|@ACCESS@|$access|" -e "s|@ERROR@|$error|" \
  nginx.conf.template > "$folder/nginx.conf"

if [ "$1" = foreground ]; then
  exec nginx -p "$folder" -e stderr -c nginx.conf -g 'daemon off;'
fi
: > "$folder/access.log"
nginx -p "$folder" -e stderr -c nginx.conf -g 'daemon on;'
exec tail -n +1 -F "$folder/access.log"
