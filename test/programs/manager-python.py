"""What a service can ask of the library for Python, one call a line on stdin. Takes and answers what manager-node.mjs
does."""

import dataclasses
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packages/sdk-python"))
sys.dont_write_bytecode = True
from reeve import ManagedService, ReeveError  # noqa: E402

service = None


def say(*words):
    print(*words, flush=True)


def open_service(wish):
    global service
    service = ManagedService(wish["name"]).open()
    service.ready()
    return os.getpid()


def dependency(name, options=None):
    limit = {} if options is None else {"timeout": options["timeout"] / 1000}
    return dataclasses.asdict(service.dependency(name, **limit))


CALLS = {
    "open": open_service,
    "dependency": dependency,
    "endpoint": lambda name: dataclasses.asdict(service.endpoint(name)),
}

say("open", os.getpid())
for line in sys.stdin:
    wish = json.loads(line)
    try:
        say(json.dumps({"ok": CALLS[wish["call"]](*wish["args"])}))
    except ReeveError as error:
        say(json.dumps({"error": {"code": error.code, "exit": error.exit_code, "message": str(error)}}))
