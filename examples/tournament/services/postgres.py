"""Just enough of PostgreSQL's protocol (version 3) to run one query with parameters, in plain Python."""

import socket
import struct
from urllib.parse import urlparse

INTEGERS = {20, 21, 23}  # type ids of int8, int2, int4; everything else stays text


class DatabaseError(Exception):
    """The database refused a query; `code` is its SQLSTATE, such as 23505 for a duplicate."""

    def __init__(self, fields):
        super().__init__(fields.get("M", "unknown error"))
        self.code = fields.get("C", "")


class Connection:
    """`with Connection(url) as db: db.query("select $1::int", [1])`"""

    def __init__(self, url, timeout=5):
        place = urlparse(url)
        self.socket = socket.create_connection((place.hostname, place.port), timeout)
        self.stream = self.socket.makefile("rb")
        pairs = ["user", place.username or "postgres", "database", place.path.lstrip("/") or "postgres"]
        body = struct.pack("!i", 196608) + b"".join(text(each) for each in pairs) + b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
        self._until_ready()

    def query(self, sql, parameters=()):
        """Runs one statement; returns its rows as dictionaries."""
        values = b"".join(value(each) for each in parameters)
        bind = b"\0\0" + struct.pack("!hh", 0, len(parameters)) + values + struct.pack("!h", 0)
        # One packet: the database takes turns between connections, and a whole request stays together.
        self.socket.sendall(
            message(b"P", b"\0" + text(sql) + struct.pack("!h", 0))
            + message(b"B", bind)
            + message(b"D", b"P\0")
            + message(b"E", b"\0" + struct.pack("!i", 0))
            + message(b"S", b"")
        )
        return self._until_ready()

    def _until_ready(self):
        """Reads answers until the database waits for the next request."""
        columns, rows, error = [], [], None
        while True:
            kind, length = struct.unpack("!ci", self._read(5))
            body = self._read(length - 4)
            if kind == b"T":
                columns = row_description(body)
            elif kind == b"D":
                rows.append(data_row(body, columns))
            elif kind == b"E":
                error = DatabaseError({each[:1].decode(): each[1:].decode() for each in body.split(b"\0") if each})
            elif kind == b"R" and struct.unpack("!i", body[:4])[0] != 0:
                raise DatabaseError({"M": "the database asks for a password, which this client cannot give"})
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    def _read(self, size):
        data = self.stream.read(size)
        if len(data) < size:
            raise ConnectionError("the database closed the connection")
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.socket.sendall(message(b"X", b""))
        except OSError:
            pass  # it is gone already, which is all that was wanted
        self.stream.close()
        self.socket.close()


def text(string):
    return string.encode() + b"\0"


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def value(parameter):
    if parameter is None:
        return struct.pack("!i", -1)
    data = str(parameter).encode()
    return struct.pack("!i", len(data)) + data


def row_description(body):
    count, at, columns = struct.unpack("!h", body[:2])[0], 2, []
    for _ in range(count):
        end = body.index(b"\0", at)
        type_id = struct.unpack("!i", body[end + 7 : end + 11])[0]
        columns.append((body[at:end].decode(), type_id))
        at = end + 19
    return columns


def data_row(body, columns):
    at, row = 2, {}
    for name, type_id in columns:
        size = struct.unpack("!i", body[at : at + 4])[0]
        at += 4
        if size < 0:
            row[name] = None
            continue
        data = body[at : at + size].decode()
        row[name] = int(data) if type_id in INTEGERS else data
        at += size
    return row
