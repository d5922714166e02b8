# worker.py
import os
import signal
import socket
import threading


def notify(text):
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)


stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
notify("READY=1\nSTATUS=waiting for work\nX_REEVE_CAPABILITIES=WORKER")
stopping.wait()
notify("STOPPING=1")
