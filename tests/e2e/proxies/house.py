# SPDX-License-Identifier: Apache-2.0
"""A real licitd that serves one small model, over TCP, a Unix socket, or a socket that was passed to it."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

START_SECONDS = 60
TABLE = "a,b,y\n" + "".join("%d,%d,%s\n" % (i % 17, i % 5, "yes" if i % 17 > 8 else "no") for i in range(200))
JOB = {"type": "train", "model": "m", "target": "y", "epochs": 1, "seed": 1, "label": "production",
       "network": {"layers": [{"type": "dense", "units": 4}, {"type": "dense", "units": 1, "activation": "sigmoid"}]}}
BODY = json.dumps({"instances": [{"a": 3, "b": 1}]}).encode()


class House:
    def __init__(self, licitd, folder, listen, prefix="", settings=(), passed=None):
        """passed: a listening socket that the daemon finds as descriptor 3, under the name licit."""
        self.licitd, self.folder, self.listen, self.prefix, self.settings, self.passed = licitd, folder, listen, prefix, settings, passed
        self.state = os.path.join(folder, "state")
        os.makedirs(folder, exist_ok=True)

    def start(self):
        sets = ["http.listen=" + self.listen, "http.prefix=" + self.prefix, *self.settings]
        command = [self.licitd, "--state", self.state, "--plain"] + [word for pair in sets for word in ("--set", pair)]
        if self.passed is None:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        else:
            hand_over = 'exec 3<&"$1"; shift; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=licit exec "$@"'
            self.process = subprocess.Popen(["bash", "-c", hand_over, "pass", str(self.passed.fileno()), *command],
                                            pass_fds=[self.passed.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, text=True)
        self.log, self.where = [], None
        ready = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(self.process, self.log, ready), daemon=True)
        self.reader.start()
        if not ready.wait(START_SECONDS) or self.process.poll() is not None:
            raise AssertionError("licitd did not start:\n" + "".join(self.log))
        with open(os.path.join(self.state, "first-token"), encoding="ascii") as file:
            self.token = file.read().strip()
        return self

    def _read(self, process, log, ready):
        for line in process.stderr:
            log.append(line)
            if "event=ready" in line:
                found = re.search(r"127\.0\.0\.1:(\d+)", line)
                self.where = ("127.0.0.1", int(found.group(1))) if found else None
                ready.set()
        ready.set()

    def terminate(self, seconds=30):
        """SIGTERM: exit status and how long it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.reader.join(10)
        return status, time.monotonic() - began

    @property
    def upstream(self):
        """As a proxy writes it."""
        return self.listen if self.listen.startswith("unix:") else "%s:%d" % self.where

    def connect(self):
        if self.listen.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(30)
            sock.connect(self.listen[5:])
            return sock
        return socket.create_connection(self.passed.getsockname() if self.passed else self.where, timeout=30)

    def lines(self):
        """What the request log holds."""
        return [json.loads(line) for line in list(self.log) if line.startswith("{")]


def furnish(ask):
    """Uploads, trains, deploys through ask(method, path, body, headers): (status, headers, JSON)."""
    boundary = "proxies"
    metadata = {"name": "t", "licence": "CC0-1.0", "purposes": ["test"], "personal_data": False}
    parts = [("metadata", "application/json", json.dumps(metadata)), ("file", "text/csv", TABLE)]
    body = "".join('--%s\r\nContent-Disposition: form-data; name="%s"; filename="x"\r\nContent-Type: %s\r\n\r\n%s\r\n' % (boundary, *part) for part in parts)
    status, _, dataset = ask("POST", "/v1/datasets", (body + "--%s--\r\n" % boundary).encode(), {"Content-Type": "multipart/form-data; boundary=" + boundary})
    assert status == 201, dataset
    status, _, job = ask("POST", "/v1/jobs", json.dumps(dict(JOB, dataset=dataset["id"])).encode(), {"Content-Type": "application/json"})
    assert status == 202, job
    end = time.monotonic() + 60
    while time.monotonic() < end:
        _, _, job = ask("GET", "/v1/jobs/" + job["id"], None, {})
        if job["status"] in ("succeeded", "failed"):
            assert job["status"] == "succeeded", job
            return dataset["id"]
        time.sleep(0.02)
    raise AssertionError("the job did not end")
