"""Speaks sd_notify as its orders say, line by line, in a file: `orders=FILE`.

send TEXT       one datagram; \\n is a newline
pings SECONDS   WATCHDOG=1 every so often from now on; 0: no more
hand-over       a child of it becomes the main process, and it ends itself
exit CODE
"""

import os
import socket
import sys
import time

args = dict(arg.split("=", 1) for arg in sys.argv[1:] if "=" in arg)
orders = args["orders"]


def send(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        for _ in range(500):  # while a keeper is replaced, nothing is listening
            try:
                s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
                return
            except (ConnectionRefusedError, FileNotFoundError):
                time.sleep(0.02)
    raise SystemExit("nothing is listening at NOTIFY_SOCKET")


def hand_over():
    if os.fork() > 0:
        time.sleep(0.05)
        os._exit(0)
    send("MAINPID=%d" % os.getpid())


print("pid", os.getpid(), flush=True)
done = 0
every = 0.0
last = 0.0
while True:
    lines = open(orders).read().splitlines() if os.path.exists(orders) else []
    for line in lines[done:]:
        word, _, rest = line.partition(" ")
        if word == "send":
            send(rest.replace("\\n", "\n"))
        elif word == "pings":
            every = float(rest)
        elif word == "hand-over":
            hand_over()
        elif word == "exit":
            sys.exit(int(rest))
    done = max(done, len(lines))
    if every > 0 and time.monotonic() - last >= every:
        last = time.monotonic()
        send("WATCHDOG=1")
    time.sleep(0.02)
