# Makes two cgroups below its own, one in the other, and puts a child into each. Prints where.
import os, sys, time

def mount():
    for line in open("/proc/self/mountinfo"):
        fields, rest = line.split(" - ")
        if rest.startswith("cgroup2 "):
            return fields.split()[3], fields.split()[4]

root, point = mount()
own = next(line[3:].strip() for line in open("/proc/self/cgroup") if line.startswith("0::"))
folder = point + (own if root == "/" else own[len(root):])
for _ in range(2):
    folder += "/below"
    os.mkdir(folder)
    pid = os.fork()
    if pid == 0:
        open(folder + "/cgroup.procs", "w").write("0")
        os.execvp("sleep", ["sleep", "1000"])
    while f"{pid}\n" not in open(folder + "/cgroup.procs").read():
        time.sleep(0.01)
print("nested " + folder, flush=True)
while True:
    time.sleep(1000)
