"""A service that speaks the control socket, in Python. Takes what managed-node.mjs takes."""

import asyncio
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packages/sdk-python"))
sys.dont_write_bytecode = True
from reeve import AlreadyRunning, ManagedService, ReeveError  # noqa: E402

wish = json.loads(sys.argv[1])


def say(*words):
    print(*words, flush=True)


def method(kind):
    def work():
        say("method", kind)
        if kind == "throws":
            raise RuntimeError("no such table")
        if kind == "hangs":
            time.sleep(600)

    return work


def action(given):
    return method(given["method"]) if isinstance(given, dict) else given


def stop(name):
    async def awaits():
        say("stop", name)
        await asyncio.sleep(0.001)
        say("awaited", name)

    def handler():
        say("stop", name)
        if name == "throws":
            raise RuntimeError("no such file")
        if name == "hangs":
            time.sleep(600)

    return awaits if name == "awaits" else handler


class Speaker(ManagedService):
    def run(self):
        if "data" in wish:
            self.register(wish["data"])
        if "announce" in wish:
            given = wish["announce"]
            self.announce_process_management(
                description=given.get("description", ""),
                ports=given.get("ports", []),
                start=action(given.get("start")),
                cleanup=action(given.get("cleanup")),
                cleanup_timeout=given.get("cleanup_timeout", 5000) / 1000,
                capabilities=given.get("capabilities", []),
            )
        for name in wish.get("stops", []):
            self.on_stop(stop(name), timeout=0.3)
        if wish.get("ready", True):
            self.ready()
        say("open", os.getpid())
        self.wait()


service = Speaker(wish.get("service", "web-editor"))
if wish.get("takes_second"):
    service.on_second_instance(lambda argv, cwd: say("second", json.dumps({"argv": argv, "cwd": cwd})))
try:
    with service:
        service.run()
except AlreadyRunning as error:
    say("refused", json.dumps({"pid": error.pid, "handed_over": error.handed_over}))
    sys.exit(0 if error.handed_over else error.exit_code)
except ReeveError as error:
    say("error", error.code)
    sys.exit(error.exit_code)
