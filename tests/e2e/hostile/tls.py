# SPDX-License-Identifier: Apache-2.0
"""Bad inputs to the port that speaks TLS. Each function is one row."""
import json
import socket
import ssl

from house import METADATA, MULTIPART, RECORD, part
from leaving import check
from wire import head, is_readable, receive


def connect(house, **limits):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whose port it is, the test knows
    for name, value in limits.items():
        setattr(context, name, value)
    sock = socket.create_connection(("127.0.0.1", house.port), timeout=30)
    return context.wrap_socket(sock, server_hostname="localhost")


def ask(house, method, target, data=b"", kind=None):
    with connect(house) as sock:
        sock.sendall(head(method, target, house.headers(length=len(data) if data else None, kind=kind)) + data)
        return receive(sock, method)[0]


def still_serves(house):
    check(house.is_alive() and ask(house, "GET", "/v1/models").status == 200, "it serves no more")


def plain_http_to_the_tls_port(house):
    with socket.create_connection(("127.0.0.1", house.port), timeout=30) as sock:
        sock.sendall(head("GET", "/v1/models", house.headers()))
        answer = sock.recv(4096)
        check(b"HTTP/" not in answer and house.token.encode() not in answer, answer)
    still_serves(house)


def noise_instead_of_a_handshake(house):
    for noise in (b"\0" * 1000, b"\xff" * 1000, b"\x16\x03\x01\xff\xff" + b"\x01" * 5000, b"\x16\x03\x03\x00\x05\x01\x00\x00\x01\x00", b"\x15\x03\x01\x00\x02\x02\x28", b"\x80\x2e\x01\x00\x02"):
        with socket.create_connection(("127.0.0.1", house.port), timeout=30) as sock:
            sock.sendall(noise)
            is_readable(sock, 0.2)
    still_serves(house)


def handshakes_cut_off(house):
    """The first flight of a right one, cut at every few bytes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    for n in range(1, len(hello) + 1, 17):
        with socket.create_connection(("127.0.0.1", house.port), timeout=30) as sock:
            sock.sendall(hello[:n])
    still_serves(house)


def old_versions_are_refused(house):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        try:
            connect(house, minimum_version=version, maximum_version=version).close()
        except (ssl.SSLError, OSError, ValueError):
            continue
        raise AssertionError("%s was spoken" % version)
    still_serves(house)


def gone_after_the_handshake(house):
    for _ in range(30):
        connect(house).close()
    still_serves(house)


def a_record_broken_in_mid_request(house):
    for _ in range(5):
        sock = connect(house)
        sock.sendall(head("POST", "/v1/jobs", house.headers(length=5000, kind="application/json")))
        raw = socket.socket(fileno=sock.detach())  # past the TLS layer
        raw.sendall(b"\x17\x03\x03\x00\x20" + b"\0" * 32)
        raw.settimeout(30)
        try:
            check(b"HTTP/" not in raw.recv(65536), "an answer to a broken record")
        except ConnectionError:
            pass
        raw.close()
    still_serves(house)


def refused_in_mid_body(house):
    """A field that never ends, by a client that does not listen while it sends."""
    with connect(house) as sock:
        sock.sendall(head("POST", "/v1/datasets", house.headers(length=10 ** 9, kind=MULTIPART)))
        sock.sendall(part("metadata", json.dumps(METADATA).encode(), "application/json") + part("file", b"", "text/csv", "t.csv")[:-2] + b"a,b\n1,")
        sent = 0
        try:
            while sent < 200 << 20:
                sock.sendall(b"x" * 65536)
                sent += 65536
        except OSError:
            pass
        check(sent < 64 << 20, "%d MiB were taken" % (sent >> 20))
        reply = receive(sock)[0]
        check(reply.status == 413 and reply.json["code"] == "too_large" and reply.json["path"] == "file", reply)
    still_serves(house)


def errors_as_without_tls(house):
    for data, status, code in ((b"{", 400, "invalid_json"), (b"[" * 1000, 413, "too_large"), (b"{}", 400, "invalid_value")):
        reply = ask(house, "POST", "/v1/jobs", data, "application/json")
        check(reply.status == status and reply.json["code"] == code, reply)
    reply = ask(house, "POST", "/v1/models/nobody:predict", json.dumps({"instances": [RECORD]}).encode())
    check(reply.status == 404, reply)


TLS = [plain_http_to_the_tls_port, noise_instead_of_a_handshake, handshakes_cut_off, old_versions_are_refused, gone_after_the_handshake,
       a_record_broken_in_mid_request, refused_in_mid_body, errors_as_without_tls]
