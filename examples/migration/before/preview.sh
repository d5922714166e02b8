#!/bin/sh
# Shows the finished site on port 8090. Whatever an earlier start has left is got rid of first, by guessing.
pkill -f 'http.server 8090'           # and the editor in which this very line is open
lsof -ti :8090 | xargs -r kill -9     # and a browser that happens to have a page of it open
exec python3 -m http.server 8090 --bind 127.0.0.1 --directory site
