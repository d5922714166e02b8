#!/usr/bin/env python3
"""The twin of hopper.c where there is no compiler: FILE PAUSE SECONDS SETSID(0|1)."""
import os
import sys
import time

note, pause, seconds, setsids = sys.argv[1], int(sys.argv[2]) / 1e6, int(sys.argv[3]), sys.argv[4] == "1"

if "HOPS" not in os.environ:
    if os.fork() == 0:
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, os.path.abspath(__file__), *sys.argv[1:]], {"HOPS": "1"})
        os._exit(0)
    os.wait()
    while True:
        time.sleep(1000)

os.closerange(0, 64)
os.close(os.open(note, os.O_CREAT | os.O_WRONLY, 0o644))
end = time.time() + seconds
while time.time() < end and not os.path.exists(note + ".end"):
    child = os.fork()
    if child > 0:
        os._exit(0)
    if setsids:
        os.setsid()
    time.sleep(pause)
