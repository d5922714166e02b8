"""Writes a report every minute. Needs the file reeve.py beside it, and nothing else."""

import os
import time

from reeve import ManagedService


class Reports(ManagedService):
    def run(self):
        self.register({"writes": "report.txt", "every": 60})
        self.interval("report", 60, self.write)
        self.write()
        self.ready()
        self.wait()

    def write(self):
        with open("report.new", "w") as file:
            file.write(f"as of {time.ctime()}\n")
        os.replace("report.new", "report.txt")  # a reader never meets half a report
        self.status(f"written at {time.ctime()}")


if __name__ == "__main__":
    Reports.main("reports")
