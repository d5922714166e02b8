#!/usr/bin/env python3
"""Makes a daemon the classic way: fork, setsid, fork. The daemon stays; main=exit: the main process ends at once.

env=clear: the daemon also empties its environment (by exec), so that no cookie is left in it.
"""
import os
import sys
import time

given = dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument)


def daemon():
    os.chdir("/")
    if given.get("env") == "clear" and "again" not in given:
        os.execve(sys.executable, [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "again=yes"], {})
    print(f"daemon {os.getpid()}", flush=True)
    while True:
        time.sleep(1000)


def main():
    if "again" in given:
        daemon()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            daemon()
        os._exit(0)
    os.wait()
    print("forked", flush=True)
    while given.get("main") != "exit":
        time.sleep(1000)


main()
