#!/bin/sh
# Opens its own streams by name, as many scripts do; fails where they are sockets.
echo "to stdout by name" > /dev/stdout
echo "to stderr by name" > /dev/stderr
echo "and in order"
exec sleep 1000000
