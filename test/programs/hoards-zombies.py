# Starts children that end at once and waits for none, until the system allows no more processes; then stays.
import os, time

try:
    while True:
        if os.fork() == 0:
            os._exit(0)
except BlockingIOError:
    print("full", flush=True)
while True:
    time.sleep(1000)
