#!/bin/sh
# Ends at once with the code given: exit-with.sh code=3
for argument in "$@"; do
  case $argument in code=*) code=${argument#code=} ;; esac
done
echo "exit ${code:-0}"
exit "${code:-0}"
