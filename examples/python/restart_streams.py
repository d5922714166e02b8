# restart_streams.py
from reeve import discover, discover_by_capability

for service in discover():
    print(service.name, service.pid, "runs" if service.live else "was killed")
for manager in discover_by_capability("PROCESS_MANAGER"):
    outcome = manager.cleanup()
    print(f"{manager.name}: {outcome.reason}")
