"""Holds a port of 127.0.0.1 and prints `open PID PORT`. Arguments: port=N, udp, v6, shared (SO_REUSEPORT), deaf (ignores
SIGTERM), dead-main (only another thread lives), child (a child holds it too), nobody (as that user, for root)."""

import ctypes
import os
import signal
import socket
import sys
import threading
import time

words = sys.argv[1:]
port = next((int(word[5:]) for word in words if word.startswith("port=")), 0)
if "nobody" in words:
    os.setgid(65534)
    os.setuid(65534)
if "deaf" in words:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = socket.socket(
    socket.AF_INET6 if "v6" in words else socket.AF_INET, socket.SOCK_DGRAM if "udp" in words else socket.SOCK_STREAM
)
if "shared" in words:
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
held.bind(("::1" if "v6" in words else "127.0.0.1", port))
if "udp" not in words:
    held.listen()
if "child" in words:
    held.set_inheritable(True)
    if os.fork() == 0:
        time.sleep(1e6)
if "dead-main" in words:
    threading.Thread(target=time.sleep, args=(1e6,)).start()
print("open", os.getpid(), held.getsockname()[1], flush=True)
if "dead-main" in words:
    ctypes.CDLL(None).pthread_exit(None)
time.sleep(1e6)
