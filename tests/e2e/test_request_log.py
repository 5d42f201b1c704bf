# SPDX-License-Identifier: Apache-2.0
"""The request log of a real licitd: whole, moved away under load, and without anything that it must not hold.

    test_request_log.py LICITD LICIT PRINT_LOG_FIELDS
"""
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

import daemon

PATIENCE = 30  # seconds
LICITD, LICIT, FIELDS = sys.argv[1:4]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def start(folder, *settings):
    options = [word for setting in settings for word in ("--set", setting)]
    return daemon.Daemon(LICITD, LICIT, folder + "/state", "--plain", "--set", "limits.anonymous=0", *options).start()


def ask(it, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", it.port, timeout=PATIENCE)
    connection.request(method, path, None, {name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply


def lines(*paths):
    text = "".join(open(path, encoding="utf-8").read() for path in paths)
    assert text == "" or text.endswith("\n"), text[-200:]
    return [json.loads(line) for line in text.splitlines()]


def wait_until(condition, what):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "waited in vain for " + what
        time.sleep(0.01)


def test_a_file_has_a_line_for_every_request_and_no_secret(folder):
    path = folder + "/requests.log"
    it = start(folder, "log.requests=" + path)
    token = it.token
    ids = [ask(it, target, Authorization="Bearer " + token, X_Request_Id="theirs", traceparent=TRACE).getheader("X-Request-Id")
           for target in ("/v1/models", "/v1/models/secret-name?limit=2&after=secret-key", "/v1/nothing/secret-path", "/v2/health/live")]
    ids.append(ask(it, "/v1/models", Authorization="Bearer licit_secret").getheader("X-Request-Id"))
    assert it.stop() == 0
    found = {line["request_id"]: line for line in lines(path)}  # those of several connections may stand in another order
    assert len(lines(path)) == len(ids) and sorted(found) == sorted(ids), found
    found = [found[id] for id in ids]
    assert stat.S_IMODE(os.stat(path).st_mode) & ~0o640 == 0
    text = open(path, encoding="utf-8").read()
    assert token not in text and "licit_" not in text and "Bearer" not in text
    assert "secret-key" not in text and "secret-path" not in text
    assert found[0]["token"].startswith("tok-") and "token" not in found[4]
    assert all(line["client"] == "127.0.0.0" and line["listener"] == "main" for line in found), found
    assert all(line["trace_id"] == TRACE[3:35] and line["parent_id"] == TRACE[36:52] and line["span_id"] for line in found[:4])
    assert [line["status"] for line in found] == [200, 400, 404, 200, 401], found
    assert found[0]["route"] == "/v1/models" and found[2]["route"] == "none"
    assert not [line for line in it.log if line.startswith("{")]


def test_every_key_is_documented(folder):
    table = subprocess.run([FIELDS], capture_output=True, check=True, text=True).stdout
    known = set(re.findall(r"^\| `(\w+)`", table, re.M))
    path = folder + "/requests.log"
    it = start(folder, "log.requests=" + path, "log.client_address=full")
    ask(it, "/v1/models", Authorization="Bearer " + it.token, traceparent=TRACE)
    ask(it, "/v1/models/x:predict", "POST")
    assert it.stop() == 0
    assert known and {key for line in lines(path) for key in line} <= known
    assert lines(path)[0]["client"] == "127.0.0.1"


def test_odd_bytes_leave_json_lines(folder):
    path = folder + "/requests.log"
    it = start(folder, "log.requests=" + path)
    odd = (b"GE\"T / HTTP/1.1\r\nHost: x\r\n\r\n", b"G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff\xfe / HTTP/1.1\r\nHost: x\r\n\r\n",
           b"GET /\xff\"\\ HTTP/1.1\r\nHost: x\r\nX-Request-Id: \"}\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\xff\r\n\r\n",
           b"GET / HTTP/1.1\r\nHost: x\r\ntraceparent: 00-\"\r\ntracestate: \xc3\r\n\r\n", b"A" * 5000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
    for row in odd:
        with socket.create_connection(("127.0.0.1", it.port), timeout=PATIENCE) as sock:
            sock.sendall(row.replace(b"Host: x", b"Host: x\r\nConnection: close"))
            while sock.recv(65536):
                pass
    last = ask(it, "/v2/health/live").getheader("X-Request-Id")
    assert it.stop() == 0
    found = lines(path)
    assert found and found[-1]["request_id"] == last


def test_sighup_opens_a_moved_file_again(folder):
    path, moved = folder + "/requests.log", folder + "/requests.log.%d"
    it = start(folder, "log.requests=" + path)
    ids, stop, failed = [], threading.Event(), []

    def load():
        connection = http.client.HTTPConnection("127.0.0.1", it.port, timeout=PATIENCE)
        try:
            while not stop.is_set():
                connection.request("GET", "/v2/health/live")
                reply = connection.getresponse()
                reply.read()
                ids.append(reply.getheader("X-Request-Id"))
        except Exception as error:  # the main thread says it
            failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(5):
        wait_until(lambda: os.path.exists(path) and os.stat(path).st_size > 0, "lines in " + path)
        os.rename(path, moved % n)
        it.process.send_signal(signal.SIGHUP)
    wait_until(lambda: os.path.exists(path) and os.stat(path).st_size > 0, "lines in the last file")
    stop.set()
    for thread in threads:
        thread.join()
    assert it.stop() == 0 and not failed, failed
    found = [line["request_id"] for line in lines(*[moved % n for n in range(5)], path)]
    assert len(found) == len(set(found)) and set(found) == set(ids), "%d lines for %d requests" % (len(found), len(ids))


def test_a_file_that_cannot_be_opened_again_keeps_the_old_one(folder):
    path = folder + "/requests.log"
    it = start(folder, "log.requests=" + path)
    os.rename(path, path + ".1")
    os.mkdir(path)
    it.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any("event=reload_failed" in line for line in it.log), "the warning")
    seen = ask(it, "/v2/health/live").getheader("X-Request-Id")
    assert it.stop() == 0
    assert [line["request_id"] for line in lines(path + ".1")] == [seen]


def test_nobody_reads_stderr_and_everybody_is_answered(folder):
    """The pipe fills; requests go on, and the stop gives up on it in a few seconds."""
    reading, writing = os.pipe()
    process = subprocess.Popen([LICITD, "--state", folder + "/state", "--plain", "--listen", "127.0.0.1:0", "--set", "limits.anonymous=0"],
                               stderr=writing, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    os.close(writing)
    text = ""
    while not re.search(r"127\.0\.0\.1:\d+", text):
        piece = os.read(reading, 65536).decode()
        assert piece, text
        text += piece
    connection = http.client.HTTPConnection("127.0.0.1", int(re.search(r"127\.0\.0\.1:(\d+)", text).group(1)), timeout=PATIENCE)
    for _ in range(2000):  # a pipe holds 64 KiB, some 200 lines
        connection.request("GET", "/v1/models", None, {"Authorization": "Bearer nobody"})
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 401
    connection.close()
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(60) == 0
    finally:
        process.kill()
        os.close(reading)


def test_start_refuses_what_is_no_place_for_a_log(folder):
    os.symlink("/dev/null", folder + "/link")
    for target in ("maybe", "relative.log", folder + "/link", folder, "/nonexistent/requests.log", "/dev/null"):
        done = subprocess.run([LICITD, "--state", folder + "/state", "--plain", "--listen", "127.0.0.1:0", "--set", "log.requests=" + target],
                              capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 2 or done.returncode == 1, (target, done)
        assert "log.requests" in done.stderr, (target, done.stderr)


def main():
    tests = [(name, function) for name, function in globals().items() if name.startswith("test_")]
    print("1..%d" % len(tests))
    failed = 0
    for n, (name, function) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(folder)
                print("ok %d - %s" % (n, name))
            except Exception as error:  # one line of TAP for each
                failed += 1
                print("not ok %d - %s\n# %s" % (n, name, repr(error).replace("\n", "\n# ")[:1500]))
        sys.stdout.flush()
    sys.exit(failed > 0)


main()
