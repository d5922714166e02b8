"""The tournament's JSON API: players, matches and standings. Python 3.9 or newer, nothing to install."""

import json
import os
import re
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from postgres import Connection, DatabaseError

DATABASE = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5543/postgres")
PORT = int(os.environ.get("PORT", "8082"))
# The embedded database takes 20 connections; leave most of them to the others.
turns = threading.BoundedSemaphore(8)


# What the tables refuse, by SQLSTATE.
REFUSALS = {
    "23505": (409, "there is one of that name already"),
    "23503": (409, "there is no such player"),
    "22021": (400, "that text cannot be stored"),
}


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def query(sql, *parameters):
    with turns, Connection(DATABASE) as db:
        return db.query(sql, parameters)


def health(_):
    query("select 1")
    return 200, {"status": "ok"}


def list_players(_):
    return 200, {"players": query("select id, name from players order by name")}


def add_player(body):
    name = str(body.get("name", "")).strip()
    if not 1 <= len(name) <= 60:
        raise Refused(400, "a player needs a name of 1 to 60 characters")
    return 201, query("insert into players (name) values ($1) returning id, name", name)[0]


def list_matches(_):
    return 200, {
        "matches": query(
            "select m.id, h.name as home, a.name as away, m.home_score, m.away_score from matches m"
            " join players h on h.id = m.home join players a on a.id = m.away order by m.id desc"
        )
    }


def add_match(body):
    home, away = number(body, "home"), number(body, "away")
    if home == away:
        raise Refused(400, "a player cannot play against themselves")
    return 201, query("insert into matches (home, away) values ($1, $2) returning id", home, away)[0]


def set_result(body, match):
    scores = number(body, "home_score"), number(body, "away_score")
    rows = query("update matches set home_score = $1, away_score = $2 where id = $3 returning id", *scores, match)
    if not rows:
        raise Refused(404, f"there is no match {match}")
    return 200, rows[0]


def list_standings(_):
    return 200, {
        "standings": query("select s.*, p.name from standings s join players p on p.id = s.player order by rank, name")
    }


def number(body, name):
    found = body.get(name)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**31:
        raise Refused(400, f"{name} must be a whole number, 0 or more")
    return found


ROUTES = [
    ("GET", r"/healthz", health),
    ("GET", r"/players", list_players),
    ("POST", r"/players", add_player),
    ("GET", r"/matches", list_matches),
    ("POST", r"/matches", add_match),
    ("PUT", r"/matches/(\d{1,9})/result", set_result),
    ("GET", r"/standings", list_standings),
]


class Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds for a slow client

    def answer(self):
        try:
            status, result = self.route()
        except Refused as refusal:
            status, result = refusal.status, {"error": str(refusal)}
        except DatabaseError as error:
            status, message = REFUSALS.get(error.code, (500, str(error)))
            result = {"error": message}
        except OSError as error:
            status, result = 503, {"error": f"no database: {error}"}
        data = json.dumps(result).encode() + b"\n"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = answer

    def route(self):
        for method, pattern, run in ROUTES:
            match = re.fullmatch(pattern, self.path)
            if match and method == self.command:
                return run(self.body(), *match.groups())
        raise Refused(404, f"no such thing: {self.command} {self.path}")

    def body(self):
        try:
            length = int(self.headers.get("content-length") or 0)
            if not 0 <= length <= 10_000:
                raise Refused(413, "that is too much")
            body = json.loads(self.rfile.read(length) or b"{}")
        except (ValueError, RecursionError):
            raise Refused(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "the body must be a JSON object")
        return body

    def log_request(self, code="-", size="-"):
        # The page asks for everything every two seconds: only changes and refusals are news.
        if self.command != "GET" or int(code) >= 400:
            log("info", f"{self.command} {self.path}", status=int(code))

    def log_message(self, format, *args):
        log("error", format % args)


def log(level, message, **facts):
    pairs = [f"{name}={fact}" for name, fact in facts.items()]
    print(level, message, *pairs, file=sys.stderr if level == "error" else sys.stdout)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for requests that are being answered


def main():
    server = Server(("127.0.0.1", PORT), Handler)

    def stop(number, _):
        log("info", "stopping", signal=signal.Signals(number).name)
        # shutdown() waits for the loop that this handler interrupts: it needs a thread of its own.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log("info", "listening", port=PORT)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    log("info", "stopped cleanly")


main()
