# SPDX-License-Identifier: Apache-2.0
"""Clients that go on, but too slowly: heads, bodies and chunks in drops, answers read in sips. They begin early and are looked at late.

One thread feeds them all, a byte twice a second. Each must be cut within its time: the head's and the body's deadline, and
for an answer the time that the slowest allowed reader would need.
"""
import select
import socket
import threading
import time

from leaving import request
from wire import head

CUT_SECONDS = 45  # for the deadlines of heads, bodies and answers, and some
STEP_SECONDS = 0.5
KINDS = ("a head in drops", "a header in drops", "a head in drops, after a good request", "a body in drops", "chunks in drops", "trailers in drops", "an upload in drops", "answers in sips")


class Drips:
    def __init__(self, house):
        post = request(house, "POST", "/v1/jobs", b" " * 5000)
        upload = request(house, "POST", "/v1/datasets", b"-" * 5000, kind="multipart/form-data; boundary=x")
        chunks = head("POST", "/v1/jobs", house.headers(more=[("Transfer-Encoding", "chunked")], kind="application/json"))
        get = head("GET", "/openapi.json", house.headers())
        slow = b"X: " + b"y" * 5000
        self.begin, self.ends = time.monotonic(), {}
        self.socks = []
        for first, drops, is_reader in ((b"", get[:-2] + slow, False), (get[:-2], slow, False), (get, get[:-2] + slow, False), (post[:-5000], post[-5000:], False), (chunks, b"1\r\n \r\n" * 5000, False),
                                        (chunks + b"1\r\n \r\n0\r\n", b"X: y\r\n" * 5000, False), (upload[:-5000], upload[-5000:], False), (get * 400, b"", True)):
            sock = socket.socket()
            if is_reader:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", house.port))
            sock.setblocking(False)
            try:
                sock.send(first)
            except BlockingIOError:
                pass
            self.socks.append((sock, drops, is_reader))
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._feed, daemon=True)
        self.thread.start()

    def _feed(self):
        turn = 0
        while not self.stopped.wait(STEP_SECONDS) and len(self.ends) < len(self.socks):
            for i, (sock, drops, is_reader) in enumerate(self.socks):
                if i not in self.ends and self._is_cut(sock, drops[turn:turn + 1], is_reader):
                    self.ends[i] = time.monotonic() - self.begin
            turn += 1

    @staticmethod
    def _is_cut(sock, drop, is_reader):
        try:
            if drop:
                sock.send(drop)
            if is_reader:
                return _has_hung_up(sock) or (bool(select.select([sock], [], [], 0)[0]) and not sock.recv(1))
            while select.select([sock], [], [], 0)[0]:
                if not sock.recv(1 << 20):
                    return True
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return False

    def check(self, i):
        limit = self.begin + CUT_SECONDS
        while i not in self.ends and time.monotonic() < limit:
            time.sleep(0.05)
        if i not in self.ends:
            raise AssertionError("%s: still open after %d s" % (KINDS[i], CUT_SECONDS))

    def close(self):
        self.stopped.set()
        self.thread.join()
        for sock, _, _ in self.socks:
            sock.close()


def _has_hung_up(sock):
    """The other side has closed, whatever of its bytes is still unread."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
