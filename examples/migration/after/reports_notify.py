"""Writes a report every minute. Reports to its supervisor (reeve, systemd) by sd_notify; imports nothing of reeve."""

import json
import os
import signal
import socket
import sys
import time


def notify(*lines):
    """Does nothing without a supervisor."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto("\n".join(lines).encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
notify(
    "X_REEVE_DATA=" + json.dumps({"writes": "report.txt", "every": 60}),
    "X_REEVE_CAPABILITIES=REPORTS",
    "X_REEVE_CLEANUP=rm -f report.new",
)

while True:
    with open("report.new", "w") as file:
        file.write(f"as of {time.ctime()}\n")
    os.replace("report.new", "report.txt")  # a reader never meets half a report
    notify("READY=1", f"STATUS=written at {time.ctime()}")
    time.sleep(60)
