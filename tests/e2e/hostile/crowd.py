# SPDX-License-Identifier: Apache-2.0
"""More clients than there are places, and fewer descriptors than clients. Each function is one row."""
import os
import re
import resource
import socket
import time

from house import RECORD
from leaving import check
from wire import Wire, head, is_readable, receive, wait_until

HALF_OPEN = 500   # house.SETTINGS allows 200 connections
ANSWER_SECONDS = 1.0


def descriptors(house):
    return len(os.listdir("/proc/%d/fd" % house.process.pid))


def many(house, n, data=b""):
    socks = []
    for _ in range(n):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", house.port))
        socks.append(sock)
    for sock in socks:
        try:
            sock.send(data) if data else None
        except OSError:
            pass
    return socks


def half_open(house):
    """500 that connect and say nothing: who was there before is answered at once, who comes then within the time of a head."""
    before = descriptors(house)
    house.ask("GET", "/v2/health/live")
    socks = many(house, HALF_OPEN)
    try:
        for _ in range(50):
            begin = time.monotonic()
            check(house.ask("POST", "/v1/models/risk:predict", {"instances": [RECORD]}).status == 200, "a prediction among them")
            check(time.monotonic() - begin < ANSWER_SECONDS * 10, "a prediction took %.1f s" % (time.monotonic() - begin))
        late = Wire(house.port)
        check(late.ask("GET", "/v2/health/live", house.headers()).status == 200, "who came later")
        late.close()
    finally:
        for sock in socks:
            sock.close()
    wait_until(lambda: descriptors(house) <= before + 2, 30, "the descriptors of those who left")


def half_open_heads(house):
    """500 that have said half a head."""
    socks = many(house, HALF_OPEN, b"GET /v1/models HTTP/1.1\r\nHost: a\r\n")
    late = Wire(house.port)
    try:
        check(late.ask("GET", "/v2/health/live", house.headers()).status == 200, "who came later")
    finally:
        late.close()
        for sock in socks:
            sock.close()


def no_descriptors(house):
    """As many as there are, and then as many clients: some wait, none is lost, the process neither spins nor ends."""
    now = descriptors(house)
    old = resource.prlimit(house.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(house.process.pid, resource.RLIMIT_NOFILE, (now + 10, old[1]))
    socks = many(house, 60)
    try:
        ticks = cpu_ticks(house)
        begin = time.monotonic()
        is_readable(socks[0], 0.5)
        spent = (cpu_ticks(house) - ticks) / (100 * (time.monotonic() - begin))
        check(spent < 0.5, "%.0f %% of a core while no descriptor is free" % (100 * spent))
        check(house.ask("POST", "/v1/models/risk:predict", {"instances": [RECORD]}).status == 200, "who was there before")
        check(house.ask("GET", "/v1/models").status == 200, "a list needs no descriptor more")
    finally:
        resource.prlimit(house.process.pid, resource.RLIMIT_NOFILE, old)
        for sock in socks:
            sock.close()
    wait_until(lambda: fresh_answer(house), 30, "an answer to a new connection once there are descriptors again")
    wait_until(lambda: descriptors(house) <= now + 2, 30, "the descriptors of those who left")


def fresh_answer(house):
    with house.wire.connect() as sock:
        sock.sendall(head("GET", "/v2/health/live", house.headers()))
        return is_readable(sock, 5) and receive(sock)[0].status == 200


def cpu_ticks(house):
    with open("/proc/%d/stat" % house.process.pid, encoding="ascii") as file:
        fields = re.sub(r".*\) ", "", file.read()).split()
    return int(fields[11]) + int(fields[12])


CROWD = [half_open, half_open_heads, no_descriptors]
