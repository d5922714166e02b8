"""reeve for Python: services that say who they are, and a process manager.

One file, standard library only, Python 3.9 or newer, Unix.

A service holds its name by a lock of the system, so there is one of it in a project; it can be found, asked and stopped
over its control socket; and it cleans up however it ends::

    from reeve import ManagedService

    class WebEditor(ManagedService):
        def run(self):
            self.register({"port": 8081})
            self.ready()
            self.wait()                      # until it is asked to stop

    if __name__ == "__main__":
        with WebEditor("web-editor") as service:
            service.run()

A program that is not a service, and one that manages others, has :func:`get_process_manager`: a single instance, ports,
what earlier starts left behind, shutdown handlers; and :func:`hunt`, :func:`kill_service`, :func:`start_service_safe`.

It needs no daemon; what only a supervisor can use does nothing where there is none. Importing this module does nothing.
All times are seconds. Errors are :class:`ReeveError`, with a code of reeve's catalogue. What lies on the disk and goes
over the socket is described in reeve's docs/decisions/0007-service-control-socket.md.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import faulthandler
import fcntl
import functools
import hashlib
import inspect
import itertools
import json
import math
import os
import pwd
import queue
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import traceback
import warnings
from dataclasses import dataclass
from datetime import datetime, timezone
from types import FrameType, MappingProxyType, TracebackType
from typing import Any, Callable, Iterable, Iterator, Mapping, NoReturn, Sequence, TypeVar, Union

__version__ = "0.1.0"
__all__ = [
    "ActionResult",
    "AlreadyRunning",
    "Announced",
    "Background",
    "Discovered",
    "Endpoint",
    "FoundPortHolder",
    "FoundProcess",
    "HandlerOutcome",
    "HomeUnsafe",
    "HuntedProcess",
    "ListedService",
    "ManagedPort",
    "ManagedService",
    "Outcome",
    "Port",
    "ProcessIdentity",
    "ProcessManager",
    "ProcessOutcome",
    "ProcessStatus",
    "ReeveError",
    "ReeveWarning",
    "Registered",
    "SingleInstance",
    "StartResult",
    "Unreachable",
    "UsageError",
    "announce",
    "announce_process_management",
    "dependency",
    "discover",
    "discover_by_capability",
    "discover_service",
    "endpoint",
    "find_process_by_port",
    "find_processes_by_port",
    "get_process_manager",
    "hunt",
    "is_port_in_use",
    "kill_pattern",
    "kill_process_by_id",
    "kill_process_on_port",
    "kill_script",
    "kill_service",
    "list_services",
    "notify",
    "reset_process_manager",
    "start_service_safe",
]

PROTOCOL = 1
CARD_FORMAT = 1

_REQUEST_BYTES = 1 << 20
_REPLY_BYTES = 4 << 20
_REQUEST_DEPTH = 32
_CONNECTIONS = 256
_DATA_BYTES = 256 << 10
_SOCKET_PATH_BYTES = 100
_LONGEST_NAME = 100

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_CARD_NAME = re.compile(r"([0-9a-f]{12})\.json")

_CLEANUP_TIMEOUT = 5.0
_START_TIMEOUT = 30.0
_HANDLER_TIMEOUT = 5.0
#: How long a holder of a lock may need to write its pid, or a dying one's lock to be freed.
_LOCK_PATIENCE = 2.0
_LOCK_PAUSE = 0.01
#: A second copy asks the first one this long for a hand-over, while the first may still be opening.
_HAND_OVER = 1.0
#: How long the main thread gets to unwind once SystemExit was raised in it.
_UNWIND = 2.0
#: A card is written at most this often when nothing but a text has changed.
_WRITE_PAUSE = 0.1
#: A start that says nothing counts when it has lived this long.
_LIVES = 1.0
_NEVER = math.inf
#: In the environment of everything that a service starts: ``<id of its card>:<start>``.
_OWNER_MARK = "REEVE_OWNER"
#: In the environment of a daemon or keeper.
_DAEMON_MARK = "REEVE_DAEMON"
#: Clock ticks of /proc in a second, on every Linux that Python runs on.
_TICKS = 100
#: From SIGTERM to SIGKILL.
_GRACE = 5.0
#: For killing and verifying, after the grace.
_KILL_BUDGET = 5.0
_FREEZE_ROUNDS = 20
_FIRST_PAUSE = 0.005
_LAST_PAUSE = 0.05
#: How long the kernel may need to give a port back after its holder.
_RELEASE = 2.0
#: Of processor time that a pattern may take for one command line.
_PATTERN_LIMIT = 0.05
_PATTERN_PATIENCE = 60.0
_STOP_DEADLINE = 120.0
#: The first wait between two looks at a port.
_RETRY = 0.1
#: For another start of the same at the same moment.
_TURN = 5.0
_BIGGEST_PID = 1 << 22
#: How long a report, or a flush of stdout and stderr, may hold up the end.
_STEP = 2.0
#: A daemon that does not answer must not use up the time of those who wait for a service.
_DAEMON_DEADLINE = 2.0
_DAEMON_BYTES = 64 << 20
_GUARD_BYTES = 1 << 20
_CARD_BYTES = 1 << 20
_BETWEEN_LOOKS = 0.1
#: What a step of the end may need beyond its own limit.
_MARGIN = 2.0
_LONGEST_STEP = 10 * 365 * 86400.0

Json = dict[str, Any]
Command = Union[str, Sequence[str]]
Action = Union[Command, Callable[[], object]]
PortInput = Union[int, "Port", Mapping[str, Any]]
Path = Union[str, "os.PathLike[str]"]
_F = TypeVar("_F", bound=Callable[..., object])
_S = TypeVar("_S", bound="ManagedService")


# ---------------------------------------------------------------------------------------------------------- errors


#: What a program ends with by the code of its error, where that is not 1. Source: reeve's catalogue of errors.
_EXIT_CODES = {"GUARD_REFUSED": 7, "NOT_RUNNING": 3, "SERVICE_UNKNOWN": 4, "TIMED_OUT": 8, "USAGE": 2}


class ReeveError(Exception):
    """Something a user can meet. ``code`` is one of reeve's catalogue, ``exit_code`` what a program ends with."""

    code = "INTERNAL"
    exit_code = 1

    def __init__(self, message: str, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if code is not None:
            self.code = code
            self.exit_code = _EXIT_CODES.get(code, self.exit_code)


class UsageError(ReeveError, ValueError):
    """What was given is not what is wanted; the message says what a good one looks like."""

    code = "USAGE"
    exit_code = 2


class HomeUnsafe(ReeveError):
    """Another user could write where reeve's files lie; the hint is the command that fixes it."""

    code = "HOME_UNSAFE"
    exit_code = 7


class Unreachable(ReeveError):
    """A service does not answer. ``how``: ``absent``, ``refused``, ``silent`` or ``broken``."""

    code = "SERVICE_UNREACHABLE"

    def __init__(self, service: str, how: str, why: str) -> None:
        super().__init__(f"cannot talk to {service}: {why}", "check whether it is running: reeve ps")
        self.how = how


class AlreadyRunning(ReeveError):
    """Another process holds the name.

    ``pid`` is its pid, or None when it could not be read. ``handed_over``: it has taken our command line and working
    folder (its ``on_second_instance``), so this copy may end politely.
    """

    code = "ALREADY_RUNNING"
    exit_code = 5

    def __init__(
        self, service: str, project: str, pid: int | None, handed_over: bool = False, managed: bool = False
    ) -> None:
        message = f"{service} is already running in {project}"
        if pid is not None:
            message += f" (pid {pid})"
        how = f"reeve stop {service}" if managed else "" if pid is None else f"kill {pid}"
        hint = "stop it first" + (how and f": {how}")
        super().__init__(message + ("; it was given this command line; this copy exits" if handed_over else ""), hint)
        self.pid = pid
        self.handed_over = handed_over


class ReeveWarning(UserWarning):
    """Something the person who runs the program should know; the service keeps running."""


# ------------------------------------------------------------------------------------------------- values in and out


@dataclass(frozen=True)
class Port:
    """A port that a service listens on."""

    port: int
    name: str | None = None
    protocol: str = "tcp"

    def __post_init__(self) -> None:
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 1 <= self.port <= 65535:
            raise UsageError(f"{self.port!r} is not a valid port (1-65535)")
        if self.protocol not in ("tcp", "udp"):
            raise UsageError(f"{self.protocol!r} is not a valid protocol: tcp or udp")

    def _json(self) -> Json:
        return {"name": self.name, "port": self.port, "protocol": self.protocol}


@dataclass(frozen=True)
class Registered:
    """The process title as the system has it; ``cut``: there was no room for all of it."""

    title: str | None
    cut: bool


@dataclass(frozen=True)
class HandlerOutcome:
    """What a shutdown handler came to: ``done``, ``failed`` or ``timed_out``."""

    name: str
    ok: bool
    reason: str
    error: BaseException | None
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What an announced action came to.

    ``reason``: ``done``, ``failed``, ``timed_out``, ``not_announced``, ``unreachable``, or ``survived``: done, but the
    ports in ``taken`` are still listened on.
    """

    ok: bool
    reason: str
    message: str | None
    seconds: float
    taken: tuple[int, ...] = ()

    def _json(self) -> Json:
        return {"ok": self.ok, "reason": self.reason, "message": self.message, "ms": round(self.seconds * 1000)}


@dataclass(frozen=True)
class Endpoint:
    """Where a service can be reached. ``host`` is an address of this machine; ``port`` is its first one, None while it
    has announced none; ``pid`` is None when it does not run."""

    service: str
    project: str
    host: str
    port: int | None
    ports: tuple[Port, ...]
    pid: int | None


@dataclass(frozen=True)
class _Reason:
    """Why a service stops: ``signal``, ``uncaught``, ``exit`` or ``request``."""

    kind: str
    exit_code: int | None = None


def _check_service_name(name: object) -> None:
    if isinstance(name, str) and _KEBAB.fullmatch(name) and len(name) <= _LONGEST_NAME:
        return
    near = _kebab(name) if isinstance(name, str) else None
    raise UsageError(
        f"{_show(name)} is not a valid service name: kebab-case is wanted, small letters, digits and single dashes, "
        f"at most {_LONGEST_NAME} characters",
        f"for example: {near or 'web-editor'}",
    )


def _title_of(project: str, service: str, wanted: str | None) -> str:
    if wanted is None:
        return f"{project}-{service}"
    if wanted.startswith(f"{project}-") and _NAME.fullmatch(wanted):
        return wanted
    raise UsageError(
        f'{_show(wanted)} is not a valid process title for project {project}: it must begin with "{project}-", '
        "and contain only letters, digits, _ and -",
        f"for example: {project}-{service}",
    )


def _kebab(text: str) -> str | None:
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text).lower()
    name = re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", name))[:_LONGEST_NAME]
    return name if _KEBAB.fullmatch(name) else None


def _show(value: object) -> str:
    return json.dumps(value[:60]) if isinstance(value, str) else repr(value)


def _read_port(given: Any) -> Port:
    if isinstance(given, Port):
        return given
    if isinstance(given, Mapping):
        return Port(given.get("port", 0), given.get("name"), given.get("protocol") or "tcp")
    return Port(given)


def _read_data(data: Mapping[str, Any]) -> tuple[Json, list[Port]]:
    """What ``register`` was given, as JSON has it, and the ports in it."""
    if not isinstance(data, Mapping):
        raise UsageError("register takes a mapping", 'for example: register({"port": 8081})')
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"what register is given must be JSON: {error}") from error
    if size > _DATA_BYTES:
        raise UsageError(f"what register is given is {size} bytes as JSON; {_DATA_BYTES} is the most")
    copy: Json = json.loads(text)
    return copy, _ports_in(copy)


def _ports_in(data: Json) -> list[Port]:
    found: list[Port] = []
    port, ports = data.get("port"), data.get("ports")
    if _is_number(port):
        found.append(_read_port(port))
    if isinstance(ports, list):
        found += [_read_port(each) for each in ports]
    elif isinstance(ports, dict):
        found += [Port(each, name) for name, each in ports.items() if _is_number(each)]
    return _unite_ports(found)


def _unite_ports(ports: Sequence[Port]) -> list[Port]:
    """Each port once; a later one gives its name."""
    by_key: dict[tuple[int, str], Port] = {}
    for each in ports:
        key = (each.port, each.protocol)
        if each.name is not None or key not in by_key:
            by_key[key] = each
    return list(by_key.values())


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass(frozen=True)
class _Announcement:
    """What is announced, as JSON, and the callables behind it."""

    json: Json
    ports: list[Port]
    start: Callable[[], object] | None
    cleanup: Callable[[], object] | None


def _read_announcement(
    always: Sequence[str],
    description: str,
    processes: Sequence[str],
    ports: Sequence[PortInput],
    start: Action | None,
    cleanup: Action | None,
    cleanup_timeout: float,
    dependencies: Sequence[str],
    capabilities: Sequence[str],
    home: Callable[[], Any] | None = None,
) -> _Announcement:
    if not _is_number(cleanup_timeout) or not 0 < cleanup_timeout < _NEVER:
        raise UsageError("cleanup_timeout: seconds above 0")
    found = _unite_ports([_read_port(each) for each in ports])
    content = {
        "description": description,
        "processes": _texts("processes", processes),
        "ports": [each._json() for each in found],
        "dependencies": _texts("dependencies", dependencies),
        "capabilities": list(dict.fromkeys([*always, *_texts("capabilities", capabilities)])),
        "start": _action_json("start", start),
        "cleanup": _action_json("cleanup", cleanup),
        "cleanup_timeout": round(cleanup_timeout * 1000),
    }
    start_here, clean_up_here = (_settled(each, home) if callable(each) else None for each in (start, cleanup))
    return _Announcement(content, found, start_here, clean_up_here)


def _action_json(where: str, action: Action | None) -> Json | None:
    if action is None:
        return None
    if callable(action):
        return {"kind": "method"}
    if isinstance(action, str) and action.strip():
        return {"kind": "command", "command": action}
    if not isinstance(action, str) and action and all(isinstance(each, str) for each in action):
        return {"kind": "command", "command": list(action)}
    raise UsageError(f"{where}: a command (a text, or a list of texts), or a function")


def _texts(where: str, given: Sequence[str]) -> list[str]:
    if isinstance(given, str) or not all(isinstance(each, str) for each in given):
        raise UsageError(f"{where}: a list of texts")
    return list(given)


# ------------------------------------------------------------------------------------------------- place: who and where

_CONFIG_NAMES = (
    "reeve.yaml",
    "reeve.yml",
    "reeve.json",
    "reeve.config.ts",
    "reeve.config.mts",
    "reeve.config.js",
    "reeve.config.mjs",
)


@dataclass(frozen=True)
class _Project:
    """A project as a program sees it: the folder is what it is, the name what it is called."""

    home: str
    folder: str
    name: str

    @property
    def run(self) -> str:
        return os.path.join(self.home, "run")

    @property
    def sockets(self) -> str:
        """Where sockets lie: the run folder, unless a path in it would be longer than 100 bytes."""
        if _socket_fits(self.run):
            return self.run
        key = hashlib.sha256(self.home.encode()).hexdigest()[:8]
        return f"/tmp/reeve-{os.getuid()}-{key}"


@dataclass(frozen=True)
class _Place:
    """Who a service is and where its files lie. ``cookie`` is set when reeve started us."""

    project: _Project
    service: str
    instance: int
    cookie: str | None

    @property
    def id(self) -> str:
        return _id_of(self.project.folder, self.service, self.instance)

    @property
    def lock(self) -> str:
        return os.path.join(self.project.run, f"{self.id}.lock")

    @property
    def card(self) -> str:
        return os.path.join(self.project.run, f"{self.id}.json")

    @property
    def socket(self) -> str:
        return os.path.join(self.project.sockets, f"{self.id}.sock")


def _id_of(folder: str, service: str, instance: int) -> str:
    return hashlib.sha256(f"{folder}\0{service}\0{instance}".encode()).hexdigest()[:12]


def _socket_fits(folder: str) -> bool:
    return len(os.path.join(folder, "0123456789ab.sock").encode()) <= _SOCKET_PATH_BYTES


def _find_project(home: Path | None = None, cwd: Path | None = None) -> _Project:
    env = os.environ
    told = env.get("REEVE_PROJECT_FOLDER")
    declared = None
    if told:
        folder = told
    else:
        start = os.path.realpath(cwd or os.getcwd())
        config = _find_config(start)
        folder = start if config is None else os.path.dirname(config)
        declared = None if config is None else _declared_name(config)
    proper = re.sub(r"^-+|-+$", "", re.sub(r"[^A-Za-z0-9_-]+", "-", os.path.basename(folder)))[:100]
    name = _valid_name(env.get("REEVE_PROJECT")) or declared or _valid_name(proper) or "project"
    return _Project(_resolve_home(home), folder, name)


def _find_place(service: str, home: Path | None, cwd: Path | None) -> _Place:
    # A child that calls itself otherwise is not what reeve started.
    is_ours = os.environ.get("REEVE_SERVICE", "").lower() == service
    number = os.environ.get("REEVE_INSTANCE", "")
    instance = int(number) if is_ours and re.fullmatch(r"[0-9]{1,9}", number) else 0
    cookie = (os.environ.get("REEVE_RUN") or None) if is_ours else None
    return _Place(_find_project(home, cwd), service, instance, cookie)


def _resolve_home(explicit: Path | None) -> str:
    given = os.fspath(explicit) if explicit else os.environ.get("REEVE_HOME")
    if given:
        return os.path.abspath(given)
    user = os.path.expanduser("~")
    if sys.platform == "darwin":
        return os.path.join(user, "Library/Application Support/reeve")
    state = os.environ.get("XDG_STATE_HOME", "")
    return os.path.join(state if os.path.isabs(state) else os.path.join(user, ".local/state"), "reeve")


def _find_config(start: str) -> str | None:
    """The nearest config upwards to the git root or home; not past a sticky folder or one of another owner."""
    top = os.path.realpath(os.path.expanduser("~"))
    folder = start
    while True:
        if folder != start and not _may_enter(folder):
            return None
        try:
            names = set(os.listdir(folder))
        except OSError:
            names = set()
        found = [os.path.join(folder, name) for name in _CONFIG_NAMES if name in names]
        if len(found) > 1:
            message = f"two configs found side by side: {found[0]} and {found[1]}"
            raise UsageError(message, "remove one of them", code="CONFIG_AMBIGUOUS")
        if found:
            return found[0]
        above = os.path.dirname(folder)
        if ".git" in names or folder == top or above == folder:
            return None
        folder = above


def _may_enter(folder: str) -> bool:
    try:
        facts = os.stat(folder)
    except OSError:
        return False
    return not facts.st_mode & stat.S_ISVTX and os.geteuid() in (0, facts.st_uid)


def _declared_name(config: str) -> str | None:
    """``project:`` of a config, without a YAML parser and without running its code; it is only what it is called."""
    try:
        with open(config, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    if re.search(r"\.ya?ml$", config):
        found = re.search(r"""^(?:project|"project"|'project')\s*:\s+["']?([^"'#\s]+)["']?\s*(?:#.*)?$""", text, re.M)
        found = found or re.search(r'^\s*\{[\s\S]*?"project"\s*:\s*"([^"]+)"', text)
    else:
        found = re.search(r"""\bproject["']?\s*:\s*["']([^"']+)["']""", text)
    return _valid_name(found[1]) if found else None


def _valid_name(name: str | None) -> str | None:
    return name if name is not None and _NAME.fullmatch(name) else None


# --------------------------------------------------------------------------------------------- folders that are ours


def _prepare_folder(path: str, forbidden: int) -> None:
    """Makes a folder (0700) if it is missing, then verifies that it is ours, that its mode has none of ``forbidden``,
    and that no other user could put another one in its place, by any of the folders above it. Raises HomeUnsafe."""
    try:
        if not os.path.lexists(path):
            _make_with_parents(path)
    except OSError as error:
        raise HomeUnsafe(f"{path} cannot be made: {error.strerror}", "choose another place: REEVE_HOME=DIR") from error
    facts = os.lstat(path)
    if stat.S_ISLNK(facts.st_mode):
        raise _unsafe(path, "it is a symbolic link", f"use where it leads: {os.path.realpath(path)}")
    if not stat.S_ISDIR(facts.st_mode):
        raise _unsafe(path, "it is not a folder", f"mv {path} {path}.old")
    if facts.st_uid != os.getuid():
        raise _unsafe(path, f"it belongs to user {facts.st_uid}, not to you", f"sudo chown {os.getuid()} {path}")
    if facts.st_mode & forbidden:
        raise _unsafe(path, f"its mode is {stat.S_IMODE(facts.st_mode):04o}: others can access it", f"chmod 700 {path}")
    for above in {*_parents(path), *_parents(os.path.realpath(path))}:
        link = os.lstat(above)
        why = _why_unsafe(os.stat(above)) or _why_foreign(link)
        if why is not None:
            raise _unsafe(path, f"{above}, above it, {why}", "choose another place: REEVE_HOME=DIR")


def _prepare_home(project: _Project) -> None:
    _prepare_folder(project.home, 0o022)
    for folder in {project.run, project.sockets}:
        _prepare_folder(folder, 0o077)


def _make_with_parents(path: str) -> None:
    above = os.path.dirname(path)
    if above != path and not os.path.lexists(above):
        _make_with_parents(above)
    with contextlib.suppress(FileExistsError):  # two programs at the same moment
        os.mkdir(path, 0o700)


def _why_unsafe(facts: os.stat_result) -> str | None:
    foreign = _why_foreign(facts)
    if foreign is not None:
        return foreign
    if facts.st_mode & stat.S_ISVTX:  # in /tmp only the owner may rename what is his
        return None
    if facts.st_mode & stat.S_IWOTH:
        return "is world-writable"
    if facts.st_mode & stat.S_IWGRP and facts.st_uid != 0 and facts.st_gid != facts.st_uid:
        return f"is writable by group {facts.st_gid}"
    return None


def _why_foreign(facts: os.stat_result) -> str | None:
    return None if facts.st_uid in (0, os.getuid()) else f"belongs to user {facts.st_uid}"


def _parents(path: str) -> Iterator[str]:
    while os.path.dirname(path) != path:
        path = os.path.dirname(path)
        yield path


def _unsafe(path: str, why: str, hint: str) -> HomeUnsafe:
    return HomeUnsafe(f"{path} is not safe to use: {why}", hint)


# ------------------------------------------------------------------------------------------- processes and their title


@functools.lru_cache(maxsize=None)
def _boot_id() -> str | None:
    """The kernel's id of this boot; None where there is no /proc."""
    return _read_text("/proc/sys/kernel/random/boot_id").strip() or None


@dataclass(frozen=True)
class _Stat:
    """What /proc/PID/stat tells. ``start``: clock ticks since boot, the same in every time namespace. Source:
    proc(5)."""

    pid: int
    comm: str
    state: str
    ppid: int
    pgrp: int
    session: int
    threads: int
    start: int

    @property
    def is_live(self) -> bool:
        """A zombie has ended and only waits to be reaped, unless its other threads still run."""
        return self.state not in "Xx" and (self.state != "Z" or self.threads > 1)


def _read_stat(pid: int) -> _Stat | None:
    """None: no such process."""
    text = _read_text(f"/proc/{pid}/stat")
    # The name may hold anything, parentheses and newlines too: only the last one ends it.
    first, last = text.find("("), text.rfind(")")
    fields = text[last + 2 :].split()
    if first < 0 or len(fields) < 20:
        return None
    ppid, pgrp, session, threads, start = (int(fields[at]) for at in (1, 2, 3, 17, 19))
    return _Stat(pid, text[first + 1 : last], fields[0], ppid, pgrp, session, threads, start - _boot_offset())


def _start_tick(pid: int) -> int | None:
    """Start time of a live process in clock ticks since boot; None: it has gone."""
    seen = _read_stat(pid)
    return seen.start if seen is not None and seen.is_live else None


@functools.lru_cache(maxsize=None)
def _boot_offset() -> int:
    """Ticks that the kernel adds for readers in this time namespace; what is written down is without, for all readers.
    The file tells the offsets of children; ours are the same, unless we were put aside by an unshare without exec."""
    with contextlib.suppress(OSError):
        if os.readlink("/proc/self/ns/time") == os.readlink("/proc/self/ns/time_for_children"):
            text = _read_text("/proc/self/timens_offsets")
            found = re.search(r"^(?:boottime|7)\s+(-?\d+)\s+(\d+)$", text, re.MULTILINE)
            return int(found[1]) * _TICKS + int(found[2]) * _TICKS // 10**9 if found else 0
    return 0


def _read_memory(pid: int, file: str) -> str:
    """``environ`` or ``cmdline`` of a process, from another of its threads where the main one has ended."""
    text = _read_text(f"/proc/{pid}/{file}")
    for thread in _other_threads(pid) if text == "" else ():
        text = text or _read_text(f"/proc/{pid}/task/{thread}/{file}")
    return text


def _other_threads(pid: int) -> list[int]:
    """Threads beside the main one; only they have its files and memory when the main one has ended."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task") if name != str(pid)]
    except OSError:
        return []


def _environ_of(pid: int) -> dict[str, str]:
    """The environment that a process was executed with; empty: it has gone, or is not ours to read."""
    pairs = (entry.partition("=") for entry in _read_memory(pid, "environ").split("\0"))
    return {name: value for name, equals, value in pairs if name and equals}


@dataclass(frozen=True)
class ProcessIdentity:
    """What makes a process this very one, and not a later one with its pid: the kernel's id of the boot, and the clock
    ticks from the boot to its start."""

    boot: str
    pid: int
    start: int

    @property
    def is_alive(self) -> bool:
        """Whether exactly this process lives: same boot, same pid, same start."""
        return self == _identify(self.pid)


def _is_pid(pid: object) -> bool:
    """Whether it can be the pid of a process that is ever looked at closely, let alone signalled."""
    return isinstance(pid, int) and not isinstance(pid, bool) and 1 < pid <= _BIGGEST_PID


def _identify(pid: int) -> ProcessIdentity | None:
    """Of a live process; None: there is none with this pid."""
    seen = _read_stat(pid) if _is_pid(pid) else None
    return None if seen is None else _identity_of(seen)


def _identity_of(seen: _Stat) -> ProcessIdentity | None:
    boot = _boot_id()
    return ProcessIdentity(boot, seen.pid, seen.start) if boot is not None and seen.is_live else None


def _list_pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        raise ReeveError("this system has no /proc", "the process manager needs Linux", "NOT_PERMITTED") from None


def _scan() -> list[_Stat]:
    """Every live process of this moment."""
    return [seen for seen in map(_read_stat, _list_pids()) if seen is not None and seen.is_live]


def _command_of(seen: _Stat) -> str:
    """The command line with spaces between its words; ``[name]`` of a kernel thread."""
    words = _read_memory(seen.pid, "cmdline")
    return words.replace("\0", " ").strip() if words else f"[{seen.comm}]"


def _uid_of(pid: int) -> int:
    """Who owns a process; -1: it has ended."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None


def _lineage(pid: int, live: Sequence[_Stat]) -> set[int]:
    """A process and everything above it: what ends one of them ends this program with it."""
    parents = {each.pid: each.ppid for each in live}
    found: set[int] = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        pid = parents.get(pid, 0)
    return found


def _kin(
    known: Iterable[tuple[int, int]],
    live: Sequence[_Stat],
    spare: Callable[[_Stat], bool] = lambda _: False,
    sessions: Mapping[int, int] = MappingProxyType({}),
) -> list[_Stat]:
    """Who belongs to some processes (pid and start): their descendants, and the members of the sessions that they lead,
    or led (``sessions``: number and start of the leader). A child is never older than its parent. One that is spared is
    not in it, nor what only hangs below it."""
    by_pid = {each.pid: each for each in live}
    queue = [by_pid[pid] for pid, start in known if pid in by_pid and by_pid[pid].start == start]
    seen = {each.pid for each in queue}
    found: list[_Stat] = []

    def add(each: _Stat) -> None:
        if each.pid not in seen:
            seen.add(each.pid)
            if not spare(each):
                found.append(each)
                queue.append(each)

    def descend() -> None:
        while queue:
            parent = queue.pop()
            for each in live:
                in_session = parent.session == parent.pid == each.session
                if each.start >= parent.start and (each.ppid == parent.pid or in_session):
                    add(each)

    descend()
    for number, start in sessions.items():
        if number in by_pid and by_pid[number].start != start:
            continue  # that session is over: its number is another's
        for each in live:
            if each.session == number and each.start >= start:
                add(each)
    descend()
    return found


def _exists(pid: int) -> bool:
    if pid <= 1:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _read_own(path: str, most: int) -> str | None:
    """A small file that only we can have written: a regular one, no link, ours, writable by no other user. Never blocks,
    and None for everything else."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, encoding="utf-8", errors="replace") as file:
            facts = os.fstat(descriptor)
            is_ours = stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022
            return file.read() if is_ours and facts.st_size <= most else None
    return None


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


@dataclass(frozen=True)
class _Listener:
    """A socket that waits for peers: a listening TCP socket, or an unconnected UDP one."""

    protocol: str
    address: str
    port: int
    uid: int
    inode: int


def _list_listeners() -> list[_Listener]:
    """By the kernel's tables, IPv4 and IPv6. Source: proc(5), /proc/net/tcp."""
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        waiting = "0A" if table.startswith("tcp") else "07"
        for line in _read_text(f"/proc/net/{table}").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == waiting:
                host, _, port = fields[1].partition(":")
                address = _address(host)
                found.append(_Listener(table[:3], address, int(port, 16), int(fields[7]), int(fields[9])))
    return found


def _address(digits: str) -> str:
    """As the kernel prints it: words of 32 bits in the machine's order."""
    words = (int(digits[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(digits), 8))
    packed = b"".join(words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _is_listened_on(port: int, protocol: str | None = None) -> bool:
    """Without asking who; where the system has no tables, by connecting."""
    if not os.path.exists("/proc/net/tcp"):
        return protocol != "udp" and _answers(port)
    return any(each.port == port and protocol in (None, each.protocol) for each in _list_listeners())


def _sockets_of(pid: int) -> set[int]:
    """Inodes of the sockets that a process holds; empty: it has gone, or is not ours to look into."""
    folder = f"/proc/{pid}/fd"
    seen = _read_stat(pid)
    if seen is not None and seen.state == "Z":
        folder = next((f"/proc/{pid}/task/{thread}/fd" for thread in _other_threads(pid)), folder)
    try:
        targets = [_link(f"{folder}/{name}") or "" for name in os.listdir(folder)]
    except OSError:
        return set()
    return {int(target[8:-1]) for target in targets if target.startswith("socket:[")}


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


def _set_title(title: str) -> str | None:
    """Names the process: its short name (15 bytes), and its command line as far as there is room. Returns what the
    command line shows, None where it cannot be set."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "wb") as file:
        file.write(title.encode()[:15])
    try:
        import ctypes  # only here: not every Python has it

        fields = _read_text("/proc/self/stat").rpartition(")")[2].split()
        start, end = (int(each) for each in fields[45:47])  # arg_start, arg_end
    except (ImportError, ValueError):
        return None
    room = end - start
    if start == 0 or room < 2:
        return None
    shown = title.encode()[: room - 1]
    ctypes.memmove(start, shown.ljust(room, b"\0"), room)
    return shown.decode(errors="replace")


# --------------------------------------------------------------------------------------------------- lock, card, socket


class _Lock:
    """``flock(2)`` on a file that is never unlinked: freed by the kernel when its holder ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, place: _Place) -> _Lock:
        """Raises AlreadyRunning with the pid of the holder: only one that lives is named, else it is tried again."""
        end = time.monotonic() + _LOCK_PATIENCE
        while True:
            lock = cls.attempt(place.lock)
            if lock is not None:
                return lock
            pid = _live_holder(place.lock)
            if pid is not None or time.monotonic() > end:
                raise AlreadyRunning(place.service, place.project.name, pid, managed=_is_managed(pid))
            time.sleep(_LOCK_PAUSE)

    @classmethod
    def attempt(cls, path: str) -> _Lock | None:
        """None: another process holds it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if os.path.islink(path):
                raise _unsafe(path, "it is a symbolic link", f"rm {path}") from error
            raise
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        who = f"{os.getpid()}\n{_start_tick(os.getpid()) or 0} {_boot_id() or '-'}\n"
        os.pwrite(descriptor, who.encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)  # while we still hold it: a later holder's pid is never wiped
        os.close(descriptor)

    def forget(self) -> None:
        """In a forked child: lets go of the descriptor, and leaves the lock to the parent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _is_managed(pid: int | None) -> bool:
    """reeve runs it: ended behind its back it may come again."""
    return pid is not None and "REEVE_RUN" in _environ_of(pid)


def _live_holder(path: str) -> int | None:
    found = re.match(r"(\d{1,10})\n(?:(\d+) (\S+)\n)?", _read_text(path))
    if found is None:
        return None
    pid, start, boot = int(found[1]), found[2], found[3]
    if _boot_id() is None:
        return pid if _exists(pid) else None
    now = _start_tick(pid)
    if now is None or (start not in (None, "0") and (now != int(start) or boot != _boot_id())):
        return None
    return pid


def _write_card(path: str, card: Json) -> None:
    """Whole: a reader meets the old one or the new one."""
    draft = os.path.join(os.path.dirname(path), f".{card['id']}.{os.getpid()}.{secrets.token_hex(3)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(card, file, indent=2, ensure_ascii=False)
            file.write("\n")
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


_BLANK_CARD: Json = {
    "protocol": PROTOCOL,
    "instance": 0,
    "kind": "service",
    "title": None,
    "description": "",
    "language": "unknown",
    "library": "unknown",
    "process": None,
    "argv": [],
    "cwd": "/",
    "user": "",
    "run": None,
    "state": "running",
    "ready": False,
    "health": "unknown",
    "health_reason": None,
    "status": None,
    "ports": [],
    "dependencies": [],
    "capabilities": [],
    "data": None,
    "announcement": None,
    "socket": None,
    "started_at": "",
    "updated_at": "",
    "ended_at": None,
    "exit": None,
}


def _read_card(path: str) -> Json | None:
    """None: no such file of our own, too large, or not a card of a format that this version knows."""
    try:
        card = json.loads(_read_own(path, _CARD_BYTES) or "null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(card, dict) or card.get("format") != CARD_FORMAT or not isinstance(card.get("pid"), int):
        return None
    if not all(isinstance(card.get(key), str) for key in ("id", "service", "folder", "project")):
        return None
    return {**_BLANK_CARD, **card}


def _list_cards(run: str) -> list[Json]:
    try:
        names = sorted(os.listdir(run))
    except OSError:
        return []
    cards = []
    for name in names:
        found = _CARD_NAME.fullmatch(name)
        card = _read_card(os.path.join(run, name)) if found else None
        if found and card is not None and card["id"] == found[1]:  # a card under another's name does not count
            cards.append(card)
    return cards


def _liveness(card: Json) -> str:
    """``live``, ``stale`` (it was killed) or ``stopped`` (it ended in order): by its process, never by its files."""
    if card["state"] == "stopped":
        return "stopped"
    identity = _identity_in(card["process"])
    is_live = _exists(card["pid"]) if identity is None else identity.is_alive
    return "live" if is_live else "stale"


def _identity_in(value: object) -> ProcessIdentity | None:
    """An identity as JSON has it; None: there is none."""
    if not isinstance(value, Mapping) or not isinstance(value.get("boot"), str):
        return None
    pid, start = value.get("pid"), value.get("start")
    if not isinstance(pid, int) or not isinstance(start, int):
        return None
    return ProcessIdentity(value["boot"], pid, start)


def _first_card(place: _Place, kind: str, title: str | None, description: str) -> Json:
    now = _now()
    return {
        "format": CARD_FORMAT,
        **_BLANK_CARD,
        "id": place.id,
        "project": place.project.name,
        "folder": place.project.folder,
        "service": place.service,
        "instance": place.instance,
        "kind": kind,
        "title": title,
        "description": description,
        "language": "python",
        "library": f"reeve.py {__version__}",
        "pid": os.getpid(),
        "process": _own_identity(),
        "argv": list(getattr(sys, "orig_argv", None) or [sys.executable, *sys.argv]),
        "cwd": os.getcwd(),
        "user": _user_name(),
        "run": place.cookie,
        "state": "starting",
        "socket": place.socket,
        "started_at": now,
        "updated_at": now,
    }


def _own_identity() -> Json | None:
    identity = _identify(os.getpid())
    return None if identity is None else dataclasses.asdict(identity)


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in a container the user may have no name
        return str(os.geteuid())


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Presence:
    """One name that this process holds: its lock (the identity), its control socket (how to talk) and its card (what
    is known). Lock first; what lies there of an earlier holder is then a dead one's."""

    def __init__(self, place: _Place, kind: str, title: str | None, description: str, calls: _Calls) -> None:
        self.place = place
        self._guard = threading.RLock()
        self._timer: threading.Timer | None = None
        self._server: _Server | None = None
        self._closed = False
        _prepare_home(place.project)
        try:
            self._lock = _Lock.take(place)
        except AlreadyRunning as error:
            raise _hand_over(place, error) from None
        try:
            self.card = _first_card(place, kind, title, description)
            self._server = _Server(
                place.socket, {**calls, "ping": self._ping, "describe": self._describe, "status": self._status}
            )
            self._write()
        except BaseException:
            self.close(None)
            raise

    def update(self, change: Json, soon: bool = False) -> None:
        """``soon``: only a text has changed, so the file may follow a little later. The socket tells it at once."""
        with self._guard:
            if self._closed:
                return
            self.card = {**self.card, **change, "updated_at": _now()}
            if not soon:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(_WRITE_PAUSE, self._write)
                self._timer.daemon = True
                self._timer.start()

    def close(self, exit_code: int | None) -> None:
        """Says that it has ended, and gives the name back. Once."""
        with self._guard:
            if self._closed:
                return
            if self._server is not None:
                now = _now()
                how = None if exit_code is None else {"kind": "code", "code": exit_code, "signal": None, "at": now}
                self.update({"state": "stopped", "ready": False, "ended_at": now, "exit": how})
                self._server.close()
                with contextlib.suppress(OSError):
                    os.unlink(self.place.socket)
            self._closed = True
            self._lock.release()

    def forget(self) -> None:
        """In a forked child, which is not the holder."""
        self._guard = threading.RLock()
        self._closed = True
        self._lock.forget()
        if self._server is not None:
            self._server.forget()

    def _write(self) -> None:
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._closed:
                return
            try:
                _write_card(self.place.card, self.card)
            except OSError as error:  # a full disk must not end a service: the socket tells the same
                warnings.warn(f"cannot write {self.place.card}: {error}", ReeveWarning, stacklevel=2)

    def _ping(self, _params: Json) -> Json:
        card = self.card
        return {key: card[key] for key in ("pid", "protocol", "id", "project", "service", "instance")}

    def _describe(self, _params: Json) -> Json:
        return self.card

    def _status(self, _params: Json) -> Json:
        card = self.card
        told = ("pid", "state", "ready", "health", "health_reason", "status", "started_at")
        looked = [{**each, "in_use": _is_listened_on(each["port"], each["protocol"])} for each in card["ports"]]
        return {**{key: card[key] for key in told}, "ports": looked}


def _hand_over(place: _Place, error: AlreadyRunning) -> AlreadyRunning:
    """The first copy gets our command line, if it wants it."""
    if error.pid is None or error.pid == os.getpid():
        return error
    ours = {"pid": os.getpid(), "argv": list(sys.argv), "cwd": os.getcwd()}
    end = time.monotonic() + _HAND_OVER
    while time.monotonic() < end:
        card = _read_card(place.card)
        path = card["socket"] if card and card["socket"] else place.socket
        try:
            answer = _ask(place.service, path, "second_instance", ours, _HAND_OVER)
        except ReeveError:
            time.sleep(0.02)
            continue
        return AlreadyRunning(place.service, place.project.name, error.pid, True) if answer.get("accepted") else error
    return error


# ------------------------------------------------------------------------------------------------------ control socket

_Calls = dict[str, Callable[[Json], Json]]
_CALLS = ("ping", "describe", "status", "start", "cleanup", "shutdown", "second_instance")
#: Answered in any protocol: else a service of another version could be neither recognised nor stopped.
_ANY_PROTOCOL = ("ping", "describe", "shutdown")
#: These may take long, so that others on the same connection are answered meanwhile.
_SLOW = ("start", "cleanup")
_MARKS = re.compile(r'\\.|["\[\]{}]', re.S)


class _Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, number: int, code: str, params: Json) -> None:
        super().__init__(code)
        self.reply = {"id": number, "error": {"code": code, "params": params}}


def _usage(number: int, message: str) -> _Refusal:
    return _Refusal(number, "USAGE", {"message": message})


def _parse_request(line: str) -> tuple[int, str, Json]:
    """Id, call and parameters of a line. Raises _Refusal."""
    if _is_deeper_than(line, _REQUEST_DEPTH):
        raise _usage(0, f"nested deeper than {_REQUEST_DEPTH}")
    try:
        value = json.loads(line, parse_constant=_no_constant, parse_int=_whole)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _usage(0, "a request is one line with one JSON object")
    wanted: Any = value.get("id")
    if not _is_whole(wanted) or wanted < 1:
        raise _usage(0, "id: a whole number above 0")
    number, call, protocol, params = int(wanted), value.get("call"), value.get("protocol"), value.get("params", {})
    if call not in _CALLS:
        raise _usage(number, f"unknown call {json.dumps(call)[:100]}")
    if (not _is_number(protocol) or protocol != PROTOCOL) and call not in _ANY_PROTOCOL:
        client = f"service protocol {protocol if _is_number(protocol) else 'none'}"
        daemon = f"service protocol {PROTOCOL}"
        raise _Refusal(number, "PROTOCOL_MISMATCH", {"client": client, "daemon": daemon})
    if not isinstance(params, dict):
        raise _usage(number, "params: an object")
    wrong = _wrong_params(call, params)
    if wrong is not None:
        raise _usage(number, f"{call}: {wrong}")
    return number, call, params


def _wrong_params(call: str, params: Json) -> str | None:
    timeout, reason = params.get("timeout"), params.get("reason")
    if call == "shutdown" and not (reason is None or isinstance(reason, str)):
        return "reason: a text or null"
    if call in ("start", "cleanup", "shutdown") and timeout is not None:
        if not _is_number(timeout) or not 0 <= timeout < _NEVER:
            return "timeout: milliseconds or null"
    if call == "second_instance":
        if not _is_whole(params.get("pid")):
            return "pid: a whole number"
        argv = params.get("argv")
        if not isinstance(argv, list) or not all(isinstance(each, str) for each in argv):
            return "argv: a list of texts"
        if not isinstance(params.get("cwd"), str):
            return "cwd: a text"
    return None


def _is_whole(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) < 2**53 and value == int(value)


def _whole(digits: str) -> int | float:
    """Reading a number of a million digits would take minutes."""
    return int(digits) if len(digits) < 20 else float(digits)


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _is_deeper_than(text: str, limit: int) -> bool:
    """Looks at brackets outside strings, so it is safe to ask before parsing."""
    depth, in_string = 0, False
    for match in _MARKS.finditer(text):
        mark = match[0]
        if mark == '"':
            in_string = not in_string
        elif in_string or len(mark) > 1:
            continue
        elif mark in "[{":
            depth += 1
            if depth > limit:
                return True
        else:
            depth -= 1
    return False


class _Server:
    """Serves a control socket in daemon threads. The caller holds the lock of the name: a socket that lies there is a
    dead one's."""

    def __init__(self, path: str, calls: _Calls) -> None:
        if len(path.encode()) > _SOCKET_PATH_BYTES:
            message = f"the socket path {path} is longer than {_SOCKET_PATH_BYTES} bytes"
            raise UsageError(message, "choose a shorter REEVE_HOME")
        _remove_dead_socket(path)
        self._calls = calls
        self._clients: dict[int, socket.socket] = {}
        self._guard = threading.RLock()
        self._closing = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with contextlib.suppress(OSError):
                os.fchmod(self._socket.fileno(), 0o600)  # Linux: the file is then made with this mode
            self._socket.bind(path)
            os.chmod(path, 0o600)
            self._socket.listen(_CONNECTIONS)
        except BaseException:
            self._socket.close()
            raise
        threading.Thread(target=self._accept, name="reeve-socket", daemon=True).start()

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        self._socket.close()
        with self._guard:
            clients = list(self._clients.values())
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """In a forked child: the parent keeps serving."""
        self._closing = True
        self._socket.close()
        for client in list(self._clients.values()):
            client.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._socket.accept()
            except OSError:
                if not self._closing:
                    time.sleep(0.1)  # too many open files: who asks meanwhile finds it silent
                continue
            with self._guard:
                is_full = len(self._clients) >= _CONNECTIONS
                if not is_full:
                    self._clients[client.fileno()] = client
            if is_full:
                client.close()
                continue
            try:
                threading.Thread(target=self._serve, args=(client,), name="reeve-client", daemon=True).start()
            except RuntimeError:  # no more threads
                self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        with self._guard:
            self._clients.pop(client.fileno(), None)
        client.close()

    def _serve(self, client: socket.socket) -> None:
        try:
            self._converse(client)
        except OSError:
            pass  # a client that was killed
        finally:
            self._drop(client)

    def _converse(self, client: socket.socket) -> None:
        writing = threading.Lock()
        rest = bytearray()
        while True:
            chunk = client.recv(1 << 16)
            if not chunk:
                return
            searched = len(rest)
            rest += chunk
            end = rest.find(b"\n", searched)
            while 0 <= end <= _REQUEST_BYTES:
                line = rest[:end].decode("utf-8", "replace")
                del rest[: end + 1]
                self._take(client, writing, line)
                end = rest.find(b"\n")
            if len(rest) > _REQUEST_BYTES:
                _send(client, writing, _usage(0, f"a request is longer than {_REQUEST_BYTES} bytes").reply)
                return _drain(client)

    def _take(self, client: socket.socket, writing: threading.Lock, line: str) -> None:
        try:
            number, call, params = _parse_request(line)
        except _Refusal as refusal:
            return _send(client, writing, refusal.reply)
        if call not in _SLOW:
            return _send(client, writing, self._answer(number, call, params))

        def work() -> None:
            with contextlib.suppress(OSError):
                _send(client, writing, self._answer(number, call, params))

        threading.Thread(target=work, name=f"reeve-{call}", daemon=True).start()

    def _answer(self, number: int, call: str, params: Json) -> Json:
        try:
            return {"id": number, "ok": self._calls[call](params)}
        except Exception as error:
            code = error.code if isinstance(error, ReeveError) else "INTERNAL"
            return {"id": number, "error": {"code": code, "params": {"message": str(error)}}}


def _send(client: socket.socket, writing: threading.Lock, reply: Json) -> None:
    line = _encode(reply)
    if len(line) > _REPLY_BYTES:
        message = f"the reply would be longer than {_REPLY_BYTES} bytes"
        line = _encode({"id": reply["id"], "error": {"code": "INTERNAL", "params": {"message": message}}})
    with writing:
        client.sendall(line)


def _encode(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _drain(client: socket.socket) -> None:
    """So that the client can read the reply: closing with unread input would reset the connection."""
    client.shutdown(socket.SHUT_WR)
    client.settimeout(1)
    end = time.monotonic() + 5
    while time.monotonic() < end and client.recv(1 << 16):
        pass


def _remove_dead_socket(path: str) -> None:
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(facts.st_mode):
        raise _unsafe(path, "something other than a socket is there", f"look at it with: ls -l {path}")
    os.unlink(path)


def _ask(service: str, path: str, call: str, params: Json, deadline: float = 5.0) -> Json:
    """One question to a service. Raises Unreachable, HomeUnsafe, or a ReeveError with the code that it answered."""
    request = {"id": 1, "protocol": PROTOCOL, "call": call, "params": params}
    reply = _exchange(service, path, request, deadline, _REPLY_BYTES)
    if isinstance(reply, dict) and isinstance(reply.get("ok"), dict):
        answer: Json = reply["ok"]
        return answer
    if isinstance(reply, dict) and isinstance(reply.get("error"), dict):
        said = reply["error"].get("params", {}).get("message") or reply["error"].get("code")
        raise ReeveError(f"{service}: {said}", code=str(reply["error"].get("code")))
    raise Unreachable(service, "broken", "what answers is not a reeve service")


def _exchange(service: str, path: str, request: Json, deadline: float, most: int) -> Any:
    """Sends one line and returns the first that is its answer, and not news on the way to it."""
    _check_socket_folder(service, path)
    end = time.monotonic() + deadline
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.settimeout(deadline)
            client.connect(path)
            client.sendall(_encode(request))
            rest = bytearray()
            while True:
                searched = len(rest)
                client.settimeout(max(end - time.monotonic(), 0.001))
                chunk = client.recv(1 << 16)
                if not chunk:
                    raise Unreachable(service, "broken", "it closed the connection")
                rest += chunk
                cut = rest.find(b"\n", searched)
                while cut >= 0:
                    reply = json.loads(rest[:cut])
                    if not isinstance(reply, dict) or "push" not in reply:
                        return reply
                    del rest[: cut + 1]
                    cut = rest.find(b"\n")
                if len(rest) > most:
                    raise Unreachable(service, "broken", "its answer is too long")
        except socket.timeout as error:
            why = f'no answer to "{request["call"]}" within {deadline:g} s'
            raise Unreachable(service, "silent", why) from error
        except FileNotFoundError as error:
            raise Unreachable(service, "absent", f"no socket at {path}") from error
        except ConnectionRefusedError as error:
            raise Unreachable(service, "refused", str(error)) from error
        except (OSError, ValueError, RecursionError) as error:
            raise Unreachable(service, "broken", str(error)) from error


def _ask_daemon(project: _Project, call: str, params: Json, deadline: float = _DAEMON_DEADLINE) -> Json:
    """One question to the daemon of the home. Raises ReeveError: it does not run, does not answer, or says no."""
    request = {"id": 1, "protocol": PROTOCOL, "call": call, "params": params}
    reply = _exchange("the daemon", os.path.join(project.sockets, "control.sock"), request, deadline, _DAEMON_BYTES)
    if isinstance(reply, dict) and isinstance(reply.get("ok"), dict):
        answer: Json = reply["ok"]
        return answer
    error = reply.get("error") if isinstance(reply, dict) else None
    if not isinstance(error, dict):
        raise Unreachable("the daemon", "broken", "what answers is not a reeve daemon")
    said = (error.get("params") or {}).get("message") or error.get("code")
    raise ReeveError(f"the daemon of {project.home} refuses {call}: {said}", "reeve ps", code=str(error.get("code")))


def _check_socket_folder(service: str, path: str) -> None:
    """A user who may write in the socket's folder could put a socket there."""
    folder = os.path.dirname(path)
    try:
        facts = os.lstat(folder)
    except OSError as error:
        raise Unreachable(service, "absent", f"no socket at {path}") from error
    if not stat.S_ISDIR(facts.st_mode):
        raise _unsafe(folder, "it is not a folder", "choose another home: REEVE_HOME=DIR")
    if facts.st_uid not in (0, os.getuid()):
        raise _unsafe(folder, f"it belongs to user {facts.st_uid}, not to you", "choose another home: REEVE_HOME=DIR")
    if facts.st_mode & 0o022:
        raise _unsafe(folder, "it is writable by others", f"chmod 700 {folder}")


# --------------------------------------------------------------------------------------------------- announced actions


def _within(limit: float, work: Callable[[], object], name: str) -> tuple[str, BaseException | None]:
    """Runs ``work`` in a thread of its own for at most ``limit``: ``done``, ``failed`` or ``timed_out``."""
    errors: list[BaseException] = []

    def target() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending and starts no more threads: without a limit, then
        target()
    else:
        with _waiting_here():
            thread.join(None if limit == _NEVER else max(limit, 0))
        if thread.is_alive():
            return "timed_out", None
    return ("failed", errors[0]) if errors else ("done", None)


#: Event loops whose thread is waiting for work of ours: nothing is done in them meanwhile.
_waiting: list[Any] = []


def _loop_here() -> Any:
    """The event loop that runs in this thread; None: none."""
    asyncio = sys.modules.get("asyncio")
    with contextlib.suppress(RuntimeError):
        return None if asyncio is None else asyncio.get_running_loop()
    return None


@contextlib.contextmanager
def _waiting_here() -> Iterator[None]:
    loop = _loop_here()
    _waiting.append(loop)
    try:
        yield
    finally:
        _waiting.remove(loop)


def _settled(work: Callable[..., Any], home: Callable[[], Any] | None = None) -> Callable[..., Any]:
    """``work``, and where it is ``async def``, what it comes to: in the event loop ``home`` (by default the one that
    runs here now) as long as that can do it, else in one of its own."""
    here = _loop_here()

    def call(*args: Any) -> Any:
        result = work(*args)
        if not hasattr(result, "__await__"):
            return result
        import asyncio  # only here: it is as big as the rest together

        async def wait() -> Any:
            return await result

        loop = here if home is None else home()
        if loop is not None and loop.is_running() and loop not in _waiting:
            return asyncio.run_coroutine_threadsafe(wait(), loop).result()
        return asyncio.run(wait())

    return call


def _run_action(
    announcement: Json | None, which: str, method: Callable[[], object] | None, cwd: str, timeout: float | None
) -> Outcome:
    """Runs the announced start or clean-up: its method here, or its command. ``timeout`` None: the announced one."""
    began = time.monotonic()
    action = announcement and announcement.get(which)
    if timeout is None:
        announced = (announcement or {}).get("cleanup_timeout", _CLEANUP_TIMEOUT * 1000) / 1000
        timeout = _START_TIMEOUT if which == "start" else announced
    reason, message = _act(action, announcement or {}, which, method, cwd, timeout)
    return Outcome(reason == "done", reason, message, time.monotonic() - began)


def _act(
    action: Json | None, announcement: Json, which: str, method: Callable[[], object] | None, cwd: str, limit: float
) -> tuple[str, str | None]:
    if action is not None and action["kind"] == "command":
        try:
            if which == "start":
                return _start_command(action["command"], announcement.get("ports", []), cwd, limit)
            return _finish_command(action["command"], cwd, limit)
        except OSError as error:
            return "failed", str(error)
    if action is None or method is None:
        return "not_announced", None
    reason, failure = _within(limit, method, f"reeve-{which}")
    if reason == "timed_out":
        return reason, _late(limit)
    return reason, None if failure is None else str(failure) or type(failure).__name__


def _finish_command(command: Command, cwd: str, limit: float) -> tuple[str, str | None]:
    """In a process group that ends at the limit."""
    child = _launch(command, cwd, subprocess.PIPE)
    tail = bytearray()

    def read() -> None:
        assert child.stdout is not None
        with child.stdout as output:
            for chunk in iter(lambda: os.read(output.fileno(), 4096), b""):
                tail.extend(chunk)
                del tail[:-2000]

    reader = threading.Thread(target=read, name="reeve-output", daemon=True)
    reader.start()
    try:
        code = child.wait(limit)
    except subprocess.TimeoutExpired:
        # Its own group, and our child, not yet waited for: the number cannot belong to another.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return "timed_out", _late(limit)
    reader.join(0.2)  # what it left behind may keep the pipe open
    lines = bytes(tail).decode("utf-8", "replace").strip().splitlines()
    return _judge(code, lines[-1] if lines else None)


def _start_command(command: Command, ports: Sequence[Json], cwd: str, limit: float) -> tuple[str, str | None]:
    """It has started what it should when it ends with 0, when every announced port is listened on, or, with no ports,
    when it has lived for a second. It keeps running when we end, so it gets no pipe of ours."""
    child = _launch(command, cwd, subprocess.DEVNULL)
    began = time.monotonic()
    while True:
        lived = time.monotonic() - began
        code = child.poll()
        if code is not None:
            return _judge(code, None)
        if all(_is_listened_on(each["port"], each["protocol"]) for each in ports) if ports else lived > _LIVES:
            threading.Thread(target=child.wait, name="reeve-reaper", daemon=True).start()
            return "done", None
        if lived > limit:
            threading.Thread(target=child.wait, name="reeve-reaper", daemon=True).start()
            return "timed_out", f"nothing is listening on its ports after {round(limit * 1000)} ms"
        time.sleep(0.05)


def _launch(command: Command, cwd: str, output: int) -> subprocess.Popen[bytes]:
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
    return subprocess.Popen(argv, cwd=cwd, start_new_session=True, **streams)  # type: ignore[call-overload,no-any-return]


def _judge(code: int, line: str | None) -> tuple[str, str | None]:
    if code == 0:
        return "done", line
    how = f"exit code {code}" if code > 0 else signal.Signals(-code).name
    return "failed", how if line is None else f"{how}: {line}"


def _late(limit: float) -> str:
    return f"not done within {round(limit * 1000)} ms"


def _calls_of(
    announcement: Callable[[], _Announcement | None],
    on_second_instance: Callable[[], Callable[[list[str], str], object] | None],
) -> _Calls:
    """What a holder of a name does when it is asked, beside what its presence answers by itself."""

    def act(which: str, params: Json) -> Json:
        timeout = params.get("timeout")
        announced = announcement()
        content, method = (None, None) if announced is None else (announced.json, getattr(announced, which))
        return _run_action(content, which, method, os.getcwd(), None if timeout is None else timeout / 1000)._json()

    def shutdown(params: Json) -> Json:
        timeout = params.get("timeout")
        _program.request(_Reason("request", 0), _NEVER if timeout is None else timeout / 1000)
        return {"accepted": True, "pid": os.getpid()}

    def second_instance(params: Json) -> Json:
        handler = on_second_instance()
        if handler is not None:
            told = handler

            def tell() -> None:
                try:
                    told(params["argv"], params["cwd"])
                except Exception:
                    _complain("on_second_instance", None)

            threading.Thread(target=tell, name="reeve-second-instance", daemon=True).start()
        return {"accepted": handler is not None}

    return {
        "start": lambda params: act("start", params),
        "cleanup": lambda params: act("cleanup", params),
        "shutdown": shutdown,
        "second_instance": second_instance,
    }


def _complain(what: str, error: BaseException | None) -> None:
    """On stderr, with the traceback of ``error`` or of what is being handled."""
    if error is None:
        error = sys.exc_info()[1]
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__)) if error else ""
    _print(f"reeve: {what}: {text}")


def _print(text: str) -> None:
    """On stderr, whatever has become of it: a report that fails must neither raise an error nor hold up the end."""
    stream = sys.stderr
    if stream is not None:
        _within(_STEP, lambda: print(text, file=stream, flush=True), "reeve-report")


# Runs without the interpreter's lock: it also ends a process whose threads are all stuck, in a handler or in a write to
# a pipe that is not read.
_nowhere: int | None = None


def _allow(seconds: float) -> None:
    """The program ends, and its next step may take this long; then the process is ended with exit code 1."""
    global _nowhere
    with contextlib.suppress(Exception):
        if _nowhere is None:
            _nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        faulthandler.dump_traceback_later(min(seconds, _LONGEST_STEP) + _MARGIN, exit=True, file=_nowhere)


def _allow_all() -> None:
    """The program continues after all."""
    if _nowhere is not None:
        faulthandler.cancel_dump_traceback_later()


# ---------------------------------------------------------------------------------------------- the end of the program


_END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Member:
    """Something of this program that is ended in order with it: a service, an announcement, a handler."""

    #: The signals that it takes from the program; those that take them all end the program by them.
    _signals: tuple[signal.Signals, ...] = _END_SIGNALS

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._once = threading.Lock()
        self._done = threading.Event()
        #: The program has come to the end of its ``with`` block, or called ``close()``.
        self._left = threading.Event()
        self._outcomes: list[HandlerOutcome] = []
        self._presence: _Presence | None = None

    def _end(self, reason: _Reason, deadline: float) -> None:
        """What is done before the name is given back."""

    def _reload(self) -> bool:
        """At SIGHUP; False: it has nothing to reload."""
        return False

    def _stop(self, reason: _Reason, deadline: float = _NEVER) -> None:
        """Once; later callers wait for the first."""
        if self._once.acquire(blocking=False):
            try:
                self._end(reason, deadline)
            finally:
                failed = any(not outcome.ok for outcome in self._outcomes)
                code = 1 if reason.exit_code == 0 and failed else reason.exit_code
                if self._presence is not None:
                    self._presence.close(code)
                _program.remove(self)
                self._done.set()
        else:
            with _waiting_here():
                self._done.wait()

    def _forget(self) -> None:
        if self._presence is not None:
            self._presence.forget()


class _Program:
    """The end of this program, of which there is one: what is open in it, and the signals that end it.

    A signal handler may take no lock, since it may have interrupted the very code that holds it: it only puts the
    signal into a queue, for a thread that does the work. The main thread continues meanwhile, so that it can return in
    its own way; if it does not, SystemExit is raised in it."""

    def __init__(self) -> None:
        self._members: list[_Member] = []
        self.held: _Held | None = None
        self._guard = threading.RLock()
        self._requests: queue.SimpleQueue[tuple[_Reason, float, int]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._previous: dict[int, Any] = {}
        #: The program wants the signals, whatever is open.
        self._registered = False
        #: At the normal end handlers are run, too: the program wants the signals.
        self._runs_handlers = False
        self._hooked = False
        self._ending = False
        #: Every step has a limit.
        self._ends = False
        #: Set: the next signal raises SystemExit with it.
        self._exit_code: int | None = None

    @property
    def is_ending(self) -> bool:
        return self._ending or self._ends

    @property
    def handlers(self) -> list[_Handler]:
        """Of the whole program, that are still to be run."""
        with self._guard:
            return [member for member in self._members if isinstance(member, _Handler)]

    def add(self, member: _Member) -> None:
        with self._guard:
            self._members.append(member)
            self._runs_handlers = self._runs_handlers or self._listens
        self._hook()
        self._listen(member._signals)

    def remove(self, member: _Member) -> None:
        with self._guard:
            if member in self._members:
                self._members.remove(member)
            if self.held is not None and self.held.member is member:
                self.held = None
        if not self._listens and not self._ending:
            self._stop_listening()

    def register(self, wanted: bool) -> None:
        """Whether the signals end the program in order, also when nothing is open that takes them."""
        self._registered = self._runs_handlers = wanted
        if wanted:
            self._hook()
            self._listen(_END_SIGNALS)
        elif not self._listens:
            self._stop_listening()

    @property
    def _listens(self) -> bool:
        return self._registered or any(member._signals == _END_SIGNALS for member in self._members)

    def _hook(self) -> None:
        with self._guard:
            if not self._hooked:
                self._hooked = True
                atexit.register(self._at_exit)
                self._watch_reports()
                os.register_at_fork(after_in_child=self._after_fork)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="reeve-signals", daemon=True)
                self._thread.start()

    def request(self, reason: _Reason, timeout: float = _NEVER, number: int = 0) -> None:
        self._requests.put((reason, timeout, number))

    def _listen(self, numbers: Sequence[signal.Signals]) -> None:
        """Takes the signals that are not taken yet: a program with handlers of its own ends in its own way."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in numbers:
            previous = signal.getsignal(number)
            is_free = previous in (signal.SIG_DFL, signal.default_int_handler)
            if is_free or (number == signal.SIGHUP and previous == signal.SIG_IGN):
                self._previous[number] = previous
                signal.signal(number, self._on_signal)

    def _stop_listening(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, previous)
        self._previous = {}

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._exit_code is not None:
            code, self._exit_code = self._exit_code, None
            raise SystemExit(code)
        if number == signal.SIGINT and self._ending:
            self._end_now(128 + number)
        if not self._listens:  # nothing is open that takes it: the signal is the program's own again
            self._stop_listening()
            signal.raise_signal(number)
            return
        self._requests.put((_Reason("signal", 0), _NEVER, number))

    def _serve(self) -> None:
        while True:
            reason, timeout, number = self._requests.get()
            if number == signal.SIGHUP and self._reload():
                continue
            if self._members or self._registered:
                self._ending = self._ends = True
                try:
                    self._end(reason, timeout)
                except BaseException as error:  # without this thread no signal would ever end the program
                    _complain("the end of the program", error)
                    self._exit(1)
                self._ending = self._ends = False

    def _reload(self) -> bool:
        """False: the signal ends the program."""
        with self._guard:
            members = list(self._members)
        has_reloaded = [member._reload() for member in members]
        return any(has_reloaded) or self._previous.get(signal.SIGHUP) == signal.SIG_IGN

    def _end(self, reason: _Reason, timeout: float) -> None:
        members = self._stop_all(reason, time.monotonic() + timeout)
        failed = any(not outcome.ok for member in members for outcome in member._outcomes)
        code = 1 if failed else 0
        if members and all(member._left.is_set() for member in members):
            _allow_all()
            return  # the main thread is on its way, by itself
        _allow(_UNWIND)
        self.interrupt(code)
        time.sleep(_UNWIND)
        self._exit(code)

    def _stop_all(self, reason: _Reason, deadline: float = _NEVER) -> list[_Member]:
        """The newest first; one that is added meanwhile is the next. At the normal end handlers are only run where the
        program wants that. Returns what was stopped."""
        has_handlers = reason.kind != "exit" or self._runs_handlers
        stopped: list[_Member] = []
        while True:
            with self._guard:
                meant = [each for each in self._members if has_handlers or not isinstance(each, _Handler)]
            if not meant:
                return stopped
            _allow(_STEP)
            if reason.kind == "exit":
                meant[-1]._left.set()
            meant[-1]._stop(reason, deadline)
            stopped.append(meant[-1])

    def interrupt(self, code: int) -> None:
        """Raises SystemExit in the main thread. Where the program handles SIGTERM itself, its handler is called; where
        there is no handler, the process is ended."""
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            self._exit(code)
        self._exit_code = code
        ident = threading.main_thread().ident
        if ident is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pthread_kill(ident, signal.SIGTERM)

    def _end_now(self, code: int) -> NoReturn:
        """A second Ctrl-C: the user is in a hurry. Nothing is waited for."""
        _allow(_STEP)
        for member in reversed(self._members):
            presence = member._presence
            if presence is not None and presence._guard.acquire(timeout=0.5):
                presence.close(code)
        self._exit(code)

    @staticmethod
    def _exit(code: int) -> NoReturn:
        _allow(_STEP)
        _within(_STEP, _flush, "reeve-flush")
        os._exit(code)

    def _at_exit(self) -> None:
        """The normal end, ``sys.exit()`` and an uncaught error, where the program has not called ``close()``."""
        code = 1 if hasattr(sys, "last_type") else 0
        self._ends = True
        if self._stop_all(_Reason("exit", code)):
            _allow(_STEP)
            if _within(_STEP, _flush, "reeve-flush")[0] == "timed_out":
                os._exit(code)  # the interpreter would wait for the reader for ever
            _allow_all()

    def _watch_reports(self) -> None:
        """An uncaught error is printed before anything of ours runs: a pipe that is not read would keep the
        program, and its names, for ever."""
        before = sys.excepthook

        def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            if not self._members or hasattr(sys, "ps1") or sys.flags.interactive:
                before(kind, error, trace)
            elif _within(_STEP, lambda: before(kind, error, trace), "reeve-report")[0] == "timed_out":
                self._at_exit()
                self._exit(1)

        sys.excepthook = hook

    def _after_fork(self) -> None:
        """A child that was forked is not the service: it lets go of the locks and takes its signals back."""
        members, self._members = self._members, []
        self.held = None
        self._guard = threading.RLock()
        self._requests = queue.SimpleQueue()
        self._thread = None
        self._ending = self._ends = self._registered = self._runs_handlers = False
        self._exit_code = None
        for member in members:
            member._forget()
        self._stop_listening()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


_program = _Program()


def notify(*assignments: str) -> bool:
    """Tells a supervisor (reeve, systemd) by sd_notify: ``notify("READY=1", "STATUS=12 players")``.

    Returns whether it was sent; False, and nothing happens, where there is none (no ``NOTIFY_SOCKET``)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address[0] == "@":
        address = "\0" + address[1:]
    # A line each: what has a newline in it would be read as more than it is.
    text = "\n".join(re.sub(r"[\r\n]+", " ", each) for each in assignments)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1)
            sender.sendto(text.encode("utf-8", "replace"), address)
    except OSError:
        return False
    return True


def _watchdog_limit() -> float | None:
    """Seconds within which a supervisor wants a sign of life from us. Source: sd_watchdog_enabled(3)."""
    micros, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    if not os.environ.get("NOTIFY_SOCKET") or not re.fullmatch(r"[0-9]{1,15}", micros) or int(micros) == 0:
        return None
    return int(micros) / 1e6 if not pid or pid == str(os.getpid()) else None


# ------------------------------------------------------------------------------------------------------ managed service


class Background:
    """Something that a service does beside its main work, until it is stopped."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def stop(self) -> None:
        """Asks it to end and returns when it has, or after its limit."""
        self._stop()


@dataclass(frozen=True)
class _Stop:
    """Something that is run once at the end. ``given``: what the user gave; None: it is the library's own."""

    handler: Callable[[], object]
    name: str
    timeout: float
    given: Callable[..., object] | None = None


def _stop_of(
    handler: Callable[..., object], name: str | None, timeout: float, home: Callable[[], Any] | None = None
) -> _Stop:
    if not callable(handler):
        raise TypeError("a shutdown handler is a function")
    if not _is_number(timeout) or not timeout >= 0:
        raise UsageError(f"timeout: seconds, not {timeout!r}")
    return _Stop(_settled(handler, home), name or str(getattr(handler, "__name__", "handler")), timeout, handler)


def _run_stop(each: _Stop, deadline: float) -> HandlerOutcome:
    """Within its limit, and until ``deadline`` at most. What fails is reported on stderr."""
    limit = min(each.timeout, max(deadline - time.monotonic(), 0))
    began = time.monotonic()
    if _program._ends:
        _allow(limit + _STEP)
    why, error = _within(limit, each.handler, f"reeve-stop-{each.name}")
    if why != "done":
        _complain(f"shutdown handler {each.name}", error or TimeoutError(_late(limit)))
    return HandlerOutcome(each.name, why == "done", why, error, time.monotonic() - began)


class ManagedService(_Member):
    """A service that knows and says who it is.

    ``with WebEditor("web-editor") as service: service.run()`` (in a coroutine ``async with``); the same by hand with
    ``service.open()``, ``try`` … ``finally: service.close()``; or in one line ``WebEditor.main("web-editor")``. Open
    it in the main thread: only there can Python take signals.

    :param service_name: kebab-case, unique in the project.
    :param process_title: what ``ps`` shows; must begin with the project. Default ``<project>-<service_name>``.
    :param description: one line for people.
    :param home: default ``REEVE_HOME``, else the platform's place for state.
    :param cwd: where the search for the project begins; default the working folder.
    :raises UsageError: for a name that is not kebab-case.
    """

    #: Seconds that ``run()`` gets to return by itself when the service is to stop; then SystemExit is raised in it. One
    #: that cannot know (it never looked at :attr:`stopping` or :meth:`wait`, and there is no ``on_stop`` handler) is
    #: not waited for.
    stop_grace: float = 5.0

    def __init__(
        self,
        service_name: str,
        process_title: str | None = None,
        *,
        description: str = "",
        home: Path | None = None,
        cwd: Path | None = None,
    ) -> None:
        super().__init__()
        _check_service_name(service_name)
        self.service_name = service_name
        self._wanted_title = process_title
        self._description = description
        self._home = home
        self._cwd = cwd
        self._early: Json = {}
        self._place: _Place | None = None
        self._title: str | None = None
        self._shown_title: str | None = None
        self._announcement: _Announcement | None = None
        self._data_ports: list[Port] = []
        self._stops: list[_Stop] = []
        self._reloads: list[Callable[[], object]] = []
        self._second_instance: Callable[[list[str], str], object] | None = None
        self._stopping = threading.Event()
        self._looks = False
        self._loop: Any = None

    def run(self) -> object:
        """The work. Returns when it is done or when it is asked to stop; this one only waits for that."""
        self.wait()
        return None

    # -- opening and closing

    def open(self: _S) -> _S:
        """Takes the name, sets the title, and sees to it that the service ends in order.

        :raises AlreadyRunning: with the pid of the one that runs.
        :raises UsageError: for a bad title.
        :raises HomeUnsafe: when another user could write where reeve's files lie.
        """
        if self._place is not None:
            raise RuntimeError(f"{self.service_name} was opened before")
        place = _find_place(self.service_name, self._home, self._cwd)
        title = _title_of(place.project.name, self.service_name, self._wanted_title)
        calls = _calls_of(lambda: self._announcement, lambda: self._second_instance)
        self._presence = _open_presence(place, "service", title, self._description, calls)
        self._place, self._title, self._pid = place, title, os.getpid()
        self._shown_title = _set_title(title)
        if _program.held is None:
            _hold_name(self, place)
        if self._early:
            self._say({})
        _program.add(self)
        return self

    def close(self) -> list[HandlerOutcome]:
        """Stops what runs beside, runs the ``on_stop`` handlers and gives the name back. Once; returns what each
        handler came to."""
        return self._close(_Reason("request"))

    def __enter__(self: _S) -> _S:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pid != os.getpid():
            return
        outcomes = self._close(_Reason("request") if error is None else _Reason("uncaught", _exit_code_of(error)))
        if error is None and self._ends_program and any(not outcome.ok for outcome in outcomes):
            raise SystemExit(1)

    async def __aenter__(self: _S) -> _S:
        """In a program with an event loop: handlers that are ``async def`` are awaited in it."""
        self._loop = _loop_here()
        return self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.__exit__, kind, error, trace)  # the loop continues meanwhile

    @classmethod
    def main(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Opens, runs and closes a service made with these arguments (``run`` may be ``async def``: it gets an event
        loop), then ends the program: exit code 0 done, or
        handed over to the one that runs; 5 another one runs; 1 it failed. Errors go to stderr.

        :raises SystemExit: always.
        """
        try:
            service = cls(*args, **kwargs)
            if inspect.iscoroutinefunction(service.run):
                import asyncio

                asyncio.run(service._run_in_loop())
            else:
                with service:
                    service.run()
        except AlreadyRunning as error:
            _print(str(error) if error.handed_over else _describe_error(error))
            sys.exit(0 if error.handed_over else error.exit_code)
        except ReeveError as error:
            _print(_describe_error(error))
            sys.exit(error.exit_code)
        sys.exit(0)

    @property
    def project(self) -> str | None:
        """Name of the project; None before the service is open."""
        return None if self._place is None else self._place.project.name

    @property
    def process_title(self) -> str | None:
        """What the process is called; None before the service is open."""
        return self._title

    @property
    def card(self) -> Mapping[str, Any] | None:
        """The service as every reader sees it; None before it is open."""
        return None if self._presence is None else self._presence.card

    @property
    def stopping(self) -> threading.Event:
        """Set when the service is to stop: ``while not service.stopping.wait(1): …``."""
        self._looks = True
        return self._stopping

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the service is to stop, at most ``timeout`` seconds. Returns whether it is."""
        return self.stopping.wait(timeout)

    # -- what it says of itself

    def register(self, data: Mapping[str, Any] | None = None, **more: Any) -> Registered:
        """Stores any JSON as the service's data, shown by ``reeve ps --json``; a second call replaces the first.

        ``port`` and ``ports`` (a list, or name to number) in it count as its ports.

        :raises UsageError: for what is not JSON, is more than 256 KiB, or has a port that is none.
        """
        copy, self._data_ports = _read_data({**(data or {}), **more} if more or data is None else data)
        self._say({"data": copy, "ports": self._ports()})
        cut = self._title is not None and self._shown_title != self._title
        if cut and self._shown_title is not None:
            text = f'the process title is cut to "{self._shown_title}": the command line has no more room for it'
            warnings.warn(text, ReeveWarning, stacklevel=2)
        return Registered(self._shown_title, cut)

    def ready(self) -> None:
        """Says that the service does its work from now on."""
        self._say({"state": "running", "ready": True})
        notify("READY=1")

    def status(self, text: str) -> None:
        """One line about what it does, for people."""
        self._say({"status": text}, soon=True)
        notify(f"STATUS={text}")

    def health(self, health: str, reason: str | None = None) -> None:
        """Reports its own health, ``healthy`` or ``unhealthy``; the latter counts like a failed check."""
        if health not in ("healthy", "unhealthy"):
            raise UsageError(f"{_show(health)} is not a valid health: healthy or unhealthy")
        self._say({"health": health, "health_reason": reason})
        notify(f"X_REEVE_HEALTH={health}" + ("" if reason is None else f":{reason}"))

    def watchdog(self, check: Callable[[], bool] | None = None) -> None:
        """From now on gives a supervisor that wants it a sign of life at half its limit, until the service stops.
        ``check`` is asked before each; False, or an exception, withholds it."""
        limit = _watchdog_limit()
        if limit is None:
            return

        is_well = (lambda: True) if check is None else _settled(check, self._home_loop)

        def beat() -> None:
            if is_well():
                notify("WATCHDOG=1")

        self.interval("watchdog", limit / 2, beat, at_once=True)

    def announce_process_management(
        self,
        *,
        description: str = "",
        processes: Sequence[str] = (),
        ports: Sequence[PortInput] = (),
        start: Action | None = None,
        cleanup: Action | None = None,
        cleanup_timeout: float = _CLEANUP_TIMEOUT,
        dependencies: Sequence[str] = (),
        capabilities: Sequence[str] = (),
    ) -> None:
        """Says what this service manages, under its own name; see :func:`announce_process_management`. A second call
        replaces the first.

        :raises UsageError: naming what is wrong.
        """
        self._announcement = _read_announcement(
            ["PROCESS_MANAGER"],
            description,
            processes,
            ports,
            start,
            cleanup,
            cleanup_timeout,
            dependencies,
            capabilities,
            self._home_loop,
        )
        content = self._announcement.json
        told = {key: content[key] for key in ("capabilities", "dependencies")}
        self._say({"announcement": content, "ports": self._ports(), **told})

    # -- other services

    def dependency(self, name: str, timeout: float = 30.0) -> Endpoint:
        """Waits at most ``timeout`` seconds until another service of the project is ready (or completed) and not
        unhealthy. Returns where it can be reached.

        :raises ReeveError: ``TIMED_OUT``, which says what the service was instead, or that this one is to stop.
        """
        return dependency(name, timeout, home=self._home, cwd=self._cwd, stopping=self.stopping)

    def endpoint(self, name: str) -> Endpoint:
        """Where another service of the project is now, ready or not.

        :raises ReeveError: ``SERVICE_UNKNOWN`` or ``NOT_RUNNING``.
        """
        return endpoint(name, home=self._home, cwd=self._cwd)

    # -- what it does when

    def on_stop(self, handler: _F, *, name: str | None = None, timeout: float = _HANDLER_TIMEOUT) -> _F:
        """Runs ``handler()`` when the service stops, the newest first, each on its own and for at most ``timeout``
        seconds, once: at SIGTERM, SIGINT, SIGHUP, an exception that leaves the ``with`` block, a ``shutdown`` over the
        control socket, ``close()``, the normal end. Returns ``handler``, so it can be a decorator.

        It runs in a thread of its own. What is bound to the thread that made it (an sqlite3 connection) is better
        closed by ``run()`` itself.
        """
        self._stops.append(_stop_of(handler, name, timeout, self._home_loop))
        return handler

    def cancel_on_stop(self, handler: Callable[..., object]) -> None:
        """Takes a handler back."""
        self._stops = [each for each in self._stops if each.given != handler]

    def on_reload(self, handler: _F) -> _F:
        """Runs ``handler()`` at SIGHUP, in a thread of its own; the signal then no longer stops the service. Can be a
        decorator."""
        self._reloads.append(_settled(handler, self._home_loop))
        return handler

    def on_second_instance(self, handler: _F) -> _F:
        """Another copy was started and ends: ``handler(argv, cwd)`` gets its ``sys.argv`` and folder, in a thread of
        its own. Call it before the service is opened. Can be a decorator."""
        self._second_instance = _settled(handler, self._home_loop)
        return handler

    def worker(
        self, name: str, work: Callable[[threading.Event], object], *, timeout: float = _HANDLER_TIMEOUT
    ) -> Background:
        """Starts ``work(stopping)`` in a thread, until the event it is given is set. When it raises, the service is
        ``unhealthy`` and continues. The end waits for it at most ``timeout`` seconds, in the order of the newest first.
        """
        stopping = threading.Event()
        settled = _settled(work, self._home_loop)

        def target() -> None:
            try:
                settled(stopping)
            except Exception as error:
                self._failed(f"worker {name}", error)

        return self._beside(name, target, stopping, timeout)

    def interval(
        self,
        name: str,
        every: float,
        work: Callable[[], object],
        *,
        timeout: float = _HANDLER_TIMEOUT,
        at_once: bool = False,
    ) -> Background:
        """Does ``work()`` every ``every`` seconds, counted from the end of one run to the beginning of the next: never
        two at once. ``at_once``: the first time without waiting. A failure makes the service ``unhealthy``, and the
        next run comes all the same. Stopped and waited for like a worker.
        """
        if not _is_number(every) or not 0 < every < _NEVER:
            raise ValueError(f"an interval is a number of seconds above 0, not {every!r}")
        stopping = threading.Event()
        settled = _settled(work, self._home_loop)

        def target() -> None:
            pause: float = 0 if at_once else every
            while not stopping.wait(pause):
                pause = every
                try:
                    settled()
                except Exception as error:
                    self._failed(f"interval {name}", error)

        return self._beside(name, target, stopping, timeout)

    # -- inside

    async def _run_in_loop(self) -> None:
        async with self:
            await self.run()  # type: ignore[misc]

    def _home_loop(self) -> Any:
        return self._loop

    def _say(self, change: Json, soon: bool = False) -> None:
        if self._pid != os.getpid():
            return
        if self._place is None:
            self._early.update(change)
        elif self._presence is not None:
            early, self._early = self._early, {}
            self._presence.update({**early, **change}, soon)

    def _ports(self) -> list[Json]:
        announced = [] if self._announcement is None else self._announcement.ports
        return [each._json() for each in _unite_ports([*announced, *self._data_ports])]

    def _beside(self, name: str, target: Callable[[], None], stopping: threading.Event, timeout: float) -> Background:
        thread = threading.Thread(target=target, name=name, daemon=True)

        def stop() -> None:
            stopping.set()
            if thread is not threading.current_thread():
                thread.join()

        entry = _Stop(stop, name, timeout)
        self._stops.append(entry)
        thread.start()

        def stop_now() -> None:
            with contextlib.suppress(ValueError):
                self._stops.remove(entry)
            stopping.set()
            if thread is not threading.current_thread():
                thread.join(timeout)

        return Background(stop_now)

    def _failed(self, what: str, error: BaseException) -> None:
        _complain(f"{self.service_name}: {what}", error)
        self.health("unhealthy", f"{what}: {error}")

    def _close(self, reason: _Reason) -> list[HandlerOutcome]:
        if self._place is None or self._pid != os.getpid():
            return []
        self._left.set()
        self._stop(reason)
        return list(self._outcomes)

    _ends_program = False

    def _end(self, reason: _Reason, deadline: float) -> None:
        can_know = self._looks or any(each.given is not None for each in self._stops)
        self._ends_program = reason.kind == "signal" or reason.exit_code == 0
        self._say({"state": "stopping", "ready": False})
        notify("STOPPING=1")
        self._stopping.set()
        while self._stops:
            self._outcomes.append(_run_stop(self._stops.pop(), deadline))
        if _program._ends:
            _allow(self.stop_grace + _STEP)
        if self._left.wait(self.stop_grace if can_know else 0):
            return
        _program.interrupt(1 if any(not outcome.ok for outcome in self._outcomes) else 0)
        self._left.wait(_UNWIND)

    def _reload(self) -> bool:
        if not self._reloads:
            return False

        def work() -> None:
            micros = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            notify("RELOADING=1", f"MONOTONIC_USEC={micros}")
            for handler in list(self._reloads):
                try:
                    handler()
                except Exception as error:
                    self._failed("reload", error)
            notify("READY=1")

        threading.Thread(target=work, name="reeve-reload", daemon=True).start()
        return True


def _open_presence(place: _Place, kind: str, title: str | None, description: str, calls: _Calls) -> _Presence | None:
    """None where reeve started us as a user who may not enter its home: then reeve itself sees to it that there is one
    of us."""
    if kind == "service":
        _pass_guard(place)
    try:
        return _Presence(place, kind, title, description, calls)
    except (HomeUnsafe, PermissionError) as error:
        if place.cookie is None:
            raise
        text = f"{error}: no control socket for {place.service}; reeve still supervises it"
        warnings.warn(text, ReeveWarning, stacklevel=3)
        return None


def _pass_guard(place: _Place) -> None:
    """A service that reeve manages and that is started by hand: by the config's ``guard`` it warns and continues, or
    hands over to ``reeve up`` (AlreadyRunning, handed over; START_FAILED when that failed), or refuses (GUARD_REFUSED).
    It reads a file of the home, so no daemon is needed. What reeve started itself continues."""
    if os.environ.get("REEVE_RUN"):
        return
    card = _read_guard(place.project)
    if card is None or place.service not in [each.lower() for each in card["services"]]:
        return
    name, who = place.service, f"{place.service} is managed by reeve (project {card['project']}"
    if card["policy"] == "warn":
        text = f"{who}) and was started by hand: it is not restarted when it fails. reeve up {name} takes it over"
        warnings.warn(text, ReeveWarning, stacklevel=5)
    elif card["policy"] == "refuse":
        hint = f"start it: reeve up {name}; or set `guard: warn` in the config"
        raise ReeveError(f"{who}, guard: refuse): it is not started by hand", hint, "GUARD_REFUSED")
    else:
        _start_by_reeve(card["up"], name)
        raise AlreadyRunning(name, place.project.name, None, True)


def _start_by_reeve(up: Sequence[str], service: str) -> None:
    _print(f"{service} is managed by reeve: handing over to reeve up {service}")
    try:
        # Its results are for people here: a program that reads our output wants the service's.
        code = subprocess.run([*up, service], stdin=subprocess.DEVNULL, stdout=2, stderr=2, check=False).returncode
        why = f"reeve up ended with {code if code >= 0 else signal.Signals(-code).name}"
    except OSError as error:
        code, why = 1, f"reeve up could not be run: {error}"
    if code != 0:
        raise ReeveError(why, f"reeve why {service}", "START_FAILED")


def _read_guard(project: _Project) -> Json | None:
    """None: there is none, it is of a newer format, or others could have written it."""
    path = os.path.join(project.home, "guard", f"{_id_of(project.folder, '', 0)}.json")
    with contextlib.suppress(ValueError, RecursionError):
        card = json.loads(_read_own(path, _GUARD_BYTES) or "null")
        if isinstance(card, dict) and card.get("format") == 1 and card.get("folder") == project.folder:
            lists = [card.get("services"), card.get("up")]
            are_texts = all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in lists)
            if are_texts and card.get("policy") in ("warn", "redirect", "refuse") and "project" in card:
                return card
    return None


@dataclass(frozen=True)
class _Held:
    """The name by which this program counts. ``mark``: of this start, in the environment of whatever it starts."""

    member: _Member
    place: _Place
    mark: str


def _hold_name(member: _Member, place: _Place) -> None:
    _program.held = _Held(member, place, _mark_children(place))


def _mark_children(place: _Place) -> str:
    """What this program starts from now on carries whose it is."""
    mark = f"{place.id}:{secrets.token_hex(8)}"
    os.environ[_OWNER_MARK] = mark
    return mark


def _exit_code_of(error: BaseException) -> int:
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _describe_error(error: ReeveError) -> str:
    return str(error) if error.hint is None else f"{error}\n  {error.hint}"


# ---------------------------------------------------------------------------------------------- announcing, discovering


class Announced(_Member):
    """An announcement that stands until it is closed or this program ends. A context manager."""

    def __init__(self, name: str, place: _Place, announcement: _Announcement, data: Json | None) -> None:
        super().__init__()
        self.name = name
        self.id = place.id
        content = announcement.json
        calls = _calls_of(lambda: announcement, lambda: None)
        self._presence = _open_presence(place, "announcement", None, content["description"], calls)
        if _program.held is None:  # what it starts is found when this program is gone
            _mark_children(place)
        if self._presence is not None:
            told = {key: content[key] for key in ("ports", "dependencies", "capabilities")}
            self._presence.update({"state": "running", "ready": True, "announcement": content, "data": data, **told})
        _program.add(self)

    @property
    def card(self) -> Mapping[str, Any] | None:
        """As every reader sees it."""
        return None if self._presence is None else self._presence.card

    def close(self) -> None:
        """Takes it back: from then on the name is free."""
        if self._pid == os.getpid():
            self._left.set()
            self._stop(_Reason("request"))

    def __enter__(self) -> Announced:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def announce(
    name: str,
    *,
    description: str = "",
    processes: Sequence[str] = (),
    ports: Sequence[PortInput] = (),
    start: Action | None = None,
    cleanup: Action | None = None,
    cleanup_timeout: float = _CLEANUP_TIMEOUT,
    dependencies: Sequence[str] = (),
    capabilities: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    home: Path | None = None,
    cwd: Path | None = None,
) -> Announced:
    """Says that this program is there under a name, with what is given.

    :param name: kebab-case, unique in the project.
    :param processes: what it manages, for people; nothing is killed by these names.
    :param ports: numbers, :class:`Port`, or mappings with ``port``, ``name``, ``protocol``.
    :param start: how to start what it manages: a command (a text for ``/bin/sh -c``, or argv), or a callable that runs
        here, in a thread of its own.
    :param cleanup: likewise how to clean it up; afterwards the caller looks whether ``ports`` are free.
    :param cleanup_timeout: seconds that the clean-up may take.
    :param capabilities: what it can be found by.
    :param data: any JSON, shown with it.
    :raises UsageError: naming what is wrong.
    :raises AlreadyRunning: another process holds the name.
    :raises HomeUnsafe: when another user could write where reeve's files lie.
    """
    _check_service_name(name)
    announcement = _read_announcement(
        [], description, processes, ports, start, cleanup, cleanup_timeout, dependencies, capabilities
    )
    copy = None if data is None else _read_data(data)[0]
    return Announced(name, _find_place(name, home, cwd), announcement, copy)


def announce_process_management(name: str, *, capabilities: Sequence[str] = (), **more: Any) -> Announced:
    """Says that this program manages processes under a name. It can then be found by ``PROCESS_MANAGER``, and by every
    capability given. Arguments and errors as :func:`announce`."""
    return announce(name, capabilities=["PROCESS_MANAGER", *_texts("capabilities", capabilities)], **more)


@dataclass(frozen=True)
class Discovered:
    """A service or an announcement, as it was found. ``card`` is all that is known of it."""

    card: Mapping[str, Any]
    live: bool

    @property
    def name(self) -> str:
        return str(self.card["service"])

    @property
    def project(self) -> str:
        return str(self.card["project"])

    @property
    def pid(self) -> int:
        return int(self.card["pid"])

    @property
    def stale(self) -> bool:
        """Its process was killed: only announced commands can still be run."""
        return not self.live

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(each["port"] for each in self.card["ports"])

    @property
    def dependencies(self) -> tuple[str, ...]:
        return tuple(self.card["dependencies"])

    @property
    def capabilities(self) -> tuple[str, ...]:
        announced = (self.card["announcement"] or {}).get("capabilities", [])
        return tuple(dict.fromkeys([*self.card["capabilities"], *announced]))

    def status(self) -> Json:
        """Asks it: pid, state, ready, health, status, ports and whether they are in use.

        :raises Unreachable: when it is gone or does not answer.
        """
        return self._ask("status", {}, 5.0)

    def start(self, timeout: float | None = None) -> Outcome:
        """Does what it announced as its start, within ``timeout`` seconds (default 30): it does it itself while it
        lives; else its command is run here. Raises nothing for ordinary reasons."""
        return self._act("start", _START_TIMEOUT if timeout is None else timeout)

    def cleanup(self, timeout: float | None = None) -> Outcome:
        """Likewise its clean-up (default: the announced limit), and then looks whether the announced ports are free."""
        announcement = self.card["announcement"] or {}
        announced = announcement.get("cleanup_timeout", _CLEANUP_TIMEOUT * 1000) / 1000
        outcome = self._act("cleanup", announced if timeout is None else timeout)
        ports = announcement.get("ports", [])
        taken = tuple(each["port"] for each in ports if _is_listened_on(each["port"], each.get("protocol", "tcp")))
        if not outcome.ok or not taken:
            return Outcome(outcome.ok, outcome.reason, outcome.message, outcome.seconds, taken)
        message = f"port {', '.join(map(str, taken))} still taken after the clean-up"
        return Outcome(False, "survived", message, outcome.seconds, taken)

    def shutdown(self, reason: str | None = None) -> None:
        """Asks it to stop in order; returns when it has agreed.

        :raises Unreachable: when it is gone or does not answer.
        """
        self._ask("shutdown", {"reason": reason, "timeout": None}, 5.0)

    def _act(self, which: str, limit: float) -> Outcome:
        began = time.monotonic()
        if not self.live:
            announcement = self.card["announcement"]
            outcome = _run_action(announcement, which, None, str(self.card["cwd"]), limit)
            if outcome.reason != "not_announced":
                return outcome
            message = "its process is gone, and it announced no command for this"
            return Outcome(False, outcome.reason, message, outcome.seconds)
        try:
            answer = self._ask(which, {"timeout": round(limit * 1000)}, limit + 2)
        except ReeveError as error:
            return Outcome(False, "unreachable", str(error), time.monotonic() - began)
        return Outcome(bool(answer["ok"]), answer["reason"], answer["message"], answer["ms"] / 1000)

    def _ask(self, call: str, params: Json, deadline: float) -> Json:
        path = self.card["socket"]
        if not path:
            raise Unreachable(self.name, "absent", "it has no control socket")
        return _ask(self.name, path, call, params, deadline)


def discover(project: str | None = None, *, home: Path | None = None, cwd: Path | None = None) -> list[Discovered]:
    """Every service and announcement that lives, or was killed without a word; the live ones first. Needs no daemon.

    :param project: name of a project, or ``*`` for all of the home. Default: the project of this program.
    """
    here = _find_project(home, cwd)
    found = []
    for card in _list_cards(here.run):
        is_wanted = card["folder"] == here.folder if project is None else project in ("*", card["project"])
        liveness = _liveness(card)
        if is_wanted and liveness != "stopped":
            found.append(Discovered(card, liveness == "live"))
    return sorted(found, key=lambda each: (each.stale, each.name))


def discover_by_capability(capability: str, project: str | None = None, **where: Any) -> list[Discovered]:
    """Those that announce a capability, for example ``PROCESS_MANAGER``. Arguments as :func:`discover`."""
    return [each for each in discover(project, **where) if capability in each.capabilities]


def discover_service(name: str, project: str | None = None, **where: Any) -> Discovered | None:
    """The service or announcement of this name, a live one before a stale one; None: there is none. Arguments as
    :func:`discover`."""
    return next((each for each in discover(project, **where) if each.name == name), None)


# ------------------------------------------------------------------------------------------------- other services


@dataclass(frozen=True)
class _Look:
    """A service as it is at this moment."""

    endpoint: Endpoint
    state: str
    ready: bool
    health: str
    reason: str | None

    @property
    def is_usable(self) -> bool:
        return (self.ready or self.state == "completed") and self.health != "unhealthy"

    def __str__(self) -> str:
        words = "it is unhealthy" if self.ready and self.health == "unhealthy" else f"it is {self.state}"
        return words if self.reason is None else f"{words} ({self.reason})"


def dependency(
    name: str,
    timeout: float = 30.0,
    *,
    home: Path | None = None,
    cwd: Path | None = None,
    stopping: threading.Event | None = None,
) -> Endpoint:
    """Waits until a service of the project can be used: see :meth:`ManagedService.dependency`. ``stopping`` ends the
    wait with an error when it is set."""
    project = _find_project(home, cwd)
    end = time.monotonic() + timeout
    pause = stopping or threading.Event()
    while True:
        seen = _look_at(project, name)
        if seen is not None and seen.is_usable:
            return seen.endpoint
        left = end - time.monotonic()
        what = "no service of that name is known" if seen is None else str(seen)
        if left <= 0:
            hint = "start it, or check the name; reeve ps lists the services" if seen is None else f"reeve why {name}"
            raise ReeveError(f"{name} of {project.name} is not ready after {timeout:g} s: {what}", hint, "TIMED_OUT")
        if pause.wait(min(_BETWEEN_LOOKS, left)):
            text = f"{name} of {project.name} is not ready, and this service is to stop: {what}"
            raise ReeveError(text, None, "TIMED_OUT")


def endpoint(name: str, *, home: Path | None = None, cwd: Path | None = None) -> Endpoint:
    """Where a service of the project is now: see :meth:`ManagedService.endpoint`."""
    project = _find_project(home, cwd)
    seen = _look_at(project, name)
    if seen is None:
        raise ReeveError(f'no service "{name}" in {project.name}', "reeve ps lists the services", "SERVICE_UNKNOWN")
    if seen.endpoint.pid is None:
        raise ReeveError(f"{name} is not running", f"start it: reeve start {name}", "NOT_RUNNING")
    return seen.endpoint


def _look_at(project: _Project, name: str) -> _Look | None:
    """The daemon's word where it supervises the service, else the service's own."""
    services = _shown_by_daemon(project, {"folder": project.folder})
    view = next((each for each in services if each["name"] == name), None)
    cards = [each for each in _list_cards(project.run) if each["folder"] == project.folder and each["service"] == name]
    card = next((each for each in cards if _liveness(each) == "live"), cards[0] if cards else None)
    if view is not None and (view["pid"] is not None or card is None):
        return _look_of_view(view, project, card)
    return None if card is None else _look_of_card(card)


def _shown_by_daemon(project: _Project, wanted: Json | None) -> list[Json]:
    """Services as the daemon of the home shows them; none where it does not run or does not know the project."""
    try:
        projects = _ask_daemon(project, "ps", {"project": wanted})["projects"]
        return [{**service, "project": each["project"]} for each in projects for service in each["services"]]
    except ReeveError:
        return []


def _look_of_view(view: Json, project: _Project, card: Json | None) -> _Look:
    declared = [each for each in view["ports"] if each["port"] is not None]
    ports = _ports_of(declared or ([] if card is None else card["ports"]))
    place = Endpoint(view["name"], project.name, "127.0.0.1", ports[0].port if ports else None, ports, view["pid"])
    return _Look(place, view["state"], view["ready"], view["health"], view["reason"])


def _look_of_card(card: Json) -> _Look:
    liveness = _liveness(card)
    is_live = liveness == "live"
    ports = _ports_of(card["ports"])
    pid = card["pid"] if is_live else None
    place = Endpoint(card["service"], card["project"], "127.0.0.1", ports[0].port if ports else None, ports, pid)
    reason = "its process was killed" if liveness == "stale" else card["health_reason"]
    return _Look(place, card["state"] if is_live else "stopped", is_live and card["ready"], card["health"], reason)


def _ports_of(found: Sequence[Json]) -> tuple[Port, ...]:
    return tuple(Port(each["port"], each["name"], each["protocol"]) for each in found)


# ------------------------------------------------------------------------------------------------- ports and processes


@dataclass(frozen=True)
class FoundProcess:
    """A process as it was found. Hand it back to :func:`kill_process_by_id`, and only this very process can be meant.

    ``name`` is its short name, as in ``ps -o comm``.
    """

    pid: int
    name: str
    command: str
    user: str
    process: ProcessIdentity

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid}, user {self.user})"


@dataclass(frozen=True)
class FoundPortHolder(FoundProcess):
    """A process that listens on a port; ``address`` is where, for example ``127.0.0.1`` or ``::``."""

    port: int
    protocol: str
    address: str


@dataclass(frozen=True)
class ProcessOutcome:
    """What became of one process. ``signals``: those that it was sent, in order. ``left``: why it is still there; None:
    it has ended."""

    pid: int
    command: str
    signals: tuple[str, ...]
    left: str | None


@dataclass(frozen=True)
class ActionResult:
    """What became of an action. Nothing is raised for an ordinary reason: ``if not result.ok: …``.

    ``reason``: ``done``; ``gone``, it had ended by itself, or its pid is another's now; ``not_found``;
    ``not_permitted``, another user's, or not ours and ``force`` was not given; ``protected``, this program, what
    started it, or pid 0 and 1; ``survived``, it is still there after SIGKILL. ``message``: one sentence for people,
    which names the owner that is in the way. ``processes``: all that it was about, with what belongs to them.
    """

    ok: bool
    reason: str
    message: str
    processes: tuple[ProcessOutcome, ...] = ()


def is_port_in_use(port: int, *, protocol: str | None = None) -> bool:
    """Whether a process listens on it, IPv4 or IPv6.

    :param protocol: ``tcp`` or ``udp``; default both.
    :raises UsageError: for an invalid port.
    """
    _check_port(port, protocol)
    return _is_listened_on(port, protocol)


def find_process_by_port(port: int, *, protocol: str | None = None) -> FoundPortHolder | None:
    """The process that listens on a port, the oldest of several. None: none does, or it is another user's that we may
    not look at (:func:`is_port_in_use` tells these apart). Arguments and errors as :func:`is_port_in_use`."""
    return next(iter(find_processes_by_port(port, protocol=protocol)), None)


def find_processes_by_port(port: int, *, protocol: str | None = None) -> list[FoundPortHolder]:
    """All of them, the oldest first: several sockets of one port (SO_REUSEPORT), several processes of one socket."""
    holders = {}
    for listener, identity in _port_holders(port, protocol):
        found = None if identity is None else _look_up(identity.pid, identity)
        if found is not None:
            holders[found.pid] = FoundPortHolder(**vars(found), **_where(listener))
    return sorted(holders.values(), key=lambda each: (each.process.start, each.pid))


def kill_process_on_port(
    port: int, *, protocol: str | None = None, force: bool = False, grace: float = _GRACE
) -> ActionResult:
    """Ends every process that listens on a port, with what belongs to them, and looks whether it is free then.

    ``not_found``: nothing is listening. ``not_permitted``: another user's (root may, with ``force``). ``protected``:
    this program, or what started it, is among them; no process is touched.

    :param grace: seconds from SIGTERM to SIGKILL.
    :raises UsageError: for an invalid port.
    """
    holders = _port_holders(port, protocol)
    if not holders:
        return ActionResult(False, "not_found", f"nothing is listening on port {port}")
    hidden = next((listener for listener, identity in holders if identity is None), None)
    if hidden is not None:
        user = _user_of(hidden.uid)
        message = f"port {port} is held by a process of {user}, which only {user} and root can see"
        return ActionResult(False, "not_permitted", message)
    found = find_processes_by_port(port, protocol=protocol)
    if not found:
        return ActionResult(False, "gone", f"what listened on port {port} has just ended")
    result = _end_found(found, force, grace)
    if not result.ok and result.reason != "gone":
        return dataclasses.replace(result, message=f"port {port}: {result.message}")
    # The kernel may need a moment to give a port back.
    if _until(lambda: not _is_listened_on(port, protocol), _RELEASE):
        return result
    return dataclasses.replace(result, ok=False, reason="survived", message=f"port {port} is taken again, or still")


def kill_process_by_id(target: int | FoundProcess, *, force: bool = False, grace: float = _GRACE) -> ActionResult:
    """Ends one process and what belongs to it.

    :param target: a pid, or what was found: then only this very process is ended, ``gone`` if its pid is another's now.
    :param force: also another user's; only root can.
    :param grace: seconds from SIGTERM to SIGKILL.
    :raises UsageError: for what does not name a process.
    """
    known = target.process if isinstance(target, FoundProcess) else None
    pid = target.pid if isinstance(target, FoundProcess) else target
    if isinstance(pid, bool) or not _is_number(pid):
        hint = "a pid as a number, or what find_process_by_port or hunt has found"
        raise UsageError(f"{_show(target)} does not name a process", hint)
    if not _is_pid(pid) or pid == os.getpid():
        return ActionResult(False, "protected", f"{pid} is not the pid of a process that is ever ended")
    found = _look_up(pid, known)
    if found is not None:
        return _end_found([found], force, grace)
    if known is None:
        return ActionResult(False, "not_found", f"no such process: {pid}")
    return ActionResult(False, "gone", f"process {pid} has ended since it was looked up")


def _check_port(port: object, protocol: object = None) -> None:
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise UsageError(f"{_show(port)} is not a valid port", "a whole number from 1 to 65535")
    if protocol not in (None, "tcp", "udp"):
        raise UsageError(f"{_show(protocol)} is not a valid protocol", "tcp or udp; none means both")


def _look_up(pid: int, known: ProcessIdentity | None = None) -> FoundProcess | None:
    """None: there is no live process with this pid, or it is not the one of ``known`` any more."""
    seen = _read_stat(pid) if _is_pid(pid) else None
    identity = None if seen is None else _identity_of(seen)
    if seen is None or identity is None or known not in (None, identity):
        return None
    return _found_of(seen, identity)


def _found_of(seen: _Stat, identity: ProcessIdentity) -> FoundProcess:
    return FoundProcess(seen.pid, seen.comm, _command_of(seen), _user_of(_uid_of(seen.pid)), identity)


def _user_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def _port_holders(port: int, protocol: str | None) -> list[tuple[_Listener, ProcessIdentity | None]]:
    """Every process that holds the port: as long as one of them lives it is taken. None: another user's, whose descriptors
    we may not look at."""
    _check_port(port, protocol)
    pids = _list_pids()
    listeners = [each for each in _list_listeners() if each.port == port and protocol in (None, each.protocol)]
    held = [(pid, _sockets_of(pid)) for pid in (pids if listeners else [])]
    holders: list[tuple[_Listener, ProcessIdentity | None]] = []
    for listener in listeners:
        found = [_identify(pid) for pid, inodes in held if listener.inode in inodes]
        known = [(listener, identity) for identity in found if identity is not None]
        holders += known or [(listener, None)]
    return holders


def _where(listener: _Listener) -> Json:
    return {"port": listener.port, "protocol": listener.protocol, "address": listener.address}


def _until(is_so: Callable[[], bool], limit: float) -> bool:
    """Looks until it is so, for at most ``limit`` seconds."""
    end, pause = time.monotonic() + limit, _FIRST_PAUSE
    while not is_so():
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LAST_PAUSE)
    return True


def _end_found(found: Sequence[FoundProcess], force: bool, grace: float) -> ActionResult:
    """Ends processes that were looked up, with what belongs to them, and proves it. No process is touched when one of them
    is this program, what started it, or, without ``force``, another user's."""
    if not _is_number(grace) or not 0 <= grace < _NEVER:
        raise UsageError(f"grace: seconds, not {grace!r}")
    lineage = _lineage(os.getpid(), _scan())
    for each in found:
        if each.pid in lineage:
            what = "this program" if each.pid == os.getpid() else "above this program"
            return ActionResult(False, "protected", f"{each} is {what}")
    for each in found:
        if _uid_of(each.pid) not in (os.geteuid(), -1) and not (force and os.geteuid() == 0):
            return ActionResult(False, "not_permitted", f"{each} belongs to another user")
    with _Crowd(found, lineage) as crowd:
        outcomes = crowd.end(grace)
    for outcome in outcomes:
        if outcome.left is not None:
            message = f"{outcome.command} (pid {outcome.pid}) is still there: {outcome.left}"
            return ActionResult(False, "survived", message, outcomes)
    if not any(outcome.signals for outcome in outcomes):
        return ActionResult(False, "gone", "it had ended by itself", outcomes)
    return ActionResult(True, "done", f"ended {', '.join(str(outcome.pid) for outcome in outcomes)}", outcomes)


class _Target:
    """One process that is to be ended. Its handle keeps the pid from becoming another's while we look; None: this
    system has no handles, and the start has to do."""

    def __init__(self, identity: ProcessIdentity, command: str, is_named: bool) -> None:
        self.identity = identity
        self.command = command
        self.is_named = is_named
        self.signals: list[str] = []
        self.refusal: str | None = None
        self.handle: int | None = None
        # No such call here, or in this kernel; no descriptor left; gone.
        with contextlib.suppress(AttributeError, OSError):
            self.handle = os.pidfd_open(identity.pid)  # type: ignore[attr-defined,unused-ignore]

    def close(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    @property
    def is_alive(self) -> bool:
        return self.identity.is_alive

    def send(self, number: signal.Signals) -> bool:
        """To exactly this process: with a handle nothing can come between the look and the signal."""
        if not self.is_alive:
            return False
        try:
            if self.handle is None:
                os.kill(self.identity.pid, number)
            else:
                signal.pidfd_send_signal(self.handle, number)  # type: ignore[attr-defined,unused-ignore]
        except ProcessLookupError:
            return False
        except PermissionError:
            self.refusal = "not_permitted"
            return False
        self.refusal = None
        return True

    def ask(self, number: signal.Signals) -> bool:
        sent = self.send(number)
        if sent and self.signals[-1:] != [number.name]:
            self.signals.append(number.name)
        return sent

    def outcome(self) -> ProcessOutcome:
        left = _why_left(self) if self.is_alive else None
        return ProcessOutcome(self.identity.pid, self.command, tuple(self.signals), left)


class _Crowd:
    """Processes that are ended together, with what belongs to them (descendants, the sessions they lead): SIGTERM to
    those that were named, then to the rest; after the grace all are stopped until a look finds no new one, and
    killed; done when two looks in a row find none."""

    def __init__(self, named: Sequence[FoundProcess], spared: set[int]) -> None:
        self._spared = spared
        self._targets: dict[ProcessIdentity, _Target] = {}
        self._sessions: dict[int, int] = {}
        for each in named:
            if each.process not in self._targets:
                self._targets[each.process] = _Target(each.process, each.command, True)

    def __enter__(self) -> _Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for target in self._targets.values():
            target.close()

    def end(self, grace: float) -> tuple[ProcessOutcome, ...]:
        end = time.monotonic() + grace
        if grace > 0:
            self._look()
            self._ask(lambda target: target.is_named)
            _until(lambda: not self._alive(lambda target: target.is_named), grace / 2)
            self._look()
            self._ask(lambda target: not target.signals)
            _until(lambda: not self._alive(), end - time.monotonic())
        self._kill(time.monotonic() + _KILL_BUDGET)
        return tuple(target.outcome() for target in self._targets.values())

    def _look(self) -> list[_Target]:
        """Takes in who belongs to them now. Returns who is new."""
        live = _scan()
        known = {(identity.pid, identity.start) for identity in self._targets}
        leaders = (each for each in live if each.session == each.pid and (each.pid, each.start) in known)
        self._sessions.update({each.pid: each.start for each in leaders})
        fresh = []
        for each in _kin(known, live, lambda seen: seen.pid in self._spared, self._sessions):
            identity = _identity_of(each)
            if identity is not None and identity not in self._targets:
                self._targets[identity] = _Target(identity, _command_of(each), False)
                fresh.append(self._targets[identity])
        return fresh

    def _alive(self, whom: Callable[[_Target], bool] = lambda _: True) -> list[_Target]:
        return [target for target in self._targets.values() if whom(target) and target.is_alive]

    def _ask(self, whom: Callable[[_Target], bool]) -> None:
        """SIGTERM, and SIGCONT so that one that is stopped can hear it."""
        for target in self._alive(whom):
            if target.ask(signal.SIGTERM):
                target.send(signal.SIGCONT)

    def _kill(self, end: float) -> None:
        clean, pause = 0, _FIRST_PAUSE
        while clean < 2:
            self._look()
            if not self._alive():
                clean += 1
                continue
            clean = 0
            self._hold()
            for target in self._alive():
                target.ask(signal.SIGKILL)
            if time.monotonic() >= end:
                return
            time.sleep(pause)
            pause = min(pause * 1.5, _LAST_PAUSE)

    def _hold(self) -> None:
        """A parent that is killed first leaves children that no tree shows any more: all are stopped before."""
        fresh = self._alive()
        for _ in range(_FREEZE_ROUNDS):
            for target in fresh:
                target.send(signal.SIGSTOP)
            fresh = self._look()
            if not fresh:
                return


def _why_left(target: _Target) -> str:
    """Why a process is still there, in one clause."""
    pid = target.identity.pid
    seen = _read_stat(pid)
    if seen is None:
        return "it has just exited"
    if target.refusal == "not_permitted":
        return f"it belongs to {_user_of(_uid_of(pid))}: not permitted to signal it"
    told = _read_text(f"/proc/{pid}/wchan")
    where = f" in {told}" if re.match(r"[a-z_]", told, re.IGNORECASE) else ""
    if re.search(r"refrigerator|do_freezer_trap|cgroup_freeze", told):
        return f"it is frozen (cgroup freezer), state {seen.state}"
    if seen.state == "D":
        return f"it is in an uninterruptible wait{where} (state D): it cannot be killed until that finishes"
    if seen.state == "Z":
        return f"its main thread has exited, {seen.threads - 1} of its threads still running (state Z)"
    if seen.state == "t":
        tracer = re.search(r"^TracerPid:\s*(\d+)$", _read_text(f"/proc/{pid}/status"), re.MULTILINE)
        return f"process {tracer[1] if tracer else 0} traces it (state t)"
    return "it is stopped (state T)" if seen.state == "T" else f"it is still running{where} (state {seen.state})"


# ------------------------------------------------------------------------------------------------ whose process is this


@dataclass(frozen=True)
class _Owner:
    """Whose a process is. ``key``: cookie of the run, or id of the card. ``is_main``: the process that holds the name.
    ``is_live``: of what runs now; else it was left behind. ``card``: of a service that was started by hand."""

    project: str
    service: str
    key: str
    is_main: bool
    is_live: bool
    card: Json | None = None


@dataclass(frozen=True)
class _Run:
    """What the daemon supervises: its main process is known, the rest by what it carries."""

    cookie: str
    project: str
    service: str
    main: int


@dataclass(frozen=True)
class _Seen:
    """A live process. ``environ``: as it was executed. ``started_as``: by its card, as it may have a title since."""

    stat: _Stat
    identity: ProcessIdentity
    command: str
    environ: Mapping[str, str]
    started_as: tuple[str, ...]
    owner: _Owner | None = None

    @property
    def command_lines(self) -> list[str]:
        return [self.command, " ".join(self.started_as)] if self.started_as else [self.command]

    @property
    def is_reeve(self) -> bool:
        """A daemon or keeper."""
        return _DAEMON_MARK in self.environ

    @property
    def mark(self) -> str:
        """Id of the card of the service that started it; empty: none."""
        return self.environ.get(_OWNER_MARK, "").partition(":")[0]

    @property
    def is_of_a_run(self) -> bool:
        return "REEVE_RUN" in self.environ

    def found(self) -> FoundProcess:
        seen = self.stat
        return FoundProcess(seen.pid, seen.comm, self.command, _user_of(_uid_of(seen.pid)), self.identity)


@dataclass(frozen=True)
class _Surroundings:
    """Every live process, and whose it is: by the daemon where there is one, the cards, and what processes carry.
    ``lineage``: this program and everything above it."""

    project: _Project
    processes: list[_Seen]
    lineage: set[int]
    supervised: list[Json]

    def is_below_us(self, pid: int) -> bool:
        return os.getpid() in _lineage(pid, [each.stat for each in self.processes]) - {pid}


def _look_around(home: Path | None, cwd: Path | None) -> _Surroundings:
    project = _find_project(home, cwd)
    supervised = _supervised(project, None)
    cards = _list_cards(project.run)
    argv = {_identity_in(card["process"]): tuple(map(str, card["argv"])) for card in cards}
    processes = []
    for seen in _scan():
        identity = _identity_of(seen)
        if identity is not None:
            started_as = argv.get(identity, ())
            processes.append(_Seen(seen, identity, _command_of(seen), _environ_of(seen.pid), started_as))
    owners = _attribute(project.home, processes, _runs_of(supervised), cards)
    owned = [dataclasses.replace(each, owner=owners.get(each.stat.pid)) for each in processes]
    return _Surroundings(project, owned, _lineage(os.getpid(), [each.stat for each in processes]), supervised)


def _supervised(project: _Project, wanted: Json | None) -> list[Json]:
    """What the daemon of the home has started itself; ``wanted`` None: of all projects."""
    shown = _shown_by_daemon(project, wanted)
    return [each for each in shown if each["managed_by"] not in ("announced", "registered")]


def _runs_of(supervised: Sequence[Json]) -> list[_Run]:
    return [
        _Run(instance["run"], view["project"], view["name"], instance["pid"])
        for view in supervised
        for instance in view["instances"]
        if instance["run"] is not None and instance["pid"] is not None
    ]


def _attribute(home: str, processes: Sequence[_Seen], runs: Sequence[_Run], cards: Sequence[Json]) -> dict[int, _Owner]:
    """Whose each process is, by its pid; one that is not in it belongs to no service of this home. The strongest sign
    decides: the run it belongs to, the card that names it, the cookie or mark that it carries, the session or group of
    a dead service; what carries nothing belongs to what it descends from."""
    live_cards = {card["id"]: card for card in cards if _liveness(card) == "live" and card["process"] is not None}
    owners: dict[int, _Owner] = {}
    for seen in processes:
        owner = None if seen.is_reeve else _signed_owner(home, seen, runs, cards, live_cards)
        if owner is not None:
            owners[seen.stat.pid] = owner
    _add_groups(processes, [card for card in cards if card["id"] not in live_cards], owners)
    _add_kin(processes, owners)
    return owners


def _signed_owner(
    home: str, seen: _Seen, runs: Sequence[_Run], cards: Sequence[Json], live_cards: Mapping[str, Json]
) -> _Owner | None:
    is_here = seen.environ.get("REEVE_HOME") == home
    cookie = seen.environ.get("REEVE_RUN") if is_here else None
    for run in runs:
        if run.main == seen.stat.pid or run.cookie == cookie:
            return _Owner(run.project, run.service, run.cookie, run.main == seen.stat.pid, True)
    for card in live_cards.values():
        if _identity_in(card["process"]) == seen.identity:
            return _owner_of(card, is_main=True, is_live=True)
    if cookie is not None:  # left behind by a run that is over
        project, service = (seen.environ.get(f"REEVE_{name}", "") for name in ("PROJECT", "SERVICE"))
        return _Owner(project, service, cookie, False, False)
    for card in cards:
        if card["id"] == seen.mark:
            # Older than the present process of the card: of one before.
            process = _identity_in(card["process"]) if card["id"] in live_cards else None
            return _owner_of(card, is_live=process is not None and seen.stat.start >= process.start)
    return None


def _owner_of(card: Json, *, is_main: bool = False, is_live: bool = False) -> _Owner:
    return _Owner(card["project"], card["service"], card["id"], is_main, is_live, card)


def _add_groups(processes: Sequence[_Seen], cards: Sequence[Json], owners: dict[int, _Owner]) -> None:
    """Who is in the session or process group that the dead process of a card led: the kernel gives that number to no
    other process as long as one of them lives."""
    pids = {seen.stat.pid for seen in processes}
    for card in cards:
        main = _identity_in(card["process"])
        if main is None or card["run"] is not None or main.pid in pids:
            continue
        for seen in processes:
            is_spared = seen.stat.pid in owners or seen.is_reeve or seen.is_of_a_run
            if main.pid in (seen.stat.session, seen.stat.pgrp) and seen.stat.start >= main.start and not is_spared:
                owners[seen.stat.pid] = _owner_of(card)


def _add_kin(processes: Sequence[_Seen], owners: dict[int, _Owner]) -> None:
    """Who lost every sign, and still hangs below one who has it."""
    by_pid = {seen.stat.pid: seen for seen in processes}
    live = [seen.stat for seen in processes]
    families: dict[tuple[str, bool], list[_Stat]] = {}
    for seen in live:
        owner = owners.get(seen.pid)
        if owner is not None:
            families.setdefault((owner.key, owner.is_live), []).append(seen)

    def is_spared(stat: _Stat) -> bool:
        seen = by_pid[stat.pid]
        return stat.pid in owners or seen.is_reeve or seen.is_of_a_run

    for members in families.values():
        like = dataclasses.replace(owners[members[0].pid], is_main=False)
        for each in _kin([(member.pid, member.start) for member in members], live, is_spared):
            owners[each.pid] = like


# ------------------------------------------------------------------------------------------ listing, hunting and ending


@dataclass(frozen=True)
class ListedService:
    """A service of the project, by the daemon where it supervises it, else by itself.

    ``state`` is as in ``reeve ps``; ``pid`` None: it does not run; ``data``: what it has registered. ``managed_by``:
    ``daemon``, supervised; ``self``, it runs by itself, or ended in order; ``stale``, it was killed.
    """

    name: str
    project: str
    state: str
    pid: int | None
    ready: bool
    health: str
    ports: tuple[int, ...]
    data: Any
    managed_by: str


@dataclass(frozen=True)
class HuntedProcess(FoundProcess):
    """A process that a query means. ``found_by``: what of it fits (``pid``, ``port``, ``name``, ``title``,
    ``command``). ``ours``: it is a process of a project of this home, of ``project`` and ``service``. ``ports``: on
    which it listens."""

    found_by: tuple[str, ...]
    ours: bool
    project: str | None
    service: str | None
    ports: tuple[int, ...]


def list_services(*, home: Path | None = None, cwd: Path | None = None) -> list[ListedService]:
    """The services of the project, by name: supervised ones, and those that run, or ran, by themselves.

    :param home: default ``REEVE_HOME``, else the platform's place for state.
    :param cwd: where the search for the project begins; default the working folder.
    """
    project = _find_project(home, cwd)
    listed = {
        card["service"]: _listed_card(card) for card in _list_cards(project.run) if card["folder"] == project.folder
    }
    for view in _supervised(project, {"folder": project.folder}):
        card = listed.get(view["name"])
        if view["pid"] is None and card is not None and card.managed_by == "self" and card.pid is not None:
            continue  # started by hand meanwhile
        data = view["data"] if view["data"] is not None else None if card is None else card.data
        ports = tuple(each["port"] for each in view["ports"] if each["port"] is not None)
        name, state, pid, ready, health = (view[key] for key in ("name", "state", "pid", "ready", "health"))
        listed[name] = ListedService(name, view["project"], state, pid, ready, health, ports, data, "daemon")
    return sorted(listed.values(), key=lambda each: each.name)


def _listed_card(card: Json) -> ListedService:
    liveness = _liveness(card)
    state, pid, ready = (card["state"], card["pid"], card["ready"]) if liveness == "live" else ("stopped", None, False)
    ports = tuple(each["port"] for each in card["ports"])
    by = "stale" if liveness == "stale" else "self"
    return ListedService(card["service"], card["project"], state, pid, ready, card["health"], ports, card["data"], by)


def hunt(query: str | int, *, home: Path | None = None, cwd: Path | None = None) -> list[HuntedProcess]:
    """Everything that a word may mean: a service or project, a pid, a port (``:8080`` only that), a title, or a part of
    a command line; never this program or what started it by its own command line. Other arguments as
    :func:`list_services`.

    :raises UsageError: for an empty query.
    """
    text = str(query).strip()
    if text == "":
        raise UsageError("nothing to search for", "a name, pid, :port or text")
    around = _look_around(home, cwd)
    ports = _ports_by_pid([each.stat for each in around.processes])
    found = []
    for seen in around.processes:
        listens = ports.get(seen.stat.pid, ())
        found_by = _meanings(seen, text, listens, around.lineage)
        if found_by:
            owner = seen.owner
            whose = (None, None) if owner is None else (owner.project, owner.service)
            found.append(HuntedProcess(**vars(seen.found()), **_hunted(found_by, whose, listens)))
    return found


def _hunted(found_by: Sequence[str], whose: tuple[str | None, str | None], ports: Sequence[int]) -> Json:
    project, service = whose
    ours = service is not None
    return {"found_by": tuple(found_by), "ours": ours, "project": project, "service": service, "ports": tuple(ports)}


def _ports_by_pid(live: Sequence[_Stat]) -> dict[int, tuple[int, ...]]:
    """Of several holders of a socket the one that started first: the others have inherited it."""
    wanted = {each.inode: each.port for each in _list_listeners()}
    found: dict[int, tuple[int, ...]] = {}
    for seen in sorted(live, key=lambda each: each.start):
        ports = [wanted.pop(inode) for inode in sorted(_sockets_of(seen.pid)) if inode in wanted]
        found[seen.pid] = tuple(dict.fromkeys(ports))
    return found


def _meanings(seen: _Seen, query: str, ports: Sequence[int], lineage: set[int]) -> list[str]:
    found = []
    port = re.fullmatch(r":?([0-9]{1,5})", query)
    if str(seen.stat.pid) == query:
        found.append("pid")
    if port is not None and int(port[1]) in ports:
        found.append("port")
    if query.startswith(":"):
        return found
    word, owner = query.lower(), seen.owner
    names = [] if owner is None else [owner.service, owner.project, f"{owner.project}/{owner.service}"]
    if any(word in name.lower() for name in names):
        found.append("name")
    if seen.stat.pid in lineage:
        return found
    if _title_shown(seen).lower() == word:
        found.append("title")
    elif any(word in line.lower() for line in seen.command_lines):
        found.append("command")
    return found


def _title_shown(seen: _Seen) -> str:
    """The title that a process has given itself, else the name of its program."""
    first = seen.command.split(" ")[0]
    return first if first.startswith(seen.stat.comm) else os.path.basename(first) or seen.stat.comm


def kill_service(
    name: str, *, force: bool = False, grace: float | None = None, home: Path | None = None, cwd: Path | None = None
) -> ActionResult:
    """Ends a service of the project by its name: through the daemon where it supervises it (else it would come again),
    else its process and what belongs to it. ``not_found``: nothing of it runs.

    :param force: also another user's; only root can.
    :param grace: seconds from the stop signal to SIGKILL; default the service's own, or 5.
    :raises ReeveError: what the daemon answers, when it cannot stop it.
    """
    around = _look_around(home, cwd)
    project = around.project.name
    views = [each for each in around.supervised if each["name"] == name and each["project"] == project]
    if any(view["pid"] is not None for view in views):
        return _stop_by_daemon(around.project, name, grace)
    mine = [
        seen for seen in around.processes if seen.owner and (seen.owner.project, seen.owner.service) == (project, name)
    ]
    if not mine:
        return ActionResult(False, "not_found", f"nothing of {name} runs in {project}")
    return _end_found([seen.found() for seen in mine], force, _GRACE if grace is None else grace)


def kill_script(
    path: Path, *, force: bool = False, grace: float | None = None, home: Path | None = None, cwd: Path | None = None
) -> ActionResult:
    """Ends the programs that run a script, also those with a title of their own, by its path: absolute, or from the
    working folder. What is not ours (of this program, or of a project of this home) needs ``force``. Other arguments
    as :func:`kill_service`."""
    wanted = os.path.realpath(os.path.join(cwd or os.getcwd(), path))

    def runs_it(seen: _Seen) -> bool:
        folder = _link(f"/proc/{seen.stat.pid}/cwd")
        words = [*_read_memory(seen.stat.pid, "cmdline").split("\0")[:-1], *seen.started_as]
        files = [word for word in words if word and not word.startswith("-")] if folder is not None else []
        return any(os.path.realpath(os.path.join(folder or "", word)) == wanted for word in files)

    around = _look_around(home, cwd)
    meant = [seen for seen in _endable(around) if runs_it(seen)]
    return _kill_meant(around, meant, f"runs {os.fspath(path)}", force, grace)


def kill_pattern(
    pattern: str | re.Pattern[str],
    *,
    force: bool = False,
    grace: float | None = None,
    home: Path | None = None,
    cwd: Path | None = None,
) -> ActionResult:
    """Ends the programs whose command line matches, or that with which a service was started, by its card. What is not
    ours needs ``force``. Other arguments as
    :func:`kill_service`.

    :raises UsageError: for an empty pattern, one that is wrong, and one that needs over 50 ms for a command line.
    """
    source, flags = (pattern, 0) if isinstance(pattern, str) else (pattern.pattern, pattern.flags)
    if not isinstance(source, str) or source in ("", "(?:)"):
        raise UsageError("an empty pattern matches every process", "a part of a command line")
    around = _look_around(home, cwd)
    lines = [(seen, line) for seen in _endable(around) for line in seen.command_lines]
    meant = {lines[at][0].stat.pid: lines[at][0] for at in _matches(source, flags, [line for _, line in lines])}
    return _kill_meant(around, list(meant.values()), f"matches /{source}/", force, grace)


def _endable(around: _Surroundings) -> list[_Seen]:
    """Never reeve itself, this program or what started it: a shell's command line may hold the path or pattern too. A
    kernel thread has no command line."""
    return [
        seen
        for seen in around.processes
        if not seen.is_reeve and seen.stat.pid not in around.lineage and seen.command != f"[{seen.stat.comm}]"
    ]


#: Tries a pattern of the user's: one like ``(a+)+$`` backtracks for longer than the universe is old, and nothing in the
#: program that tries it can stop it. The limit is of processor time, so that a busy machine changes nothing; a program that is
#: over it is ended by the signal.
_MATCHER = """
import json, re, signal, sys
wish = json.load(sys.stdin)
signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
signal.setitimer(signal.ITIMER_VIRTUAL, 1)
try:
    pattern = re.compile(wish["source"], wish["flags"])
except (re.error, ValueError, OverflowError, RecursionError) as error:
    print(json.dumps({"wrong": str(error)}))
    sys.exit(0)
found = []
for at, text in enumerate(wish["texts"]):
    signal.setitimer(signal.ITIMER_VIRTUAL, wish["limit"])
    if pattern.search(text):
        found.append(at)
signal.setitimer(signal.ITIMER_VIRTUAL, 0)
print(json.dumps({"found": found}))
"""


def _matches(source: str, flags: int, texts: Sequence[str]) -> list[int]:
    """Which of the texts a pattern occurs in, decided by a child within a limit."""
    wish = json.dumps({"source": source, "flags": flags, "texts": texts, "limit": _PATTERN_LIMIT})
    # Of a program that was packed into one file, sys.executable is the program itself.
    interpreter = None if getattr(sys, "frozen", False) else sys.executable
    argv = [interpreter or shutil.which("python3") or "python3", "-I", "-S", "-c", _MATCHER]
    try:
        child = subprocess.run(argv, input=wish, capture_output=True, text=True, timeout=_PATTERN_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        child = None
    except OSError as error:
        raise ReeveError(f"cannot try the pattern: {error}", "install python3") from error
    if child is None or child.returncode == -signal.SIGVTALRM:
        raise UsageError(f"the pattern /{source}/ is too slow", "a simpler one: no repetition within a repetition")
    try:
        answer = json.loads(child.stdout)
    except ValueError:
        raise ReeveError(f"cannot try the pattern: {child.stderr.strip()[-500:]}") from None
    if "wrong" in answer:
        raise UsageError(f"the pattern /{source}/ is not a pattern: {answer['wrong']}", "as of Python's re")
    found: list[int] = answer["found"]
    return found


def _kill_meant(
    around: _Surroundings, meant: Sequence[_Seen], what: str, force: bool, grace: float | None
) -> ActionResult:
    if not meant:
        return ActionResult(False, "not_found", f"no process {what}")
    for seen in meant:
        if seen.owner is None and not force and not around.is_below_us(seen.stat.pid):
            message = f"{seen.found()} belongs to no project of this home: it is only ended with force"
            return ActionResult(False, "not_permitted", message)
    names = {seen.owner.service for seen in meant if seen.owner and _is_supervised(seen.owner, around.project)}
    results = [_stop_by_daemon(around.project, name, grace) for name in sorted(names)]
    direct = [seen.found() for seen in meant if seen.owner is None or seen.owner.service not in names]
    if direct:
        results.append(_end_found(direct, force, _GRACE if grace is None else grace))
    failed = next((result for result in results if not result.ok), None)
    processes = tuple(outcome for result in results for outcome in result.processes)
    return failed or dataclasses.replace(results[0], processes=processes)


def _is_supervised(owner: _Owner, project: _Project) -> bool:
    return owner.card is None and owner.is_live and owner.is_main and owner.project == project.name


def _stop_by_daemon(project: _Project, name: str, grace: float | None) -> ActionResult:
    actor = {"kind": "library", "user": _user_name(), "pid": os.getpid()}
    timeout = None if grace is None else round(grace * 1000)
    wish = {"project": {"folder": project.folder}, "services": [name], "timeout": timeout, "force": False}
    receipt = _ask_daemon(project, "stop", {**wish, "actor": actor}, _STOP_DEADLINE)["receipt"]
    left = {each["pid"]: each["why"] for each in receipt["survivors"]}
    processes = tuple(
        ProcessOutcome(each["pid"], each["command"], tuple(each["signals"]), left.get(each["pid"]))
        for service in receipt["services"]
        for each in service["processes"]
    )
    if receipt["status"] == "COMPLETE":
        return ActionResult(True, "done", f"{name} is stopped and stays so", processes)
    message = "; ".join(f"{each['command']} (pid {each['pid']}): {each['why']}" for each in receipt["survivors"])
    return ActionResult(False, "survived", message, processes)


# ---------------------------------------------------------------------------------------------------- a start, but once


@dataclass(frozen=True)
class StartResult:
    """Whether it was started. ``reason``: ``done``; ``already_running``, ``pid`` is that of the copy; ``failed``,
    ``message`` says why."""

    ok: bool
    reason: str
    pid: int | None
    message: str


def start_service_safe(
    command: Command,
    *,
    check_existing: bool = True,
    env: Mapping[str, str | None] | None = None,
    stdin: Any = subprocess.DEVNULL,
    stdout: Any = subprocess.DEVNULL,
    stderr: Any = subprocess.DEVNULL,
    home: Path | None = None,
    cwd: Path | None = None,
) -> StartResult:
    """Starts a command that outlives this program, unless a copy of it is already running.

    A copy runs the same program with the same arguments in the same folder as the same user, whatever started it (this
    library, the one for Node, a shim, a person).

    :param command: a text for ``/bin/sh -c``, or argv.
    :param check_existing: refuse a second copy.
    :param env: added to the environment of this program; None takes a name away.
    :param stdin: as ``subprocess.Popen`` takes it, like ``stdout`` and ``stderr``.
    :raises UsageError: for no command.
    :raises ReeveError: ``TIMED_OUT``, another start of the same hangs.
    """
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    words = command if isinstance(command, str) else " ".join(argv)
    if words.strip() == "":
        raise UsageError("there is no command to start", 'for example: start_service_safe(["python3", "web.py"])')
    folder = os.path.realpath(cwd or os.getcwd())
    environ = {**os.environ, **(env or {})}
    if _OWNER_MARK not in (env or {}):  # it is meant to continue, and is not a leftover of this program
        environ[_OWNER_MARK] = None
    options: Json = {"cwd": folder, "env": {name: value for name, value in environ.items() if value is not None}}
    streams = {"stdin": stdin, "stdout": stdout, "stderr": stderr}

    def launch() -> StartResult:
        try:
            child = subprocess.Popen(argv, start_new_session=True, **options, **streams)
        except OSError as error:
            return StartResult(False, "failed", None, f"cannot start {argv[0]}: {error.strerror}")
        threading.Thread(target=child.wait, name="reeve-reaper", daemon=True).start()
        return StartResult(True, "done", child.pid, f"started {words} (pid {child.pid})")

    if not check_existing:
        return launch()
    project = _find_project(home, cwd)
    key = hashlib.sha256(f"start\0{folder}\0{words}".encode()).hexdigest()[:12]
    record = os.path.join(project.run, f"start-{key}.json")
    turn = _take_turn(project, os.path.join(project.run, f"start-{key}.lock"), words)
    try:
        pid = _find_started(record) or _find_copy(words, folder) or _find_titled(project, words, folder)
        if pid is not None:
            return StartResult(False, "already_running", pid, f"{words} is already running (pid {pid})")
        result = launch()
        if result.pid is not None:
            _remember(record, result.pid)
        return result
    finally:
        turn.release()


def _take_turn(project: _Project, path: str, words: str) -> _Lock:
    """Two that start the same at the same moment wait for each other."""
    _prepare_home(project)
    end = time.monotonic() + _TURN
    while True:
        lock = _Lock.attempt(path)
        if lock is not None:
            return lock
        if time.monotonic() > end:
            raise ReeveError(f'another start of "{words}" does not end', "try again", "TIMED_OUT")
        time.sleep(_LOCK_PAUSE)


def _find_started(record: str) -> int | None:
    """What an earlier call has started, whatever a shim (pyenv, nvm, uv, env) has made of its command line since."""
    try:
        identity = _identity_in(json.loads(_read_own(record, _CARD_BYTES) or "null"))
    except (ValueError, RecursionError):
        return None  # it cannot be read: the processes tell
    return identity.pid if identity is not None and identity.is_alive else None


def _remember(record: str, pid: int) -> None:
    identity = _identify(pid)
    if identity is None:
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    # A full disk: the command line must do.
    with contextlib.suppress(OSError), open(os.open(record, flags, 0o600), "w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(identity), file)


def _find_copy(words: str, folder: str) -> int | None:
    """The oldest process that runs this in this folder; its own quotes are gone from a command line."""
    wanted, me, uid = _what_runs(_plain(words), folder), os.getpid(), os.geteuid()
    copies = [
        seen
        for seen in _scan()
        if seen.pid != me
        and _uid_of(seen.pid) == uid
        and _what_runs(_plain(_command_of(seen)), folder) == wanted
        and _link(f"/proc/{seen.pid}/cwd") == folder
    ]
    return min(copies, key=lambda seen: seen.start).pid if copies else None


def _find_titled(project: _Project, words: str, folder: str) -> int | None:
    """One that has given itself a title has no command line any more: its card still tells what it was started as."""
    wanted = _what_runs(_plain(words), folder)
    for card in _list_cards(project.run):
        argv = [word for word in card["argv"] if isinstance(word, str)]
        if card["cwd"] == folder and _liveness(card) == "live" and _what_runs(argv, folder) == wanted:
            return int(card["pid"])
    return None


def _what_runs(words: Sequence[str], folder: str) -> list[str]:
    """Not how it was called: programs by their name without a version, files by their path, no ``env``, no shell."""
    program, *rest = _called(words) or [""]
    paths = [os.path.normpath(os.path.join(folder, word)) for word in rest]
    files = [path if os.path.exists(path) else word for path, word in zip(paths, rest)]
    return [re.sub(r"(?<=[a-z])-?[0-9.]+$", "", os.path.basename(program)), *files]


def _called(words: Sequence[str]) -> Sequence[str]:
    """Without what only leads to the program: ``sh -c``, ``env NAME=value``."""
    first = os.path.basename(words[0]) if words else ""
    if first == "sh" and words[1:2] == ["-c"]:
        return _called(words[2:])
    if first != "env":
        return words
    rest = list(itertools.dropwhile(re.compile(r"[A-Za-z_]\w*=").match, words[1:]))
    return words if not rest or rest[0].startswith("-") else _called(rest)


def _plain(words: str) -> list[str]:
    return re.sub(r"[\"'\\]", "", words).split()


# ------------------------------------------------------------------------------------------------------ process manager


class _Handler(_Member):
    """Something that is run at the end of the program, or when its handlers are called for."""

    _signals = ()

    def __init__(self, handler: _Stop) -> None:
        super().__init__()
        self.handler = handler

    def _end(self, reason: _Reason, deadline: float) -> None:
        self._outcomes.append(_run_stop(self.handler, deadline))


class _SingleName(_Member):
    """The name of a program that is not a service. The program keeps its own way to end: only where it is asked to shut
    down SIGTERM is needed, to interrupt the main thread."""

    _signals = (signal.SIGTERM,)

    def __init__(self, place: _Place, on_second_instance: Callable[[list[str], str], object] | None) -> None:
        super().__init__()
        second = None if on_second_instance is None else _settled(on_second_instance)
        self._presence = _open_presence(place, "service", None, "", _calls_of(lambda: None, lambda: second))
        _hold_name(self, place)
        if self._presence is not None:
            self._presence.update({"state": "running", "ready": True})
        _program.add(self)

    def release(self) -> None:
        if self._pid == os.getpid():
            self._left.set()
            self._stop(_Reason("request"))


@dataclass(frozen=True)
class SingleInstance:
    """Whether the name was taken: ``reason`` ``done``, or ``already_running``. ``pid``: of the one that runs; None: it
    could not be read. ``handed_over``: it took our command line: end politely."""

    ok: bool
    reason: str
    pid: int | None
    message: str
    handed_over: bool = False


@dataclass(frozen=True)
class ManagedPort:
    """A port that was registered with :meth:`ProcessManager.register_managed_port`."""

    port: int
    name: str
    in_use: bool


@dataclass(frozen=True)
class ProcessStatus:
    """This program as its process manager sees it. ``is_running``: False from the moment at which its end has begun.
    ``name``: the one that it holds; None: none. ``shutdown_handlers``: how many are still to be run."""

    is_running: bool
    name: str | None
    pid: int
    start_time: datetime
    managed_ports: tuple[ManagedPort, ...]
    shutdown_handlers: int


class ProcessManager:
    """The process manager of this program, with no daemon at all. One a program: :func:`get_process_manager`. Actions
    return a result with ``ok`` and ``reason``; they raise only for what is wrong in the call itself. Times are seconds.

    In a program with an event loop, call what waits by ``await asyncio.to_thread(…)``.
    """

    is_port_in_use = staticmethod(is_port_in_use)
    find_process_by_port = staticmethod(find_process_by_port)
    kill_process_on_port = staticmethod(kill_process_on_port)
    kill_process_by_id = staticmethod(kill_process_by_id)

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._ports: dict[int, str] = {}
        self._single: _SingleName | None = None
        self._guard = threading.Lock()
        #: Handlers are being run: a caller that asks for them meanwhile gets the same outcomes.
        self._running: tuple[threading.Event, list[HandlerOutcome]] | None = None

    def enforce_single_instance(
        self,
        name: str,
        *,
        on_second_instance: Callable[[list[str], str], object] | None = None,
        home: Path | None = None,
        cwd: Path | None = None,
    ) -> SingleInstance:
        """Takes a name by a lock of the system, which the kernel frees when this program ends, however it ends. The
        second learns the pid of the first and hands its command line over, if the first wants it. A
        :class:`ManagedService` of this program holds its name already.

        :param on_second_instance: ``handler(argv, cwd)`` of another copy that was started, in a thread of its own.
        :raises UsageError: for a name that is not kebab-case.
        :raises HomeUnsafe: when another user could write where reeve's files lie.
        """
        _check_service_name(name)
        place = _find_place(name, home, cwd)
        if _program.held is None or _program.held.place.id != place.id:
            try:
                single = _SingleName(place, on_second_instance)
            except AlreadyRunning as error:
                return SingleInstance(False, "already_running", error.pid, str(error), error.handed_over)
            if self._single is not None:
                self._single.release()
            self._single = single
            self._tell_ports()
        return SingleInstance(True, "done", os.getpid(), f"{name} is held by this program (pid {os.getpid()})")

    def register_managed_port(self, port: int, name: str) -> None:
        """Counts a port as this program's; shown by :meth:`get_process_status`, and to every caller that asks.

        :raises UsageError: for an invalid port.
        """
        _check_port(port)
        self._ports[port] = name
        self._tell_ports()

    def ensure_port_available(
        self,
        port: int,
        *,
        max_retries: int = 3,
        protocol: str | None = None,
        force: bool = False,
        grace: float = _GRACE,
    ) -> ActionResult:
        """Makes sure that nothing is listening on a port. What is ours (below this program, or left by an earlier start
        of the same name) is ended; anything else only with ``force``, else it is looked again ``max_retries`` times, a
        little later each time, and then ``not_permitted`` names the owner.

        :param grace: seconds from SIGTERM to SIGKILL.
        :raises UsageError: for an invalid port.
        """
        for attempt in itertools.count():
            if not is_port_in_use(port, protocol=protocol):
                return ActionResult(True, "done", f"nothing is listening on port {port}")
            holders = find_processes_by_port(port, protocol=protocol)
            if any(holder.pid == os.getpid() for holder in holders):
                return ActionResult(False, "protected", f"port {port} is held by this program")
            stranger = next((holder for holder in holders if not _is_ours(holder.pid)), None)
            if holders and (force or stranger is None):
                result = kill_process_on_port(port, protocol=protocol, force=force, grace=grace)
                if result.ok or result.reason != "gone":
                    return result
            elif attempt >= max_retries:
                owner = "a process that we may not look at" if stranger is None else stranger
                message = f"port {port} is held by {owner}; it is not ours, so it is only ended with force"
                return ActionResult(False, "not_permitted", message)
            if attempt >= max_retries:
                break
            time.sleep(_RETRY * 2**attempt)
        return ActionResult(False, "survived", f"port {port} is taken again and again")

    def cleanup_on_startup(self, *, force: bool = False, grace: float = _GRACE) -> ActionResult:
        """Ends what earlier starts of this name (of the single instance, or of the :class:`ManagedService` of this
        program) have left behind: processes that carry its mark in their environment, whatever they and their parents
        did meanwhile, and are not of this start. ``not_found``: nothing was left; also ``ok``.

        :param grace: seconds from SIGTERM to SIGKILL.
        """
        held = _program.held
        if held is None:
            message = "no name is held: call enforce_single_instance first"
            return ActionResult(True, "not_found", message)
        left = _leftovers_of(held)
        if not left:
            return ActionResult(True, "not_found", "nothing was left behind")
        return _end_found(left, force, grace)

    def add_shutdown_handler(self, handler: _F, *, name: str | None = None, timeout: float = _HANDLER_TIMEOUT) -> _F:
        """Runs ``handler()``, which may be ``async def``, at the end: the newest first, each on its own, in a thread of
        its own and for at most ``timeout`` seconds, once. Returns ``handler``, so it can be a decorator. The end comes
        with :meth:`register_shutdown_handlers`, or with that of a :class:`ManagedService` of this program."""
        _program.add(_Handler(_stop_of(handler, name, timeout)))
        return handler

    def remove_shutdown_handler(self, handler: Callable[..., object]) -> None:
        """Takes a handler back."""
        for each in _program.handlers:
            if each.handler.given == handler:
                _program.remove(each)

    def execute_shutdown_handlers(self) -> list[HandlerOutcome]:
        """Runs the handlers now. The program continues and keeps its names; what has been run is not run again. A call
        while they run gets the same outcomes. Raises nothing."""
        with self._guard:
            is_first = self._running is None
            over, outcomes = self._running = self._running or (threading.Event(), [])
        if not is_first:
            with _waiting_here():
                over.wait()
            return list(outcomes)
        try:
            while _program.handlers:
                newest = _program.handlers[-1]
                newest._stop(_Reason("request"))
                outcomes += newest._outcomes
        finally:
            with self._guard:
                self._running = None
            over.set()
        return list(outcomes)

    def register_shutdown_handlers(self) -> Callable[[], None]:
        """From now on they are run at SIGTERM, SIGINT and SIGHUP, an uncaught error, and the normal end. Then
        the program ends: by a signal with exit code 0, or 1 when a handler failed. A signal that the program handles
        itself is left to it. Returns what takes that back.

        :raises UsageError: outside the main thread: Python takes signals only there.
        """
        if threading.current_thread() is not threading.main_thread():
            message = "register_shutdown_handlers takes signals, which Python does in the main thread only"
            raise UsageError(message, "call it there")
        _program.register(True)
        return lambda: _program.register(False)

    def get_process_status(self) -> ProcessStatus:
        """What this program is now: its name, start, managed ports and how many shutdown handlers it has."""
        held = _program.held
        ports = tuple(ManagedPort(port, name, _is_listened_on(port)) for port, name in self._ports.items())
        name = None if held is None else held.place.service
        return ProcessStatus(not _program.is_ending, name, os.getpid(), _started_at(), ports, len(_program.handlers))

    def log_error(self, error: object, context: str) -> None:
        """One error on stderr, with its time, where it happened and its traceback."""
        text = str(error)
        if isinstance(error, BaseException):
            text = "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()
        held = _program.held
        _print(f"{_now()} {'reeve' if held is None else held.place.service}: {context}: {text}")

    def _reset(self) -> None:
        _program.register(False)
        for handler in _program.handlers:
            _program.remove(handler)
        self._ports = {}
        single, self._single = self._single, None
        if single is not None:
            single.release()

    def _tell_ports(self) -> None:
        presence = None if _program.held is None else _program.held.member._presence
        if presence is not None and self._ports:
            ports = [*_ports_of(presence.card["ports"]), *(Port(port, name) for port, name in self._ports.items())]
            presence.update({"ports": [each._json() for each in _unite_ports(ports)]})


_manager: ProcessManager | None = None


def get_process_manager() -> ProcessManager:
    """The process manager of this program; a child that was forked has one of its own."""
    global _manager
    if _manager is None or _manager._pid != os.getpid():
        _manager = ProcessManager()
    return _manager


def reset_process_manager() -> None:
    """Gives back its name and forgets ports and shutdown handlers of the whole program; the next
    :func:`get_process_manager` is a new one. For tests, mostly."""
    global _manager
    manager, _manager = _manager, None
    if manager is not None and manager._pid == os.getpid():
        manager._reset()


def _is_ours(pid: int) -> bool:
    """Below this program, or started by an earlier start of its name."""
    held = _program.held
    is_marked = held is not None and _environ_of(pid).get(_OWNER_MARK, "").startswith(f"{held.place.id}:")
    return is_marked or os.getpid() in _lineage(pid, _scan()) - {pid}


def _leftovers_of(held: _Held) -> list[FoundProcess]:
    """Not among them: a daemon of reeve and what it supervises, and other services that hold a name of their own, with
    what is below."""
    live = _scan()
    cards = [card for card in _list_cards(held.place.project.run) if card["id"] != held.place.id]
    others = {card["pid"] for card in cards if _liveness(card) == "live"}
    spared = _lineage(os.getpid(), live) | others
    spared |= {seen.pid for seen in _kin([(seen.pid, seen.start) for seen in live if seen.pid in others], live)}
    found = []
    for seen in live:
        environ = _environ_of(seen.pid) if seen.pid not in spared else {}
        mark = environ.get(_OWNER_MARK, "")
        is_left = mark.startswith(f"{held.place.id}:") and mark != held.mark
        if is_left and _DAEMON_MARK not in environ and "REEVE_RUN" not in environ:
            process = _look_up(seen.pid)
            found += [] if process is None else [process]
    return found


def _started_at() -> datetime:
    """When this process was started; where the system does not tell, when this library was loaded."""
    seen = _read_stat(os.getpid())
    uptime = _read_text("/proc/uptime").split()
    if seen is None or not uptime:
        return _LOADED
    age = float(uptime[0]) - (seen.start + _boot_offset()) / _TICKS
    return datetime.fromtimestamp(time.time() - age, timezone.utc)


_LOADED = datetime.now(timezone.utc)
