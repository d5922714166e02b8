# manager.py
import socket
import sys

from reeve import get_process_manager, hunt, kill_pattern, list_services, start_service_safe

manager = get_process_manager()
one = manager.enforce_single_instance("nightly-job")
if not one.ok:
    print(one.message, file=sys.stderr)
    sys.exit(0 if one.handed_over else 5)
manager.cleanup_on_startup()  # what an earlier start left behind


@manager.add_shutdown_handler
def say_goodbye():
    print("bye")


manager.register_shutdown_handlers()  # at SIGTERM, Ctrl-C, SIGHUP, an error and the normal end

with socket.create_server(("127.0.0.1", 0)) as server:
    port = server.getsockname()[1]
    manager.register_managed_port(port, "http")
    holder = manager.find_process_by_port(port)
    print(manager.is_port_in_use(port), holder.pid == one.pid)

    result = manager.kill_process_on_port(port)
    if not result.ok:
        print(result.reason)  # it is this program

    print([each.in_use for each in manager.get_process_status().managed_ports])

print(manager.ensure_port_available(port, max_retries=1).ok)
print([service.name for service in list_services()])
print(len(hunt("no-such-program-anywhere")), kill_pattern("no-such-program-anywhere").reason)

started = start_service_safe(["sleep", "86400"])  # continues when this program ends
again = start_service_safe(["sleep", "86400"])
print(started.ok, again.reason, again.pid == started.pid)
print(manager.kill_process_by_id(started.pid).reason)
