"""What a program can ask of the library for Python, one call a line on stdin. Takes and answers what manager-node.mjs
does: names as in Node, times in milliseconds."""

import asyncio
import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
import time
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packages/sdk-python"))
sys.dont_write_bytecode = True
import reeve  # noqa: E402

service = held = None
children = []
TIMES = ("timeout", "grace")


def say(*words):
    print(*words, flush=True)


def snake(name):
    return re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name)


def camel(name):
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def seconds(options):
    return {snake(name): value / 1000 if name in TIMES else value for name, value in (options or {}).items()}


def shown(value):
    """As JSON, in the words of Node."""
    if dataclasses.is_dataclass(value):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {camel(name): shown(each) for name, each in fields.items()}
    if isinstance(value, (list, tuple)):
        return [shown(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return repr(value) if isinstance(value, BaseException) else value


def open_service(wish):
    global service
    service = reeve.ManagedService(wish["name"]).open()
    service.ready()
    return os.getpid()


def enforce_single_instance(name, options=None):
    def second(argv, cwd):
        say("second", json.dumps({"argv": argv, "cwd": cwd}))

    takes = {"on_second_instance": second} if (options or {}).get("takesSecond") else {}
    return reeve.get_process_manager().enforce_single_instance(name, **takes)


def kill_pattern(pattern, options=None):
    flags = re.IGNORECASE if "i" in pattern["flags"] else 0
    return reeve.kill_pattern(re.compile(pattern["source"], flags), **seconds(options))


def add_shutdown_handler(kind, options=None):
    async def waits():
        await asyncio.sleep(0)
        say("handler", kind)

    def handler():
        say("handler", kind)
        if kind == "throws":
            raise RuntimeError("no such file")
        if kind == "hangs":
            time.sleep(600)

    reeve.get_process_manager().add_shutdown_handler(waits if kind == "async" else handler, **seconds(options))


def register_shutdown_handlers():
    reeve.get_process_manager().register_shutdown_handlers()


def listen():
    """A port of this very program."""
    global held
    held = socket.create_server(("127.0.0.1", 0))
    return held.getsockname()[1]


def start(argv):
    """A child, whose output is ours. Returns its pid."""
    children.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL))
    return children[-1].pid


CALLS = {
    "open": open_service,
    "close": lambda: service.close(),
    "register": lambda data: service.register(data),
    "dependency": lambda name, options=None: service.dependency(name, **seconds(options)),
    "endpoint": lambda name: service.endpoint(name),
    "enforceSingleInstance": enforce_single_instance,
    "killPattern": kill_pattern,
    "addShutdownHandler": add_shutdown_handler,
    "registerShutdownHandlers": register_shutdown_handlers,
    "listen": listen,
    "start": start,
    "exit": sys.exit,
}


def answer(call, args):
    if call in CALLS:
        return CALLS[call](*args)
    where = reeve if hasattr(reeve, snake(call)) else reeve.get_process_manager()
    options = args.pop() if args and isinstance(args[-1], dict) and "pid" not in args[-1] else None
    if args and isinstance(args[0], dict):  # a process that was found
        identity = reeve.ProcessIdentity(**args[0]["process"])
        args[0] = reeve.FoundProcess(**{**args[0], "process": identity})
    return getattr(where, snake(call))(*args, **seconds(options))


say("open", os.getpid())
for line in sys.stdin:
    wish = json.loads(line)
    try:
        say(json.dumps({"ok": shown(answer(wish["call"], wish["args"]))}))
    except reeve.ReeveError as error:
        say(json.dumps({"error": {"code": error.code, "exit": error.exit_code, "message": str(error)}}))
