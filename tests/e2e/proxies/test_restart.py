# SPDX-License-Identifier: Apache-2.0
"""SIGTERM under load, again and again: no accepted request fails, and with a passed socket nobody is refused. usage: test_restart.py ROOT LICITD [ROUNDS]"""
import http.client
import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time

import house
from house import House
from proxy import Nginx

ROOT, LICITD = sys.argv[1:3]
ROUNDS = int((sys.argv[3:4] or ["100"])[0])
CLIENTS = 6
LOAD_SECONDS = 0.15
DRAIN_SECONDS = 10


class Client(threading.Thread):
    """Predicts over and over. half of them keep their connection, half take a new one for each request."""

    def __init__(self, connect, request, kept, refusable):
        super().__init__(daemon=True)
        self.connect, self.request, self.kept, self.refusable = connect, request, kept, refusable
        self.answered, self.failures, self.ending = 0, [], False
        self.start()

    def run(self):
        sock = None
        while not self.ending:
            try:
                sock = sock or self.connect()
            except OSError as error:
                if self.refusable:  # nobody listens any more: not accepted, so nothing is lost
                    time.sleep(0.005)
                    continue
                self.failures.append("not connected: %r" % error)
                continue
            sock = self.ask(sock)
        if sock is not None:
            sock.close()

    def ask(self, sock):
        """The socket for the next request; None: a new one."""
        try:
            sock.sendall(self.request)
            reply = http.client.HTTPResponse(sock, method="POST")
            reply.begin()
            body = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.failures.append("no answer: %r" % error)
            sock.close()
            return None
        if reply.status != 200:
            self.failures.append("%d %s" % (reply.status, body[:200]))
        self.answered += 1
        if reply.will_close or not self.kept:
            sock.close()
            return None
        return sock


def make_request(licit, prefix=""):
    return ("POST %s/v1/models/m:predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (prefix, licit.token, len(house.BODY))).encode() + house.BODY


def furnish(licit):
    def ask(method, path, body, headers):
        connection = http.client.HTTPConnection("licit")
        connection.sock = licit.connect()
        connection.request(method, licit.prefix + path, body, dict(headers, Authorization="Bearer " + licit.token))
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, reply.headers, json.loads(text)
    house.furnish(ask)


def tell(number, name, failures, note):
    print("%s %d - %s" % ("not ok" if failures else "ok", number, name))
    print("# " + note)
    for failure in failures[:10]:
        print("# " + str(failure)[:300])
    sys.stdout.flush()
    return bool(failures)


def stop_under_load(folder, listen):
    """Clients that came in are answered, then nobody listens."""
    failures, answered, slowest = [], 0, 0.0
    licit = House(LICITD, folder, listen).start()
    furnish(licit)
    for turn in range(ROUNDS):
        request = make_request(licit)
        clients = [Client(licit.connect, request, i % 2 == 0, True) for i in range(CLIENTS)]
        time.sleep(LOAD_SECONDS)
        status, seconds = licit.terminate()
        slowest = max(slowest, seconds)
        for client in clients:
            client.ending = True
        for client in clients:
            client.join(30)
            answered += client.answered
            failures += ["round %d: %s" % (turn, failure) for failure in client.failures]
        if status != 0 or seconds > DRAIN_SECONDS:
            failures.append("round %d: status %d after %.1f s" % (turn, status, seconds))
        licit.start()
    licit.terminate()
    return failures, "%d rounds, %d answered, slowest stop %.2f s" % (ROUNDS, answered, slowest)


def restart(folder, connect, make, passed, prefix=""):
    """One daemon after another on the same passed socket, under load that never pauses."""
    failures = []
    licit = House(LICITD, folder, "systemd:licit", prefix, ["listener.main.proxies=127.0.0.1"], passed).start()
    furnish(licit)
    connect = connect(licit)
    clients = [Client(connect, make(licit), i % 2 == 0, False) for i in range(CLIENTS)]
    for turn in range(ROUNDS):
        time.sleep(LOAD_SECONDS)
        status, seconds = licit.terminate()
        if status != 0 or seconds > DRAIN_SECONDS:
            failures.append("round %d: status %d after %.1f s" % (turn, status, seconds))
        licit.start()
    for client in clients:
        client.ending = True
    for client in clients:
        client.join(30)
        failures += client.failures
    licit.terminate()
    return failures, "%d restarts, %d answered" % (ROUNDS, sum(client.answered for client in clients))


def listening():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    return sock


def through_nginx(top, passed, stops):
    """A function that gives connections to nginx, which has the passed socket behind it."""
    def start(licit):
        proxy = Nginx(ROOT, os.path.join(top, "nginx"), "127.0.0.1:%d" % passed.getsockname()[1]).start()
        stops.append(proxy.stop)
        context = ssl.create_default_context(cafile=proxy.certificate)
        return lambda: context.wrap_socket(socket.create_connection(("127.0.0.1", proxy.port), timeout=30), server_hostname="localhost")
    return start


def main():
    lost, stops = False, []
    with tempfile.TemporaryDirectory() as top:
        lost |= tell(1, "SIGTERM under load over TCP", *stop_under_load(os.path.join(top, "tcp"), "127.0.0.1:0"))
        lost |= tell(2, "SIGTERM under load over a Unix socket", *stop_under_load(os.path.join(top, "unix"), "unix:" + os.path.join(top, "s")))
        with listening() as passed:
            lost |= tell(3, "restarts on a passed socket", *restart(os.path.join(top, "passed"), lambda licit: licit.connect, make_request, passed))
        with listening() as passed:
            outcome = restart(os.path.join(top, "behind"), through_nginx(top, passed, stops), lambda licit: make_request(licit, "/licit"), passed, "/licit")
            lost |= tell(4, "restarts on a passed socket behind nginx", *outcome)
        for stop in stops:
            stop()
    print("1..4")
    return lost


sys.exit(1 if main() else 0)
