# SPDX-License-Identifier: Apache-2.0
"""A row of the table: what is sent, and the status, code and path that must come back."""
import re
import time

ROW_SECONDS = 20  # the slowest may take under a sanitizer
LEAKS = re.compile(rb"0x[0-9a-f]{6}|/tmp/|/usr/|/proc/|/root|\.[ch]:\d|licit_[0-9A-Za-z]{20}|sqlite|errno|line=\d", re.IGNORECASE)


class Row:
    def __init__(self, group, name, send, status, code=None, path=None, also=None):
        """send(house) gives the reply; also(house, reply) looks at what only this row promises."""
        self.group, self.name, self.send = group, name, send
        self.status, self.code, self.path, self.also = status, code, path, also

    def __str__(self):
        # One printable line, whatever the input holds.
        name = re.sub(r"[^ -~]|#", "?", self.name)[:90]
        return "%s: %s -> %s %s %s" % (self.group, name, self.status, self.code or "", self.path or "")

    def run(self, house):
        begin = time.monotonic()
        reply = self.send(house)
        took = time.monotonic() - begin
        if reply.status != self.status:
            raise AssertionError("status %s expected: %r" % (self.status, reply))
        if self.status >= 400:
            self.check_error(reply)
        check_leaks(house, reply)
        if self.also:
            self.also(house, reply)
        if took > ROW_SECONDS:
            raise AssertionError("took %.1f s" % took)

    def check_error(self, reply):
        problem = reply.json
        if not isinstance(problem, dict):
            raise AssertionError("the error is no JSON object: %r" % reply)
        if "code" not in problem:  # the protocols that have an "error" text alone
            begin = self.path + ": " if self.path else ""
            if set(problem) != {"error"} or not problem["error"].startswith(begin):
                raise AssertionError("path %s expected: %r" % (self.path, reply))
            return
        if self.code and problem["code"] != self.code:
            raise AssertionError("code %s expected: %r" % (self.code, reply))
        if problem.get("path") != self.path:
            raise AssertionError("path %s expected: %r" % (self.path, reply))
        check_problem(reply)


def check_problem(reply):
    """RFC 9457, and ours."""
    problem = reply.json
    same = (problem["status"] == reply.status and problem["type"] == "urn:licit:error:" + problem["code"] and
            problem["request_id"] == reply.header("X-Request-Id") and problem["title"] and problem["detail"])
    if not same or reply.header("Content-Type") != "application/problem+json":
        raise AssertionError("not a problem document: %r" % reply)
    if reply.status == 405 and not reply.header("Allow"):
        raise AssertionError("405 without Allow")
    if reply.status == 401 and not reply.header("WWW-Authenticate"):
        raise AssertionError("401 without WWW-Authenticate")


def check_leaks(house, reply):
    text = str(reply.headers).encode("utf-8", "replace") + reply.body
    found = LEAKS.search(text) if reply.status >= 400 else None
    if found or house.state.encode() in text or (reply.status >= 400 and house.token.encode() in text):
        raise AssertionError("tells what it must not: %r" % reply)
