# Starts a child that ends at once, and never waits for it: the child stays a zombie.
import os, time

pid = os.fork()
if pid == 0:
    os._exit(7)
while open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
    time.sleep(0.01)
print(f"zombie {pid}", flush=True)
while True:
    time.sleep(1000)
