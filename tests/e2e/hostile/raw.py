# SPDX-License-Identifier: Apache-2.0
"""Raw bytes on a socket: what comes back, what was executed, what changed.

A row sends bytes of which a second request may be cut out by a reader that sees other borders than ours. That request
revokes a token, so that it would show twice: in what the lists show, and as a line of the request log.
"""
import json
import re
import select
import socket
import struct
import time

from rows import LEAKS
from wire import PATIENCE, PIECE

QUIET_SECONDS = 0.04  # how long nothing must come before a connection counts as kept
LISTEN_SECONDS = 5    # a connection that lives longer than this behind a refusal is kept; a sanitizer on a busy machine needs some of it
WAITS_SECONDS = 0.3   # how long a request without its end must stay without an answer
REPLY_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) [ -~]*\Z")
FIELD_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t -~]*\Z")
OLD = 9  # stands for an answer without a status line: HTTP/0.9
HALF, RESET, READ = object(), object(), object()  # between the pieces: no more will be sent; gone with a reset; an answer must come first


class Talk:
    """One connection: pieces are bytes, seconds to wait, or one of HALF, RESET, READ."""

    def __init__(self, port, wrap=None):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap:
            self.sock = wrap(self.sock)
        self.data, self.ended = b"", False

    def say(self, pieces):
        for piece in [pieces] if isinstance(pieces, bytes) else pieces:
            try:
                if isinstance(piece, bytes):
                    self.push(piece)
                elif piece is HALF:
                    self.sock.shutdown(socket.SHUT_WR)
                elif piece is RESET:
                    self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.ended = True
                    return
                elif piece is READ:
                    self.take(PATIENCE)
                else:
                    self.take(piece)
            except OSError:  # the other side was faster
                self.take(0)
                return

    def push(self, piece):
        for at in range(0, len(piece), PIECE):
            self.sock.sendall(piece[at:at + PIECE])

    def take(self, seconds):
        """Whatever comes within so many seconds, once; b"" when nothing did."""
        if self.ended or not select.select([self.sock], [], [], seconds)[0]:
            return b""
        try:
            more = self.sock.recv(1 << 20)
        except ConnectionResetError:
            more = b""
        self.ended = not more
        self.data += more
        return more

    def listen(self, want, ends):
        """Until so many replies are there and, where that is promised, the end."""
        limit = time.monotonic() + LISTEN_SECONDS
        while not self.ended and time.monotonic() < limit:
            done = len(split(self.data)[0]) >= want
            if not self.take(QUIET_SECONDS if done and not ends else 1) and done and not ends:
                return

    def close(self):
        self.sock.close()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return "%s %s" % (self.status, self.body[:200])


def split(data):
    """The replies in a stream of bytes, and what is left of it."""
    out = []
    while data:
        if not data.startswith(b"HTTP/1."[:len(data)]):
            return out + [Answer(OLD, {}, data)], b""
        head, gap, rest = data.partition(b"\r\n\r\n")
        if not gap:
            return out, data
        lines = head.split(b"\r\n")
        first = REPLY_LINE.match(lines[0])
        if not first or not all(FIELD_LINE.match(line) for line in lines[1:]):
            raise AssertionError("no reply of HTTP: %r" % head[:300])
        headers = {line.partition(b":")[0].decode().lower(): line.partition(b":")[2].strip().decode() for line in lines[1:]}
        status = int(first.group(1))
        size = 0 if status < 200 or status in (204, 304) else int(headers.get("content-length", -1))
        if size < 0 and headers.get("transfer-encoding") == "chunked":
            body, size = unchunk(rest)
        elif size < 0:
            body, size = rest, len(rest)  # until the end
        else:
            body = rest[:size]
        if size is None or len(rest) < size:
            return out, data
        if status != 100:  # an invitation is no answer
            out.append(Answer(status, headers, body))
        data = rest[size:]
    return out, b""


def unchunk(rest):
    body, at = b"", 0
    while True:
        end = rest.find(b"\r\n", at)
        if end < 0:
            return body, None
        size = int(rest[at:end], 16)
        body += rest[end + 2:end + 2 + size]
        at = end + 4 + size
        if len(rest) < at:
            return body, None
        if size == 0:
            return body, at


class Watch:
    """What was executed, by the request log, and what changed, by the lists."""
    KINDS = ("datasets", "jobs", "models", "tokens")

    def __init__(self, house):
        self.house, self.turn, self.seen = house, 0, 0
        self.executed()
        self.before = self.shown()

    def shown(self):
        self.turn += 1
        more = [("X-Request-Id", "watch-%d" % self.turn)]
        out = {}
        for kind in self.KINDS:
            items = self.house.must("GET", "/v1/%s?limit=1000" % kind, more=more)["data"]
            for item in items:
                item.pop("last_used_at", None)
                item.pop("model_version_status", None)
            out[kind] = items
        return out

    def lines(self):
        """The requests of others since the last call, as the log tells of them."""
        self.turn += 1
        mark = "watch-%d" % self.turn
        self.house.must("GET", "/v1/tokens?limit=1", more=[("X-Request-Id", mark)])
        limit, out = time.monotonic() + PATIENCE, []
        while time.monotonic() < limit:
            while self.seen < len(self.house.log):
                line, self.seen = self.house.log[self.seen], self.seen + 1
                if not line.startswith("{"):
                    continue
                entry = json.loads(line)
                if entry.get("client_request_id") == mark:
                    return out
                is_sip = entry["route"] == "/openapi.json"  # of drip.py's slow reader, whose lines come when it gets to them
                if not is_sip and not entry.get("client_request_id", "").startswith("watch-"):
                    out.append(entry)
            time.sleep(0.001)
        raise AssertionError("the log does not tell of %s" % mark)

    def executed(self, least=0):
        """Method, route and status of what succeeded. The log may come a little late."""
        out, limit = [], time.monotonic() + LISTEN_SECONDS
        while True:
            out += [(e["method"], e["route"], e["status"]) for e in self.lines() if 200 <= e["status"] < 400]
            if len(out) >= least or time.monotonic() > limit:
                return out

    def unchanged(self):
        before, self.before = self.before, self.shown()  # what one row did is not the next one's fault
        for kind in self.KINDS:
            if self.before[kind] != before[kind]:
                raise AssertionError("%s changed: %s" % (kind, [x for x in self.before[kind] if x not in before[kind]] or "one is gone"))


class Raw:
    """expect: the statuses that come back, in order, or a tuple of such lists. ends: the server closes after them (None: it may)."""
    group, code, path = "raw", None, None

    def __init__(self, name, pieces, expect, ends=True, nginx=None, waits=False, executes=None):
        """nginx: what comes back through it, where that is not a refusal. waits: no answer yet, the request has no end.
        executes: how many requests succeed, where that is not told by the statuses (nobody was there to read them); any: never mind."""
        self.name, self.pieces, self.ends, self.waits, self.executes = name, pieces, ends, waits, executes
        self.parts = isinstance(pieces, list) and RESET in pieces or "half-closed at" in name  # and sees no answer
        self.expect = expect if isinstance(expect, tuple) else (expect,)
        self.nginx = nginx if nginx is None or isinstance(nginx, tuple) else (nginx,)

    def __str__(self):
        expect = " or ".join(str(one) for one in self.expect)
        return "raw: %s -> %s" % (re.sub(r"[^ -~]|#", "?", self.name)[:90], expect)

    def send(self, house, port=None, expect=None, ends=None):
        expect = expect or self.expect
        talk = Talk(port or house.port)
        try:
            talk.say(self.pieces)
            if self.waits:
                talk.take(WAITS_SECONDS)
            else:
                talk.listen(min(len(one) for one in expect), self.ends if ends is None else ends)
            return split(talk.data), talk.ended
        finally:
            talk.close()

    def judge(self, house, answers, expect):
        """The requests that succeeded are those that were answered so; the statuses; nothing is told that must not be."""
        (replies, _), _ = answers
        self.check_executed(house, self.executes if self.executes is not None else sum(200 <= reply.status < 400 for reply in replies))
        self.check_statuses(answers, expect)

    @staticmethod
    def check_statuses(answers, expect):
        (replies, rest), _ = answers
        statuses = [reply.status for reply in replies]
        if not any(statuses == one for one in expect) or rest:
            raise AssertionError("%s came back: %r %r" % (statuses, replies, rest[:100]))
        for reply in replies:
            if reply.status >= 400 and LEAKS.search(reply.body):
                raise AssertionError("tells what it must not: %r" % reply)

    @staticmethod
    def check_executed(house, count):
        executed = house.watch.executed(0 if count is any else count)
        house.watch.unchanged()
        if (count is not any and len(executed) != count) or any(method == "DELETE" for method, _, _ in executed):
            raise AssertionError("%s requests were to be executed, these were: %s" % (count, executed))

    def run(self, house):
        answers = self.send(house)
        self.judge(house, answers, self.expect)
        if self.ends and not self.waits and not answers[1]:
            raise AssertionError("the connection was kept")
