# Listens on port= of 127.0.0.1 and may not be dumped, so that only root can look at its descriptors.
import ctypes, signal, socket, sys

given = dict(a.split("=", 1) for a in sys.argv[1:] if "=" in a)
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(given["port"])))
s.listen()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("listening", flush=True)
while True:
    s.accept()[0].close()
