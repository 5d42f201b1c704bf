# SPDX-License-Identifier: Apache-2.0
"""Limits of tokens and of who has none, against the real daemon: codes, headers, crashes, children. Prints TAP."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Daemon, Done

LICITD, LICIT, ROOT = (os.path.abspath(path) for path in sys.argv[1:4])
TABLE = os.path.join(ROOT, "tests", "data", "iris.csv")
ROW = [5.1, 3.5, 1.4, 0.2]
BITS = 3 * 32  # three classes, a float each
SECONDS = 60

# RFC 9651 as far as these fields need it: a list of strings with parameters that are integers or strings.
ITEM = re.compile(r'"([a-z]+)"((?:;[a-z]+=(?:[0-9]{1,15}|"[a-z-]+"))*)')
PARAMETER = re.compile(r';([a-z]+)=(?:([0-9]+)|"([a-z-]+)")')


def check(condition, about):
    if not condition:
        raise AssertionError(about)


def fields(text):
    """A list of items as a dictionary of dictionaries; what is no structured field is an error."""
    found = {}
    for part in text.split(", "):
        item = ITEM.fullmatch(part)
        check(item is not None and item.group(1) not in found, "no structured field: %r" % text)
        found[item.group(1)] = {key: int(number) if number else word for key, number, word in PARAMETER.findall(item.group(2))}
    return found


class Reply:
    def __init__(self, reply):
        self.status, self.headers, self.text = reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read().decode()
        self.json = json.loads(self.text) if self.text[:1] in "{[" else None

    def __repr__(self):
        return "%d %r %s" % (self.status, self.headers, self.text[:500])

    def left(self, name):
        return fields(self.headers["ratelimit"])[name]["r"]


class Story:
    def __init__(self, folder):
        self.daemon = Daemon(LICITD, LICIT, os.path.join(folder, "state"), "--plain", "--set", "limits.anonymous=0")

    def ask(self, method, path, token=None, body=None, source="127.0.0.1", headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=SECONDS, source_address=(source, 0))
        sent = dict(headers)
        if token is not None:
            sent["Authorization"] = "Bearer " + token
        if isinstance(body, dict):
            sent["Content-Type"], body = "application/json", json.dumps(body)
        connection.request(method, path, body, sent)
        reply = Reply(connection.getresponse())
        connection.close()
        return reply

    def licit(self, *words):
        env = self.daemon.environment()
        env.pop("LICIT_CACERT")
        done = subprocess.run([LICIT, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, env=env)
        return Done(done.returncode, done.stdout, done.stderr)

    def make(self, limits=None, creator=None, uses=None):
        body = {"name": "t", "scopes": ["model:read", "model:predict", "dataset:write", "token:write"], "expires_in": 3600}
        body.update({"limits": limits} if limits else {}, **({"uses": uses} if uses else {}))
        reply = self.ask("POST", "/v1/tokens", creator or self.daemon.token, body)
        check(reply.status == 201, reply)
        check(reply.json.get("limits") == limits and reply.json.get("uses") == uses, reply)
        return reply.json["token"]

    def predict(self, token, rows):
        return self.ask("POST", "/v1/models/iris:predict", token, {"instances": [ROW] * rows})

    def test_first_a_model(self):
        self.daemon.start()
        done = self.licit("dataset", "add", TABLE, "--licence", "CC-BY-4.0", "--purpose", "research", "--json")
        check(done.status == 0, done)
        done = self.licit("job", "submit", "--model", "iris", "--dataset", done.json()["id"], "--target", "species", "--layers",
                                 "4:relu,3:softmax", "--epochs", "1", "--label", "production", "--json")
        check(done.status == 0, done)
        check(self.licit("job", "watch", done.json()["id"]).status == 0, done)
        reply = self.predict(self.daemon.token, 2)
        check(reply.status == 200 and len(reply.json["predictions"]) == 2, reply)
        check("ratelimit" not in reply.headers and "ratelimit-policy" not in reply.headers, reply)

    def test_rate_and_its_burst(self):
        token = self.make({"requests_per_second": 5})
        start = time.monotonic()
        replies = [self.ask("GET", "/v1/models", token) for _ in range(30)]
        seconds = time.monotonic() - start
        passed = sum(reply.status == 200 for reply in replies)
        check(5 <= passed <= 5 + 5 * seconds + 1, "%d passed in %.2f s" % (passed, seconds))
        refused = [reply for reply in replies if reply.status != 200]
        check(refused and all(r.status == 429 and r.json["code"] == "rate_limited" and r.headers["retry-after"] == "1" and
                              r.json["path"] == "token:limits.requests_per_second" and r.left("requests") == 0 for r in refused), refused[:1])
        check(self.ask("GET", "/v1/models", self.daemon.token).status == 200, "another token")

    def test_rows_bits_and_bytes_of_a_day(self):
        rows = self.make({"rows_per_day": 10})
        check([self.predict(rows, 4).status for _ in range(3)] == [200, 200, 429], "4 + 4 + 4 of 10")
        reply = self.predict(rows, 3)
        check(reply.status == 429 and "token:limits.rows_per_day: at most 10 rows" in reply.json["error"], reply)
        check(0 < int(reply.headers["retry-after"]) <= 86400 and reply.left("rows") == 2, reply)
        check(self.predict(rows, 2).status == 200 and self.predict(rows, 1).status == 429, "what is left")
        check(self.ask("GET", "/v1/models", rows).status == 200, "rows limit only rows")
        bits = self.make({"bits_per_day": 2 * BITS + 1})
        reply = self.predict(bits, 2)
        check(reply.status == 200 and reply.left("bits") == 1, reply)
        reply = self.predict(bits, 1)
        check(reply.status == 429 and "limits.bits_per_day" in reply.json["error"], reply)
        token = self.make({"bytes_per_day": 5000})
        first = self.ask("GET", "/v1/models", token)
        check(first.status == 200 and first.left("bytes") == 5000 - len(first.text), first)
        body = json.dumps({"instances": [ROW]})
        second = self.predict(token, 1)
        check(second.left("bytes") == first.left("bytes") - len(body) - len(second.text), second)
        replies = [self.ask("GET", "/v1/models", token) for _ in range(30)]
        check(replies[-1].status == 429 and replies[-1].json["code"] == "bytes_limited", replies[-1])
        given = sum(len(reply.text) for reply in replies + [first, second] if reply.status == 200) + len(body)
        check(5000 - len(first.text) < given <= 5000, given)

    def test_requests_at_a_time(self):
        token = self.make({"concurrent": 1})
        held = socket.create_connection(("127.0.0.1", self.daemon.port), SECONDS)
        body = json.dumps({"instances": [ROW]})
        held.sendall(("POST /v1/models/iris:predict HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n"
                      "Content-Length: %d\r\n\r\n" % (token, len(body))).encode())
        check(held.recv(100).startswith(b"HTTP/1.1 100"), "it is under way")
        end = time.monotonic() + SECONDS
        reply = self.ask("GET", "/v1/models", token)
        check(reply.status == 429 and reply.json["code"] == "concurrency_limited" and reply.headers["retry-after"] == "1", reply)
        check(fields(reply.headers["ratelimit"]) == {"concurrent": {"r": 0}}, reply)
        held.sendall(body.encode())
        check(held.recv(100).startswith(b"HTTP/1.1 200"), "the one that was under way")
        held.close()
        while self.ask("GET", "/v1/models", token).status != 200 and time.monotonic() < end:
            pass
        check(time.monotonic() < end, "the place was never given back")

    def test_uses_are_counted_before_they_are_served(self):
        token = self.make(uses=2)
        first = self.predict(token, 1)
        check(first.status == 200 and first.left("uses") == 1 and fields(first.headers["ratelimit-policy"]) == {"uses": {"q": 2}}, first)
        self.daemon.stop(signal.SIGKILL)
        self.daemon.start()
        check(self.predict(token, 1).status == 200, "the second use")
        reply = self.ask("GET", "/v1/models", token)
        check(reply.status == 401 and "could be used 2 times" in reply.json["detail"] and reply.json["path"] == "token:uses", reply)

    def test_headers_tell_all_limits(self):
        limits = {"requests_per_second": 2, "concurrent": 3, "rows_per_day": 1000, "bytes_per_day": 100000, "bits_per_day": 100000}
        token = self.make(limits, uses=9)
        reply = self.predict(token, 5)
        day = 86400
        check(fields(reply.headers["ratelimit-policy"]) == {
            "requests": {"q": 2, "w": 1}, "concurrent": {"q": 3, "qu": "concurrent-requests"}, "rows": {"q": 1000, "w": day},
            "bytes": {"q": 100000, "qu": "content-bytes", "w": day}, "bits": {"q": 100000, "w": day}, "uses": {"q": 9}}, reply)
        left = fields(reply.headers["ratelimit"])
        check(left.pop("requests") in ({"r": 1, "t": 1}, {"r": 2, "t": 1}), "one less, or more than half a second ago")
        check({key: value["r"] for key, value in left.items() if key != "bytes"} ==
              {"concurrent": 2, "rows": 995, "bits": 100000 - 5 * BITS, "uses": 8}, reply)
        midnight = day - time.time() % day
        check(all(abs(left[key]["t"] - midnight) < 60 for key in ("rows", "bytes", "bits")), reply)

    def test_children_share_what_their_parent_has(self):
        parent = self.make({"rows_per_day": 20, "requests_per_second": 1000})
        plain, limited = self.make(None, parent), self.make({"rows_per_day": 15}, parent)
        check(self.predict(plain, 8).left("rows") == 12, "of the parent's")
        check(self.predict(limited, 8).left("rows") == 4, "the tightest: 15 - 8 of its own, 20 - 16 of the parent's")
        reply = self.predict(plain, 5)
        check(reply.status == 429 and "of the token that made this one" in reply.json["error"], reply)
        check(self.predict(parent, 4).status == 200 and self.predict(limited, 1).status == 429, "all is used up")
        wider = self.ask("POST", "/v1/tokens", parent, {"name": "w", "scopes": ["model:read"], "expires_in": 60, "limits": {"rows_per_day": 21}})
        check(wider.status == 403 and wider.json["path"] == "limits.rows_per_day", wider)

    def test_a_crash_forfeits_and_a_stop_does_not(self):
        token = self.make({"rows_per_day": 160})
        check(self.predict(token, 3).left("rows") == 157, "before")
        self.daemon.stop(signal.SIGKILL)
        self.daemon.start()
        check(self.predict(token, 2).left("rows") == 148, "a block of ten was leased")
        check(self.daemon.stop() == 0, "stop")
        self.daemon.start()
        check(self.predict(token, 1).left("rows") == 147, "nothing of the second block is lost")
        given = 6
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
            for rows in (7, 1, 5, 13):
                given += rows if self.predict(token, rows).status == 200 else 0
            self.daemon.stop(number)
            self.daemon.start()
        while self.predict(token, 1).status == 200:
            given += 1
        check(100 < given <= 160, given)

    def use_up(self, tokens, rows, stop):
        """Six threads ask until there is no more, or no daemon: rows that were answered."""
        given, strange = [], []

        def run(token):
            try:
                while not stop.is_set():
                    reply = self.predict(token, rows)
                    if reply.status == 200:
                        given.append(rows)
                    elif "rows_per_day" in reply.text:
                        return
                    elif reply.status != 429:
                        strange.append(reply)
                        return
            except (OSError, http.client.HTTPException) as error:  # it was killed
                if not stop.is_set():
                    strange.append(error)

        threads = [threading.Thread(target=run, args=(tokens[i % len(tokens)],)) for i in range(6)]
        for thread in threads:
            thread.start()
        return given, strange, threads

    def test_many_at_once_get_all_of_it_and_no_more(self):
        parent = self.make({"rows_per_day": 600})
        given, strange, threads = self.use_up([parent, self.make(None, parent), self.make({"rows_per_day": 500}, parent)], 3, threading.Event())
        for thread in threads:
            thread.join(SECONDS)
        check(not strange and sum(given) == 600, (sum(given), strange))

    def test_kills_under_load_give_nothing_back(self):
        parent = self.make({"rows_per_day": 1600})
        tokens, total, lives = [parent, self.make(None, parent)], 0, 0
        while lives < 8:
            stop = threading.Event()
            given, strange, threads = self.use_up(tokens, 3, stop)
            while len(given) < 30 and any(thread.is_alive() for thread in threads):
                threads[0].join(0.01)
            stop.set()
            self.daemon.stop(signal.SIGKILL)
            for thread in threads:
                thread.join(SECONDS)
            check(not strange, strange)
            total, lives = total + sum(given), lives + 1
            self.daemon.start()
        check(500 < total <= 1600, total)

    def test_an_upload_that_is_too_long_is_refused_at_its_head(self):
        token = self.make({"bytes_per_day": 50000})
        head = "POST /v1/datasets HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=b\r\n" % token
        with socket.create_connection(("127.0.0.1", self.daemon.port), SECONDS) as wire:
            wire.sendall((head + "Content-Length: 60000\r\n\r\n").encode())
            answer = wire.recv(10000)
            check(answer.startswith(b"HTTP/1.1 429") and b"bytes_limited" in answer, answer)
        part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n' + b"1,2,3\n" * 100000
        with socket.create_connection(("127.0.0.1", self.daemon.port), SECONDS) as wire:
            wire.sendall((head + "Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(part)).encode())
            try:
                wire.sendall(part + b"\r\n0\r\n\r\n")
            except OSError:  # the answer came first
                pass
            answer = wire.recv(10000)
            check(answer.startswith(b"HTTP/1.1 429") and b"bytes_limited" in answer, answer)

    def test_the_command_makes_and_lists_them(self):
        done = self.licit("token", "create", "--name", "guest", "--scope", "model:predict", "--expires-in", "1h", "--limit",
                                 "rows_per_day=1234", "--limit", "concurrent=2", "--uses", "77")
        check(done.status == 0, done)
        done = self.licit("token", "list")
        check("ROWS/DAY" in done.out and re.search(r"guest .* 2 +1,234 .* 77 ", done.out), done)
        done = self.licit("token", "create", "--name", "g", "--scope", "*", "--expires-in", "1h", "--limit", "rows=3")
        check(done.status == 1 and "limits.rows" in done.err, done)

    def test_who_has_no_token_is_limited_by_address(self):
        check(self.daemon.stop() == 0, "stop")
        self.daemon.options = ("--plain", "--set", "limits.anonymous=5")
        self.daemon.start()
        replies = [self.ask("GET", path) for path in ("/v2/health/live", "/v1/models", "/nothing", "/openapi.json") * 6]
        check([reply.status for reply in replies[:4]] == [200, 401, 404, 200], replies[:4])
        last = replies[-1]
        check(last.status == 429 and last.json["code"] == "rate_limited" and int(last.headers["retry-after"]) >= 1, last)
        check(self.ask("GET", "/v1/models", "licit_" + "0" * 43 + "_3Llial").status == 429, "guessing tokens")
        check(self.ask("GET", "/v1/models", self.daemon.token).status == 200, "a good token from the same address")
        check(self.ask("GET", "/v2/health/live", source="127.0.0.2").status == 200, "another address")
        check(not any("licit_" in line for line in self.daemon.log), "a token in the log")
        check(self.daemon.stop() == 0, "stop")


def main():
    if 86400 - time.time() % 86400 < 5 * SECONDS:
        print("1..0 # SKIP a day of UTC ends in a moment")
        return 0
    with tempfile.TemporaryDirectory(prefix="licit-limits-") as folder:
        story = Story(folder)
        tests = [name for name in vars(Story) if name.startswith("test_")]
        print("1..%d" % len(tests), flush=True)
        failed = 0
        for number, name in enumerate(tests, 1):
            try:
                getattr(story, name)()
                print("ok %d - %s" % (number, name), flush=True)
            except Exception as error:  # the next ones may still tell something
                failed += 1
                print("not ok %d - %s" % (number, name))
                print("# " + ("%s: %s" % (type(error).__name__, error)).replace("\n", "\n# "), flush=True)
                if story.daemon.process is None or story.daemon.process.poll() is not None:
                    print("# the daemon's last words:\n# " + "# ".join(getattr(story.daemon, "log", [])[-20:]), flush=True)
                    story.daemon.start()
        if story.daemon.process is not None and story.daemon.process.poll() is None:
            story.daemon.process.kill()
        return failed > 0


sys.exit(main())
