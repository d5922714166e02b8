#!/usr/bin/env python3
"""Replaces itself by a program with an empty environment: no cookie is left to find it by. port=: listens there."""
import os
import signal
import socket
import sys

given = dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument)
if "again" not in given:
    os.execve(sys.executable, [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "again=yes"], {})
if "port" in given:
    listener = socket.create_server(("127.0.0.1", int(given["port"])))
print(f"environment has {len(os.environ)} entries", flush=True)
while True:
    signal.pause()
