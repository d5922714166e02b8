"""What only the Python library has to show; the rest is the contract suite that every library passes
(test/contract-suites). Run: python3 -m unittest discover -s packages/sdk-python/tests"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE))
import reeve  # noqa: E402

HEAD = "import os, signal, subprocess, sys, threading, time\nimport reeve\nfrom reeve import ManagedService\n"
#: A hundred other programs may be at work on the machine; only a failure takes so long.
DEADLINE = 90


class World(unittest.TestCase):
    """A home and a project folder of a test's own."""

    def setUp(self):
        base = tempfile.TemporaryDirectory(prefix="rp-")
        self.addCleanup(base.cleanup)
        self.home = os.path.join(os.path.realpath(base.name), "home")
        self.folder = os.path.join(os.path.realpath(base.name), "project")
        os.mkdir(self.folder)

    def start(self, code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **env):
        """A program in the project's folder."""
        ours = ("REEVE_", "NOTIFY_", "WATCHDOG_", "PYTHON")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environ.update(REEVE_HOME=self.home, PYTHONPATH=str(SOURCE), PYTHONDONTWRITEBYTECODE="1", **env)
        child = subprocess.Popen(
            [sys.executable, "-u", "-W", "error::ResourceWarning", "-c", HEAD + textwrap.dedent(code)],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
        self.addCleanup(self._end, child)
        return child

    @staticmethod
    def _end(child):
        if child.poll() is None:
            child.kill()
        with contextlib.suppress(ValueError):
            child.communicate()

    def run_to_end(self, code, **env):
        """Lines of stdout, exit code and stderr."""
        child = self.start(code, **env)
        out, err = child.communicate(timeout=DEADLINE)
        return out.splitlines(), child.returncode, err

    def line(self, child, wanted):
        """Reads until a line that is ``wanted``."""
        for line in child.stdout:
            if line.strip() == wanted:
                return
        self.fail(f"it ended without {wanted!r}: {child.stderr.read()}")

    def end(self, child, number=signal.SIGTERM):
        child.send_signal(number)
        out, err = child.communicate(timeout=DEADLINE)
        return out.splitlines(), child.returncode, err

    def discover(self, name):
        return reeve.discover_service(name, home=self.home, cwd=self.folder)

    def cards(self):
        return [json.loads(path.read_text()) for path in Path(self.home, "run").glob("*.json")]

    def until(self, what, ask):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            answer = ask()
            if answer:
                return answer
            time.sleep(0.02)
        self.fail(f"waited in vain until {what}")


class Importing(World):
    def test_importing_does_nothing(self):
        lines, code, _ = self.run_to_end(
            """
            import atexit
            print(threading.active_count(), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "ctypes" in sys.modules)
            print(os.path.exists(os.environ["REEVE_HOME"]))
            """
        )
        self.assertEqual((lines, code), (["1 True False", "False"], 0))

    def test_a_wheel_is_built_with_no_tool_and_is_typed(self):
        with tempfile.TemporaryDirectory() as folder:
            name = subprocess.run(
                [sys.executable, "-B", "-c", f"import build_backend; print(build_backend.build_wheel({folder!r}))"],
                cwd=SOURCE,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
            wheel = os.path.join(folder, name)
            code = "import reeve, sys; print(reeve.__version__, reeve.__file__.startswith(sys.path[0]))"
            code = f"import sys; sys.path.insert(0, {wheel!r})\n{code}"
            out = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True).stdout
            self.assertEqual(out.split(), [reeve.__version__, "True"])
            self.assertIn(b"reeve/py.typed", Path(wheel).read_bytes())

    def test_both_versions_are_the_same(self):
        self.assertIn(f'version = "{reeve.__version__}"', (SOURCE / "pyproject.toml").read_text())


class Names(unittest.TestCase):
    def test_a_name_that_is_not_kebab_case_is_refused_with_one_that_is(self):
        wrong = {"WebEditor": "web-editor", "service name": "service-name", "9lives": "lives", "a--b": "a-b"}
        for name, better in wrong.items():
            with self.assertRaises(reeve.UsageError) as caught:
                reeve.ManagedService(name)
            self.assertEqual(caught.exception.hint, f"for example: {better}")
        for name in ("", "a" * 101, None, 7, "web-editor\n"):
            with self.assertRaises(ValueError):
                reeve.ManagedService(name)

    def test_a_title_begins_with_the_project(self):
        with tempfile.TemporaryDirectory() as home:
            service = reeve.ManagedService("web-editor", "editor", home=home)
            with self.assertRaises(reeve.UsageError) as caught:
                service.open()
            self.assertIn("-web-editor", caught.exception.hint)

    def test_what_is_no_port_no_json_and_no_command_is_refused(self):
        service = reeve.ManagedService("web-editor")
        for data in ({"port": 0}, {"port": 70000}, {"ports": ["x"]}, {"a": object()}, {"a": float("nan")}, [1]):
            with self.assertRaises(reeve.UsageError, msg=repr(data)):
                service.register(data)
        with self.assertRaises(reeve.UsageError):
            service.register({"text": "x" * (256 << 10)})
        for wrong in (
            {"cleanup": " "},
            {"start": []},
            {"cleanup_timeout": 0},
            {"processes": "vite"},
            {"ports": [True]},
        ):
            with self.assertRaises(reeve.UsageError, msg=repr(wrong)):
                service.announce_process_management(**wrong)


class TheEnd(World):
    HANDLERS = """
        service = ManagedService("web-editor").open()
        for each in ("first", "second"):
            service.on_stop(lambda each=each: print("stop", each))
        service.ready()
    """
    STOPS = ["stop second", "stop first"]

    def card_exit(self):
        (card,) = self.cards()
        self.assertEqual(card["state"], "stopped")
        return card["exit"] and card["exit"]["code"]

    def test_a_program_that_comes_to_its_end_runs_them(self):
        lines, code, err = self.run_to_end(self.HANDLERS)
        self.assertEqual((lines, code, err, self.card_exit()), (self.STOPS, 0, "", 0))

    def test_an_uncaught_exception_runs_them(self):
        lines, code, err = self.run_to_end(self.HANDLERS + "\n        1 / 0")
        self.assertEqual((lines, code, self.card_exit()), (self.STOPS, 1, 1))
        self.assertIn("ZeroDivisionError", err)

    def test_sys_exit_runs_them(self):
        lines, code, _ = self.run_to_end(self.HANDLERS + "\n        sys.exit(3)")
        self.assertEqual((lines, code), (self.STOPS, 3))

    def test_they_run_once_whatever_comes_together(self):
        lines, code, _ = self.run_to_end(
            """
            with ManagedService("web-editor") as service:
                service.on_stop(lambda: print("stop"))
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGTERM)
                service.wait()
                service.close()
            service.close()
            """
        )
        self.assertEqual((lines, code), (["stop"], 0))

    def test_an_exception_in_the_block_is_the_programs_and_says_so_on_the_card(self):
        _, code, err = self.run_to_end(
            """
            with ManagedService("web-editor"):
                raise KeyError("x")
            """
        )
        self.assertEqual((code, self.card_exit()), (1, 1))
        self.assertIn("KeyError: 'x'", err)

    def test_a_handler_that_fails_makes_the_exit_code_1_and_the_card_says_so(self):
        child = self.start(
            """
            with ManagedService("web-editor") as service:
                service.on_stop(lambda: 1 / 0)
                print("open")
                service.run()
            """
        )
        self.line(child, "open")
        _, code, err = self.end(child)
        self.assertEqual((code, self.card_exit()), (1, 1))
        self.assertIn("ZeroDivisionError", err)

    def test_a_run_that_cannot_know_is_interrupted_and_its_finally_runs(self):
        child = self.start(
            """
            with ManagedService("web-editor"):
                try:
                    print("open")
                    time.sleep(600)
                finally:
                    print("finally")
            """
        )
        self.line(child, "open")
        self.assertEqual(self.end(child)[:2], (["finally"], 0))
        self.assertEqual(self.card_exit(), 0)

    def end_with(self, code, stderr, number=None, blocks=False):
        """Exit code, and the names of the handlers that ran. ``blocks``: it is writing to a pipe that is not read."""
        descriptor, notes = tempfile.mkstemp(dir=self.folder)
        os.close(descriptor)
        head = f"def note(word):\n    with open({notes!r}, 'a') as file: file.write(word + ' ')\n"
        child = self.start(head + textwrap.dedent(code), stdout=stderr, stderr=stderr)
        if number is not None:
            self.until("it is up", lambda: "up" in Path(notes).read_text())
            if blocks:  # CPython loses a signal that comes in C code just before a call that blocks
                self.until("it writes", lambda: Path(f"/proc/{child.pid}/syscall").read_text().split()[1:2] == ["0x2"])
            child.send_signal(number)
        return child.wait(timeout=DEADLINE), Path(notes).read_text().strip()

    def end_all(self, cases):
        """What ``end_with`` says of each, in their order; most of the time they wait for a limit."""
        with ThreadPoolExecutor(len(cases)) as pool:
            return list(pool.map(lambda case: self.end_with(*case), cases))

    def test_U30_whatever_stderr_has_become_every_exit_path_ends_the_program_after_its_handlers(self):
        reader, closed = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, closed)
        unread_reader, unread = os.pipe()
        self.addCleanup(os.close, unread_reader)
        self.addCleanup(os.close, unread)
        full = os.open("/dev/full", os.O_WRONLY)
        self.addCleanup(os.close, full)
        opened = """
            service = ManagedService(f"a-{os.getpid()}").open()
            service.on_stop(lambda: note("handler"), name="last")
            service.ready(); note("up")
        """
        flood = "'x' * (1 << 20)"
        manager = """
            manager = reeve.get_process_manager()
            manager.enforce_single_instance(f"a-{os.getpid()}")
            manager.add_shutdown_handler(lambda: note("handler"))
            manager.register_shutdown_handlers(); note("up")
        """
        ends = [
            (f"{opened}\n            raise RuntimeError({flood})", None),
            (
                f"{opened}\n            service.on_stop(lambda: [][len({flood})])\n            service.wait()",
                signal.SIGTERM,
            ),
            (f"{opened}\n            sys.stderr.write({flood}); service.wait()", signal.SIGTERM),
            (f"{manager}\n            raise RuntimeError({flood})", None),
            (
                f"{manager}\n            manager.add_shutdown_handler(lambda: [][len({flood})])\n            time.sleep(600)",
                signal.SIGTERM,
            ),
            (f"{manager}\n            sys.stderr.write({flood}); time.sleep(600)", signal.SIGTERM),
        ]
        outputs = {"closed": closed, "full": full, "unread": unread}
        cases = [(code, stderr, number) for stderr in outputs.values() for code, number in ends]
        for (code, stderr, number), (exit_code, notes) in zip(cases, self.end_all(cases)):
            with self.subTest(code, stderr=stderr):
                self.assertEqual(notes, "up handler")
                if number is None:
                    self.assertEqual(exit_code, 1)

    def test_U30_a_handler_that_never_lets_go_of_the_interpreter_ends_with_the_program(self):
        code, notes = self.end_with(
            """
            import re
            with ManagedService("stuck") as service:
                service.on_stop(lambda: (note("handler"), re.match("(a+)+$", "a" * 60 + "b")), timeout=0.1)
                service.wait(0); note("up"); service.wait()
            """,
            None,
            signal.SIGTERM,
        )
        self.assertEqual((code, notes), (1, "up handler"))

    def test_U30_a_shutdown_handler_that_never_lets_go_of_the_interpreter_ends_with_the_program(self):
        ends = ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(600)", "sys.exit(0)", "1 / 0")
        code = """
            import re
            manager = reeve.get_process_manager()
            stuck = lambda: (note("handler"), re.match("(a+)+$", "a" * 60 + "b"))
            manager.add_shutdown_handler(stuck, timeout=0.1)
            manager.register_shutdown_handlers()
            END
            """
        results = self.end_all([(code.replace("END", end), subprocess.DEVNULL, None) for end in ends])
        self.assertEqual(results, [(1, "handler")] * 3)

    def test_a_run_that_knows_is_left_to_return_by_itself(self):
        child = self.start(
            """
            from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
            with ManagedService("web-editor") as service:
                server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
                service.on_stop(server.shutdown)
                print("open")
                server.serve_forever()
                print("returned")
            print("after")
            """
        )
        self.line(child, "open")
        self.assertEqual(self.end(child)[:2], (["returned", "after"], 0))

    def test_a_run_that_swallows_the_interruption_is_ended_all_the_same(self):
        child = self.start(
            """
            service = ManagedService("web-editor").open()
            print("open")
            while True:
                try:
                    time.sleep(600)
                except SystemExit:
                    print("no")
            """
        )
        self.line(child, "open")
        lines, code, _ = self.end(child)
        self.assertEqual((set(lines), code), ({"no"}, 0))
        self.assertEqual(self.card_exit(), 0)

    def test_a_second_ctrl_c_ends_it_at_once(self):
        child = self.start(
            """
            with ManagedService("web-editor") as service:
                service.on_stop(lambda: (print("stopping"), time.sleep(600)), timeout=600)
                print("open")
                service.run()
            """
        )
        self.line(child, "open")
        child.send_signal(signal.SIGINT)
        self.line(child, "stopping")
        self.assertEqual(self.end(child, signal.SIGINT)[1], 130)
        self.assertEqual(self.card_exit(), 130)

    def test_signals_are_the_programs_own_again_after_the_block(self):
        child = self.start(
            """
            with ManagedService("web-editor"):
                pass
            print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
            with ManagedService("web-editor") as service:
                os.kill(os.getpid(), signal.SIGTERM)
                service.wait()
            print("after")
            time.sleep(600)
            """
        )
        self.line(child, "True")
        self.line(child, "after")
        self.assertEqual(self.end(child)[1], -signal.SIGTERM)

    def test_a_program_with_handlers_of_its_own_keeps_them(self):
        child = self.start(
            """
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
            with ManagedService("web-editor") as service:
                service.on_stop(lambda: print("stop"))
                print("open")
                service.run()
            """
        )
        self.line(child, "open")
        self.assertEqual(self.end(child)[:2], (["stop"], 7))

    def test_main_says_who_runs_and_ends_with_5(self):
        child = self.start('ManagedService.main("web-editor")')
        self.until("it is there", lambda: self.discover("web-editor"))
        _, code, err = self.run_to_end('ManagedService.main("web-editor")')
        self.assertEqual(code, 5)
        self.assertIn(f"web-editor is already running in project (pid {child.pid})", err)
        self.assertEqual(self.end(child)[1], 0)

    def test_a_forked_child_is_not_the_service(self):
        child = self.start(
            """
            service = ManagedService("web-editor").open()
            service.on_stop(lambda: print("stop"))
            child = os.fork()
            if child == 0:
                service.status("said by the child")
                own = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
                os.write(1, f"child {own}\\n".encode())
                sys.stdin.read()  # until the test is over
            else:
                service.wait()
            """
        )
        self.line(child, "child True")
        self.assertIsNone(self.discover("web-editor").status()["status"])
        child.kill()
        child.wait()
        lines, code, _ = self.run_to_end('with ManagedService("web-editor"): print("mine")')
        self.assertEqual((lines, code), (["mine"], 0), "the child of the dead one holds nothing")


class Beside(World):
    def test_workers_end_newest_first_and_are_waited_for(self):
        lines, code, _ = self.run_to_end(
            """
            with ManagedService("web-editor") as service:
                def work(name):
                    def until_told(stopping):
                        stopping.wait()
                        time.sleep(0.1)
                        print("ended", name)
                    return until_told
                service.worker("first", work("first"))
                service.on_stop(lambda: print("between"))
                service.worker("second", work("second"))
            """
        )
        self.assertEqual((lines, code), (["ended second", "between", "ended first"], 0))

    def test_one_that_fails_makes_the_service_unhealthy_and_no_more(self):
        child = self.start(
            """
            with ManagedService("web-editor") as service:
                service.ready()
                service.worker("mailer", lambda stopping: 1 / 0)
                print("open")
                service.run()
            """
        )
        self.line(child, "open")
        self.until("it is unhealthy", lambda: self.discover("web-editor").status()["health"] == "unhealthy")
        self.assertEqual(self.discover("web-editor").status()["health_reason"], "worker mailer: division by zero")
        self.assertEqual(self.end(child)[1], 0)

    def test_an_interval_goes_on_after_a_failure_until_it_is_stopped(self):
        lines, code, _ = self.run_to_end(
            """
            ticks = []
            enough = threading.Event()
            def tick():
                ticks.append(1)
                if len(ticks) == 3:
                    enough.set()
                raise ValueError("x")
            with ManagedService("web-editor") as service:
                beat = service.interval("tick", 0.01, tick)
                enough.wait(10)
                beat.stop()
                seen = len(ticks)
                time.sleep(0.05)
                print(seen >= 3, len(ticks) == seen)
            """
        )
        self.assertEqual((lines, code), (["True True"], 0))


class Supervised(World):
    """With a supervisor that listens at NOTIFY_SOCKET."""

    def listen(self, abstract=False):
        path = f"{self.folder}/notify"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind("\0" + path if abstract else path)
        listener.settimeout(DEADLINE)
        self.addCleanup(listener.close)
        return listener, ("@" if abstract else "") + path

    def test_it_is_told_ready_status_health_and_stopping(self):
        for abstract in (False, True):
            with self.subTest(abstract=abstract):
                listener, address = self.listen(abstract)
                _, code, _ = self.run_to_end(
                    """
                    with ManagedService("web-editor") as service:
                        service.ready()
                        service.status("12 players\\nMAINPID=1")
                        service.health("unhealthy", "no disk")
                    """,
                    NOTIFY_SOCKET=address,
                )
                self.assertEqual(code, 0)
                told = [listener.recv(4096).decode() for _ in range(4)]
                wanted = ["READY=1", "STATUS=12 players MAINPID=1", "X_REEVE_HEALTH=unhealthy:no disk", "STOPPING=1"]
                self.assertEqual(told, wanted)

    def test_a_watchdog_gets_its_sign_of_life_while_the_check_agrees(self):
        listener, address = self.listen()
        child = self.start(
            """
            fine = [True, True, False]
            with ManagedService("web-editor") as service:
                service.watchdog(lambda: fine.pop(0) if fine else False)
                service.run()
            """,
            NOTIFY_SOCKET=address,
            WATCHDOG_USEC="40000",
        )
        self.assertEqual([listener.recv(4096) for _ in range(2)], [b"WATCHDOG=1"] * 2)
        child.terminate()
        self.assertEqual(listener.recv(4096), b"STOPPING=1")

    def test_sighup_reloads_and_does_not_end_it(self):
        listener, address = self.listen()
        child = self.start(
            """
            with ManagedService("web-editor") as service:
                service.on_reload(lambda: print("reload"))
                print("open")
                service.run()
            """,
            NOTIFY_SOCKET=address,
        )
        self.line(child, "open")
        for _ in range(2):
            child.send_signal(signal.SIGHUP)
            self.line(child, "reload")
            self.assertRegex(listener.recv(4096).decode(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
            self.assertEqual(listener.recv(4096), b"READY=1")
        self.assertEqual(self.end(child)[1], 0)

    def test_with_nobody_there_nothing_happens(self):
        lines, code, err = self.run_to_end(
            """
            with ManagedService("web-editor") as service:
                service.ready(); service.status("x"); service.watchdog()
            print(reeve.notify("READY=1"))
            os.environ["NOTIFY_SOCKET"] = "/nowhere/at-all"
            print(reeve.notify("READY=1"))
            """
        )
        self.assertEqual((lines, code, err), (["False", "False"], 0, ""))


class Title(World):
    @unittest.skipUnless(sys.platform == "linux", "the title is set by Linux' own means")
    def test_ps_shows_it(self):
        child = self.start(
            """
            with ManagedService("web-editor") as service:
                print(service.register(port=8081).cut)
                service.run()
            """
        )
        self.line(child, "False")
        self.assertEqual(Path(f"/proc/{child.pid}/comm").read_text(), "project-web-edi\n")
        shown = Path(f"/proc/{child.pid}/cmdline").read_bytes()
        self.assertEqual(shown.rstrip(b"\0"), b"project-web-editor")
        self.assertIn("-c", self.discover("web-editor").card["argv"])


class Announcing(World):
    def test_it_is_found_by_capability_and_does_what_it_announced(self):
        child = self.start(
            """
            with reeve.announce_process_management(
                "streams", start=lambda: print("started"), cleanup=lambda: print("cleaned"), capabilities=["VIDEO"]
            ) as announced:
                print("open")
                time.sleep(600)
            """
        )
        self.line(child, "open")
        for capability in ("PROCESS_MANAGER", "VIDEO"):
            (found,) = reeve.discover_by_capability(capability, home=self.home, cwd=self.folder)
            self.assertEqual((found.name, found.live, found.pid), ("streams", True, child.pid))
        self.assertEqual(reeve.discover_by_capability("AUDIO", home=self.home, cwd=self.folder), [])
        self.assertEqual(found.card["kind"], "announcement")
        self.assertTrue(found.start().ok)
        self.assertTrue(found.cleanup().ok)
        found.shutdown("a test")
        out, _ = child.communicate(timeout=DEADLINE)
        self.assertEqual((out.splitlines(), child.returncode), (["started", "cleaned"], 0))
        self.assertIsNone(self.discover("streams"))

    def test_a_stale_ones_command_is_run_here_its_method_is_gone_with_it(self):
        child = self.start(
            """
            first = reeve.announce("with-command", cleanup="echo clean > cleaned", start=lambda: None)
            print("open")
            time.sleep(600)
            """
        )
        self.line(child, "open")
        child.kill()
        child.wait()
        found = self.discover("with-command")
        self.assertTrue(found.stale)
        self.assertEqual(found.cleanup().reason, "done")
        self.assertEqual(Path(self.folder, "cleaned").read_text(), "clean\n")
        self.assertEqual(found.start().reason, "not_announced")
        with self.assertRaises(reeve.Unreachable):
            found.status()

    def test_a_port_that_is_still_taken_after_the_clean_up_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            child = self.start(
                f'with reeve.announce("streams", ports=[{port}], cleanup="true"): print("open"); time.sleep(600)'
            )
            self.line(child, "open")
            outcome = self.discover("streams").cleanup()
            self.assertEqual((outcome.ok, outcome.reason, outcome.taken), (False, "survived", (port,)))
            self.assertTrue(self.discover("streams").status()["ports"][0]["in_use"])

    def test_a_name_that_somebody_holds_is_refused_until_it_is_given_back(self):
        here = {"home": self.home, "cwd": self.folder}
        with reeve.announce("streams", data={"version": 1}, **here) as first:
            with self.assertRaises(reeve.AlreadyRunning) as caught:
                reeve.announce("streams", **here)
            self.assertEqual(caught.exception.pid, os.getpid())
            self.assertEqual(first.card["data"], {"version": 1})
        reeve.announce("streams", **here).close()


class Requests(World):
    def test_a_line_of_exactly_one_mib_is_read_and_one_byte_more_is_not(self):
        child = self.start(
            """
            with ManagedService("web-editor") as service:
                print("open")
                service.run()
            """
        )
        self.line(child, "open")
        path = self.discover("web-editor").card["socket"]
        head = b'{"id":1,"protocol":1,"call":"ping","later":"'
        for extra, closes in ((0, False), (1, True)):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(DEADLINE)
                client.connect(path)
                client.sendall(head + b"x" * ((1 << 20) - len(head) - 2 + extra) + b'"}\n')
                reply = json.loads(client.makefile().readline())
                self.assertEqual("error" in reply, closes)
                if closes:
                    self.assertEqual(client.recv(1), b"")


class Asynchronous(World):
    def test_U25_whatever_is_async_def_is_waited_for(self):
        lines, code, err = self.run_to_end(
            """
            import asyncio
            async def say(*words):
                await asyncio.sleep(0)
                print(*words)
            class Web(ManagedService):
                async def run(self):
                    self.on_stop(lambda: say("stop"))
                    self.announce_process_management(cleanup=lambda: say("cleanup"))
                    beaten = threading.Event()
                    async def beat():
                        await say("beat") if not beaten.is_set() else None
                        beaten.set()
                    self.interval("beat", 0.001, beat)
                    await asyncio.to_thread(beaten.wait)
                    await asyncio.to_thread(reeve.discover_service("web").cleanup)
            Web.main("web")
            """
        )
        self.assertEqual((lines, code, err), (["beat", "cleanup", "stop"], 0, ""))

    def test_U25_a_handler_is_awaited_in_the_loop_of_the_service_and_elsewhere_when_it_has_none(self):
        code = """
            import asyncio
            async def main():
                loop = asyncio.get_running_loop()
                async def stop():
                    print("stop", asyncio.get_running_loop() is loop)
                WITH ManagedService("web") as service:
                    service.on_stop(stop)
                    print("open", os.getpid())
                    WAIT
            asyncio.run(main())
            """
        waiting = code.replace("WAIT", "await asyncio.to_thread(service.wait)")
        for block, where in (("async with", "True"), ("with", "False")):
            with self.subTest(block):
                child = self.start(waiting.replace("WITH", block))
                self.assertIn("open", child.stdout.readline())
                self.assertEqual(self.end(child), ([f"stop {where}"], 0, ""))
                lines, code_of_end, err = self.run_to_end(code.replace("WAIT", "pass").replace("WITH", block))
                self.assertEqual((lines[1:], code_of_end, err), ([f"stop {where}"], 0, ""))


class Manager(World):
    ONE = """
        manager = reeve.get_process_manager()
        manager.enforce_single_instance("job")
    """

    def test_U25_a_shutdown_that_is_asked_for_ends_a_program_that_registered_nothing_and_its_finally_runs(self):
        child = self.start(
            self.ONE
            + """
        try:
            print("open")
            time.sleep(600)
        finally:
            print("finally")
            """
        )
        self.line(child, "open")
        self.discover("job").shutdown()
        out, err = child.communicate(timeout=DEADLINE)
        self.assertEqual((out.splitlines(), child.returncode, err), (["finally"], 0, ""))

    def test_U25_a_program_that_only_holds_a_name_keeps_its_ctrl_c(self):
        child = self.start(
            self.ONE
            + """
        try:
            print("open")
            time.sleep(600)
        except KeyboardInterrupt:
            print("its own")
            """
        )
        self.line(child, "open")
        self.assertEqual(self.end(child, signal.SIGINT), (["its own"], 0, ""))
        self.assertEqual(self.cards()[0]["state"], "stopped")

    def test_U25_handlers_run_also_when_the_service_of_the_program_has_ended_before_and_those_taken_back_do_not(self):
        lines, code, _ = self.run_to_end(
            """
            manager = reeve.get_process_manager()
            with ManagedService("web") as service:
                service.on_stop(lambda: print("service"))
                back = manager.add_shutdown_handler(lambda: print("back"))
                @manager.add_shutdown_handler
                def handler():
                    print("handler")
                    manager.add_shutdown_handler(lambda: print("added meanwhile"))
                manager.remove_shutdown_handler(back)
            print("closed")
            """
        )
        self.assertEqual((lines, code), (["service", "closed", "handler", "added meanwhile"], 0))

    def test_U25_what_registering_did_is_taken_back_and_handlers_are_shared_by_who_calls_for_them_at_once(self):
        lines, code, _ = self.run_to_end(
            """
            manager = reeve.get_process_manager()
            back = manager.register_shutdown_handlers()
            print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
            back()
            print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
            entered, go = threading.Event(), threading.Event()
            manager.add_shutdown_handler(lambda: (entered.set(), go.wait()), name="slow")
            results = []
            first = threading.Thread(target=lambda: results.append(manager.execute_shutdown_handlers()))
            first.start()
            entered.wait()
            second = threading.Thread(target=lambda: results.append(manager.execute_shutdown_handlers()))
            second.start()
            go.set()
            first.join(); second.join()
            print([each.name for each in results[0]])
            manager.add_shutdown_handler(lambda: print("never"))
            """
        )
        self.assertEqual((lines, code), (["False", "True", "['slow']"], 0))

    def test_U25_outside_the_main_thread_signals_are_refused_and_say_so(self):
        lines, _, _ = self.run_to_end(
            """
            def work():
                try:
                    reeve.get_process_manager().register_shutdown_handlers()
                except reeve.UsageError as error:
                    print(error.code, error.exit_code, "main thread" in str(error))
            thread = threading.Thread(target=work)
            thread.start(); thread.join()
            """
        )
        self.assertEqual(lines, ["USAGE 2 True"])

    def test_U25_a_forked_child_is_not_the_single_instance_and_runs_no_handler(self):
        lines, code, _ = self.run_to_end(
            self.ONE
            + """
        manager.add_shutdown_handler(lambda: print("handler", os.getpid() == parent))
        manager.register_shutdown_handlers()
        manager.register_managed_port(9, "discard")
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            status = reeve.get_process_manager().get_process_status()
            print("child", status.name, len(status.managed_ports), status.shutdown_handlers)
            sys.exit(0)
        os.waitpid(child, 0)
        print("parent", manager.get_process_status().name)
            """
        )
        self.assertEqual((lines, code), (["child None 0 0", "parent job", "handler True"], 0))


class Processes(World):
    def test_U25_a_service_whose_main_thread_has_ended_is_alive(self):
        child = self.start(
            """
            import ctypes
            ManagedService("web").open().ready()
            threading.Thread(target=time.sleep, args=(600,)).start()
            print("open")
            ctypes.CDLL(None).pthread_exit(None)
            """
        )
        self.line(child, "open")
        self.until("its main thread is a zombie", lambda: "Z (zombie)" in Path(f"/proc/{child.pid}/status").read_text())
        self.assertTrue(self.discover("web").live)

    def test_U25_what_is_started_carries_the_mark_of_the_service_whatever_was_announced_before(self):
        lines, _, _ = self.run_to_end(
            """
            def mark(): return os.environ["REEVE_OWNER"].split(":")[0]
            announced = reeve.announce("manager")
            print(mark() == announced.id)
            service = ManagedService("web").open()
            print(mark() == service.card["id"])
            reeve.announce("other")
            print(mark() == service.card["id"])
            """
        )
        self.assertEqual(lines, ["True", "True", "True"])

    def test_U25_a_card_that_somebody_else_could_have_written_is_no_card(self):
        with announced_here(self, "web") as path:
            self.assertIsNotNone(self.discover("web"))
            os.chmod(path, 0o666)
            self.assertIsNone(self.discover("web"))
            os.chmod(path, 0o600)
            os.rename(path, f"{path}.moved")
            os.symlink(f"{path}.moved", path)
            self.assertIsNone(self.discover("web"))
            os.unlink(path)
            os.mkfifo(path)
            self.assertIsNone(self.discover("web"))
            os.unlink(path)
            os.rename(f"{path}.moved", path)


@contextlib.contextmanager
def announced_here(world, name):
    """The card of a service of this very program."""
    with reeve.announce(name, home=world.home, cwd=world.folder) as announced:
        yield os.path.join(world.home, "run", f"{announced.id}.json")


if __name__ == "__main__":
    unittest.main()
