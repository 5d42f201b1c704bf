# SPDX-License-Identifier: Apache-2.0
"""What 1,000 slow clients cost a quick one: the p99 of predictions with and without them, round by round.

    python3 tests/bench/slow.py BUILD [--rounds 7] [--seconds 3] [--slowhttptest]

A daemon with its default settings, over TLS; 200 clients each that drip a head, drip a body, read an answer in sips, say
nothing, and stop in the middle of the handshake. They come back within some seconds of being cut off. Beside them one client
asks for predictions, on a kept connection and on new ones in turn. --slowhttptest adds its three attacks with 1,000
connections for 15 s each, on a plain port; needs that program.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

EACH = 200
KINDS = ("heads in drops", "bodies in drops", "answers in sips", "nothing said", "half a handshake")
STEP_SECONDS = 1.0
DROP = b"x"


class Daemon:
    def __init__(self, build, folder, *options):
        self.state, self.port, log = folder + "/state", 0, []
        self.plain = "--plain" in options
        self.process = subprocess.Popen([f"{build}/server/licitd", "--state", self.state, "--listen", "127.0.0.1:0", "--set", "log.requests=no", *options],
                                        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for line in self.process.stderr:
            log.append(line)
            found = re.search(r"event=ready.*127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                break
        if not self.port:
            sys.exit("licitd did not start:\n" + "".join(log))
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()
        self.token = pathlib.Path(self.state, "first-token").read_text(encoding="ascii").strip()
        self.context = ssl.create_default_context(cafile=None if self.plain else self.state + "/tls/certificate.pem")

    def connect(self):
        kind = http.client.HTTPConnection if self.plain else http.client.HTTPSConnection
        return kind("127.0.0.1", self.port, timeout=60, **({} if self.plain else {"context": self.context}))

    def ask(self, connection, method, path, body=None, kind="application/json"):
        connection.request(method, path, body, {"Authorization": f"Bearer {self.token}", "Content-Type": kind})
        reply = connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            sys.exit(f"{method} {path}: {reply.status} {text[:300]}")
        return json.loads(text) if text else None

    def train(self):
        rows = ["a,b,y"] + [f"{i % 7},{i % 11},{'yes' if i % 7 > 3 else 'no'}" for i in range(300)]
        metadata = {"name": "bench", "licence": "CC0-1.0", "purposes": ["bench"], "personal_data": False}
        body = (f'--b\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n{json.dumps(metadata)}\r\n'
                '--b\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n' + "\n".join(rows) + "\r\n--b--\r\n")
        connection = self.connect()
        dataset = self.ask(connection, "POST", "/v1/datasets", body, "multipart/form-data; boundary=b")["id"]
        job = self.ask(connection, "POST", "/v1/jobs", json.dumps({"type": "train", "model": "bench", "dataset": dataset, "target": "y", "epochs": 3, "label": "production"}))["id"]
        while self.ask(connection, "GET", f"/v1/jobs/{job}")["status"] in ("queued", "running"):
            time.sleep(0.05)


class Slow:
    """One slow client; come() connects it anew after it was cut off."""

    def __init__(self, daemon, kind):
        self.daemon, self.kind, self.sock, self.tls, self.cuts = daemon, kind, None, None, 0

    def come(self):
        self.leave()
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if self.kind == 2:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect_ex(("127.0.0.1", self.daemon.port))
        self.tls, self.said = None, False

    def leave(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def first(self):
        host = b"Host: localhost\r\nAuthorization: Bearer " + self.daemon.token.encode() + b"\r\n"
        return {0: b"GET /v1/models HTTP/1.1\r\n" + host + b"X: ", 1: b"POST /v1/jobs HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
                2: (b"GET /openapi.json HTTP/1.1\r\n" + host + b"\r\n") * 20}[self.kind]

    def step(self):
        """A drop, or a sip. False: cut off."""
        try:
            if not select.select([], [self.sock], [], 0)[1] and not self.said:
                return True  # waits to be accepted
            if self.kind == 3:
                return self.is_open()
            if self.kind == 4:
                if not self.said:
                    self.sock.send(hello()[:200])
                    self.said = True
                return self.is_open()
            return self.talk()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            return False

    def talk(self):
        if self.tls is None and not self.daemon.plain:
            self.tls = self.sock = self.daemon.context.wrap_socket(self.sock, server_hostname="localhost", do_handshake_on_connect=False)
        if not self.said:
            if self.tls is not None:
                self.tls.do_handshake()
            self.sock.send(self.first())
            self.said = True
        elif self.kind == 2:
            return bool(self.sock.recv(1))
        else:
            self.sock.send(DROP)
        return self.kind == 2 or self.is_open()

    def is_open(self):
        if not select.select([self.sock], [], [], 0)[0]:
            return True
        return bool(self.sock.recv(4096))


def hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def crowd(port, token, state, stop_at):
    """The process of the slow clients; a line once they are there, and one at the end with how often they were cut off."""
    daemon = argparse.Namespace(port=port, token=token, plain=False, context=ssl.create_default_context(cafile=state + "/tls/certificate.pem"))
    clients = [Slow(daemon, i % len(KINDS)) for i in range(EACH * len(KINDS))]
    random.seed(1)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # slow clients compute elsewhere: they take no core from the two that are measured
    for client in clients:
        client.come()
    turn, ready, away = 0, False, {}
    while time.monotonic() < stop_at:
        begin = time.monotonic()
        for i, client in enumerate(clients):
            if i in away:
                if turn >= away[i]:
                    del away[i]
                    client.come()
            elif not client.step():
                client.cuts += 1
                client.leave()
                away[i] = turn + random.randrange(1, 6)  # not all at once
            if i % 50 == 0:
                time.sleep(STEP_SECONDS * 50 / len(clients) / 2)  # spread over the step, not all at once
        if not ready and turn == 2:
            print("there", flush=True)
            ready = True
        turn += 1
        time.sleep(max(0, STEP_SECONDS - (time.monotonic() - begin)))
    print(json.dumps([sum(c.cuts for c in clients if c.kind == kind) for kind in range(len(KINDS))]), flush=True)


def measure(daemon, seconds, fresh):
    """p50 and p99 of one prediction after another, in ms."""
    body = json.dumps({"instances": [{"a": 3, "b": 5}]})
    times, end, connection = [], time.monotonic() + seconds, daemon.connect()
    daemon.ask(connection, "POST", "/v1/models/bench:predict", body)
    while time.monotonic() < end:
        begin = time.perf_counter()
        if fresh:
            connection.close()
            connection = daemon.connect()
        daemon.ask(connection, "POST", "/v1/models/bench:predict", body)
        times.append(time.perf_counter() - begin)
    connection.close()
    times.sort()
    return [1000 * times[len(times) // 2], 1000 * times[len(times) * 99 // 100]]


def rounds(daemon, options):
    out = {False: [], True: []}
    for turn in range(options.rounds):
        quiet = {fresh: measure(daemon, options.seconds, fresh) for fresh in (False, True)}
        length = 2 * options.seconds + 8
        slow = subprocess.Popen([sys.executable, __file__, "--crowd", str(daemon.port), daemon.token, daemon.state, str(length)], stdout=subprocess.PIPE, text=True)
        slow.stdout.readline()
        busy = {fresh: measure(daemon, options.seconds, fresh) for fresh in (False, True)}
        cuts = json.loads(slow.stdout.readline())
        slow.wait()
        for fresh in (False, True):
            out[fresh].append((quiet[fresh], busy[fresh]))
            print(f"round {turn + 1} {'new' if fresh else 'kept'}: quiet p50 {quiet[fresh][0]:.3f} p99 {quiet[fresh][1]:.3f} ms, beside them p50 {busy[fresh][0]:.3f} p99 {busy[fresh][1]:.3f} ms; cut off: {cuts}", flush=True)
    for fresh in (False, True):
        ratios = sorted(busy[1] / quiet[1] for quiet, busy in out[fresh])
        print(f"{'new connections' if fresh else 'a kept connection'}: p99 beside 1,000 slow clients / quiet: median {statistics.median(ratios):.2f} (min {ratios[0]:.2f}, max {ratios[-1]:.2f})")


def attacks(build):
    """slowhttptest, which says whether another client is answered meanwhile."""
    if not shutil.which("slowhttptest"):
        sys.exit("slowhttptest is not installed")
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(build, folder, "--plain")
        try:
            for name, words in (("heads (-H)", ["-H"]), ("bodies (-B)", ["-B"]), ("readers (-X)", ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5", "-k", "3"])):
                done = subprocess.run(["slowhttptest", "-c", "1000", *words, "-i", "5", "-r", "500", "-l", "15", "-p", "2", "-u", f"http://127.0.0.1:{daemon.port}/openapi.json"],
                                      capture_output=True, text=True, timeout=60)
                lines = re.findall(r"service available:\s*(?:\x1b\[[\d;]*m)*\s*(\w+)", done.stdout)
                print(f"slowhttptest {name}, 1,000 connections, 15 s: service available: {sorted(set(lines)) or done.stdout[-500:]}")
        finally:
            daemon.process.send_signal(signal.SIGTERM)
            print("licitd ended with", daemon.process.wait(60))


def main():
    if sys.argv[1:2] == ["--crowd"]:
        crowd(int(sys.argv[2]), sys.argv[3], sys.argv[4], time.monotonic() + float(sys.argv[5]))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--slowhttptest", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(options.build, folder)
        try:
            daemon.train()
            rounds(daemon, options)
        finally:
            daemon.process.send_signal(signal.SIGTERM)
            status = daemon.process.wait(60)
        if status != 0:
            sys.exit(f"licitd ended with {status}")
    if options.slowhttptest:
        attacks(options.build)


main()
