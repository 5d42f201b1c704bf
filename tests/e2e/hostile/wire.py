# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over raw sockets, so that a test can send what no library would, and counts what it sent."""
import http.client
import json
import select
import socket
import struct
import time

PATIENCE = 30  # seconds; who waits longer has found something
PIECE = 256 << 10


class Closed(Exception):
    """The server closed the connection without an answer."""


class Reply:
    def __init__(self, status, headers, body, sent):
        self.status, self.headers, self.body, self.sent = status, headers, body, sent
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None

    def header(self, name):
        return self.headers.get(name)

    def __repr__(self):
        return "%s %s" % (self.status, self.body[:600])


def is_readable(sock, seconds=0.0):
    return bool(select.select([sock], [], [], seconds)[0])


def push(sock, pieces):
    """Sends until done, or until the server answers or closes; gives the bytes that went out."""
    sent = 0
    try:
        for piece in pieces:
            for at in range(0, len(piece), PIECE):
                if is_readable(sock):
                    return sent
                sock.sendall(piece[at:at + PIECE])
                sent += len(piece[at:at + PIECE])
    except (BrokenPipeError, ConnectionResetError):
        pass
    return sent


def receive(sock, method="GET", sent=0):
    response = http.client.HTTPResponse(sock, method=method)
    try:
        response.begin()
        body = response.read()
    except (ConnectionError, http.client.HTTPException) as error:
        raise Closed(repr(error)) from error
    return Reply(response.status, response.headers, body, sent), response.will_close


def head(method, target, headers):
    lines = ["%s %s HTTP/1.1" % (method, target)] + ["%s: %s" % pair for pair in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunked(pieces):
    """The pieces as chunks of a body, closed."""
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


class Wire:
    """One kept connection, made again when the server closed it."""

    def __init__(self, port):
        self.port, self.sock = port, None

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def ask(self, method, target, headers, pieces=()):
        """One request with these very headers and bytes, and its answer."""
        if self.sock is not None and is_readable(self.sock):
            self.close()  # the server hung up in the meantime
        fresh = self.sock is None
        self.sock = self.sock or self.connect()
        try:
            sent = push(self.sock, [head(method, target, headers), *pieces] if isinstance(pieces, (list, tuple))
                        else _lead(head(method, target, headers), pieces))
            reply, ended = receive(self.sock, method, sent)
        except (Closed, OSError):
            self.close()
            if fresh or not isinstance(pieces, (list, tuple)):
                raise
            return self.ask(method, target, headers, pieces)
        if ended:
            self.close()
        return reply

    def once(self, data, half_close=False):
        """Raw bytes on a connection of their own. Closed: there was no answer."""
        with self.connect() as sock:
            pieces = data if isinstance(data, (list, tuple)) else [data]
            sent = push(sock, pieces)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            return receive(sock, sent=sent)[0]

    def leave(self, data, abrupt, linger=0.0):
        """Sends the bytes and is gone: with a FIN, or with a reset."""
        sock = self.connect()
        if abrupt:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(data)
        if linger:
            is_readable(sock, linger)
        sock.close()


def _lead(first, rest):
    yield first
    yield from rest


def wait_until(condition, seconds=PATIENCE, about="what was waited for"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("did not come within %d s: %s" % (seconds, about))
