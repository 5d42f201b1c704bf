# SPDX-License-Identifier: Apache-2.0
"""licitd opens no connection to anywhere, whatever it is asked: strace sees no connect() and no datagram (API7, SSRF).

    test_no_connect.py LICITD LICIT
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import daemon

LICITD, LICIT = sys.argv[1:3]
CALLS = "connect,sendto,sendmsg,sendmmsg"
OUT = re.compile(r"connect\(|sa_family=AF_(?!UNSPEC)")  # a call with an address
ELSEWHERE = "http://127.0.0.1:9/latest/meta-data"
CSV = "x,y\n" + "".join("%d,%s\n" % (i, "ab"[i % 2]) for i in range(40))


def traced(out, *command):
    return ["strace", "-f", "-qq", "-e", "trace=" + CALLS, "-e", "signal=none", "-o", out, *command]


def seen(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return [line for line in file if OUT.search(line)]


def work(it, folder):
    """All that a client may bring which looks like an address."""
    with open(folder + "/t.csv", "w", encoding="ascii") as file:
        file.write(CSV)
    done = it.licit("dataset", "add", folder + "/t.csv", "--licence", "CC0-1.0", "--purpose", "test", "--origin", ELSEWHERE)
    assert done.status == 0, done
    dataset = re.search(r"ds-\w{20}", done.out).group(0)
    job = {"type": "train", "model": "m", "dataset": dataset, "target": "y", "epochs": 2, "label": "production"}
    status, _, made = it.ask("POST", "/v1/jobs", job)
    assert status == 202, made
    until = time.monotonic() + 120
    while it.ask("GET", "/v1/jobs/" + made["id"])[2]["status"] != "succeeded":
        assert time.monotonic() < until
        time.sleep(0.05)
    headers = {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1;host=internal", "X-Forwarded-Host": "internal", "Referer": ELSEWHERE,
               "Origin": ELSEWHERE, "X-Callback-Url": ELSEWHERE}
    assert it.ask("POST", "/v1/models/m:predict", {"instances": [[1]]}, headers=headers)[0] == 200
    for body in (dict(job, dataset=ELSEWHERE), dict(job, webhook=ELSEWHERE), dict(job, model=ELSEWHERE)):
        assert it.ask("POST", "/v1/jobs", body)[0] in (400, 403, 404, 422)
    it.ask("GET", "/v1/models/http%3a%2f%2f127.0.0.1%3a9")
    it.ask("POST", "/v1/tokens", {"name": ELSEWHERE, "scopes": ["model:m:read"], "expires_in": 60})


def tests(folder):
    out = folder + "/self"
    subprocess.run(traced(out, sys.executable, "-c", "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"), check=True)
    yield "strace sees a connect where there is one", seen(out) != []
    out = folder + "/trace"
    wrapper = folder + "/traced-licitd"
    with open(wrapper, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexec %s \"$@\"\n" % " ".join(traced(out, os.path.abspath(LICITD))))
    os.chmod(wrapper, 0o700)
    it = daemon.Daemon(wrapper, LICIT, folder + "/state").start()
    try:
        work(it, folder)
        pid = subprocess.run(["pgrep", "-P", str(it.process.pid)], capture_output=True, text=True, check=True).stdout.split()[0]
        os.kill(int(pid), 15)
        status = it.process.wait(60)
    finally:
        it.process.kill()
    yield "the daemon did all of it and stopped with 0", status == 0
    calls = seen(out)
    print("".join("# " + line for line in calls[:20]), end="")
    yield "it called nobody", calls == []


def main():
    if shutil.which("strace") is None or subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], check=False).returncode != 0:
        print("1..1\nok 1 - not tried: strace is missing or may not trace here")
        return
    failed, n = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for n, (name, passed) in enumerate(tests(folder), 1):
            failed += not passed
            print("%sok %d - %s" % ("" if passed else "not ", n, name))
            sys.stdout.flush()
    print("1..%d" % n)
    sys.exit(failed > 0)


main()
