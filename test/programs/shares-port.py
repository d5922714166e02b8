# Listens on port= over the given family (inet, inet6) and kind (tcp, udp), with SO_REUSEPORT. fork=yes: a child holds
# the same socket, and the parent closes it.
import os, socket, sys, time

given = dict(a.split("=", 1) for a in sys.argv[1:] if "=" in a)
family = socket.AF_INET6 if given.get("family") == "inet6" else socket.AF_INET
kind = socket.SOCK_DGRAM if given.get("kind") == "udp" else socket.SOCK_STREAM
s = socket.socket(family, kind)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
if family == socket.AF_INET6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", int(given["port"])))
if kind == socket.SOCK_STREAM:
    s.listen()
if given.get("fork") == "yes" and os.fork() == 0:
    os.setsid()
print("listening", flush=True)
while True:
    time.sleep(1000)
