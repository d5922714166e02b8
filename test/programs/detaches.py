#!/usr/bin/env python3
"""Detaches as completely as a program can: forks twice, changes its session, empties its environment (by exec), closes
every descriptor. The daemon writes its pid into file=PATH and stays.

main=exit: the main process ends at once (code= its exit code). end=N: the daemon ends with that code after a SIGUSR1.
fds=keep: its output stays open. env=keep: so does its environment. reset=limits: it also resets its own limits, which
no tracker of an ordinary user can see through. listen=PORT: it inherits the listening socket that main opened.
closed=stdio: main itself closes its output and stays. when=term: all of it happens when main hears SIGTERM, and then
main ends.
"""
import os
import resource
import signal
import socket
import sys
import time

given = dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument)


def note(pid):
    with open(given["file"] + ".tmp", "w") as file:
        file.write(str(pid))
    os.rename(given["file"] + ".tmp", given["file"])


def daemon():
    ended = []
    if "end" in given:
        signal.signal(signal.SIGUSR1, lambda *_: ended.append(True))
    if given.get("ignore") == "all":
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
    note(os.getpid())
    while not ended:
        time.sleep(0.02 if "end" in given else 1000)
    os._exit(int(given["end"]))


def become_daemon():
    os.chdir("/")
    if given.get("reset") == "limits":
        hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
        resource.setrlimit(resource.RLIMIT_RTTIME, (hard, hard))
    if given.get("fds") != "keep":
        keep = int(given["listener"]) if "listener" in given else -1
        for fd in range(256):
            if fd != keep:
                try:
                    os.close(fd)
                except OSError:
                    pass
    argv = [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "again=yes"]
    os.execve(sys.executable, argv, dict(os.environ) if given.get("env") == "keep" else {})


def main():
    if "again" in given:
        daemon()
    if given.get("when") == "term":
        heard = []
        signal.signal(signal.SIGTERM, lambda *_: heard.append(True))
        print("ready", flush=True)
        while not heard:
            time.sleep(0.02)
        given["main"] = "exit"
    if "listen" in given:
        listener = socket.create_server(("127.0.0.1", int(given["listen"])))
        os.set_inheritable(listener.fileno(), True)
        given["listener"] = str(listener.fileno())
        sys.argv.append(f"listener={listener.fileno()}")
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            become_daemon()
        os._exit(0)
    os.wait()
    while not os.path.exists(given["file"]):
        time.sleep(0.01)
    print("forked", flush=True)
    if given.get("main") == "exit":
        sys.exit(int(given.get("code", "0")))
    if given.get("closed") == "stdio":
        for fd in range(3):
            os.close(fd)
    while True:
        time.sleep(1000)


main()
