"""Writes a report every minute. Started by cron with `@reboot python3 reports.py &`."""

import os
import signal
import sys
import time

with open("reports.pid", "w") as file:
    file.write(str(os.getpid()))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

while True:
    with open("report.txt", "w") as file:
        file.write(f"as of {time.ctime()}\n")
    time.sleep(60)
