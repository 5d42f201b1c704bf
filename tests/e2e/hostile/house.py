# SPDX-License-Identifier: Apache-2.0
"""The daemon under test: a real process with a state directory of its own, what is in it, and what may be asked of it."""
import json
import os
import re
import signal
import subprocess
import threading

from wire import Wire, wait_until

START_SECONDS = 60  # a sanitizer build on a busy machine
SETTINGS = {
    "train.memory": "64M", "train.threads": "1", "limits.body": "256k", "limits.predict": "1M", "limits.upload": "1G",
    "limits.rows": "1000", "limits.streams": "8", "limits.anonymous": "0", "http.connections": "200",
}
NETWORK = {"layers": [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "dense", "units": 1, "activation": "sigmoid"}]}


def table(rows=240):
    """A small table with every type of column; risk follows from age and member."""
    lines = ["age,housing,member,risk"]
    for i in range(rows):
        age, housing, member = 18 + i * 7 % 60, ("own", "rent", "free")[i % 3], i % 2 == 0
        lines.append("%d,%s,%s,%s" % (age, housing, "true" if member else "false", "bad" if (age > 48) != member else "good"))
    return ("\n".join(lines) + "\n").encode()


METADATA = {"name": "people", "licence": "CC0-1.0", "purposes": ["test"], "personal_data": False}
RECORD = {"age": 30, "housing": "own", "member": True}


class House:
    """start() and stop() the process; ask() as the holder of the first token."""

    def __init__(self, licitd, folder, *options):
        """options: --plain for all that needs no TLS."""
        self.licitd, self.folder, self.options = licitd, folder, options
        self.state = os.path.join(folder, "state")
        self.process, self.port, self.log = None, 0, []

    # --- the process ---

    def start(self):
        options = [word for key, value in SETTINGS.items() for word in ("--set", "%s=%s" % (key, value))]
        self.process = subprocess.Popen([self.licitd, "--state", self.state, "--listen", "127.0.0.1:0", *self.options, *options],
                                        env=dict(os.environ, MALLOC_ARENA_MAX="1"),  # what is free in many arenas hides what is lost
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, errors="replace")
        self.port = 0
        listening = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(listening,), daemon=True)
        self.reader.start()
        if not listening.wait(START_SECONDS) or self.port == 0:
            self.process.kill()
            raise AssertionError("licitd did not start:\n" + "".join(self.log))
        self.wire = Wire(self.port)
        with open(os.path.join(self.state, "first-token"), encoding="ascii") as file:
            self.token = file.read().strip()
        return self

    def _read(self, listening):
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"event=ready.*127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                listening.set()
        listening.set()  # the end of the process ends the waiting

    def stop(self):
        """SIGTERM; the exit status, negative for a signal."""
        self.wire.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        finally:
            self.process.kill()
        self.reader.join(10)
        return status

    def is_alive(self):
        return self.process.poll() is None

    def resident(self, key="VmRSS"):
        """MiB now; VmHWM: the most it ever was."""
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return int(re.search(key + r":\s+(\d+) kB", file.read()).group(1)) / 1024

    # --- asking ---

    def headers(self, token=None, more=(), length=None, kind=None):
        token = self.token if token is None else token
        out = [("Host", "licit.test")]
        out += [("Authorization", "Bearer " + token)] if token else []
        out += [("Content-Type", kind)] if kind else []
        out += [("Content-Length", str(length))] if length is not None else []
        return out + list(more)

    def ask(self, method, target, body=None, token=None, more=(), kind="application/json"):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = self.headers(token, more, None if body is None else len(body), None if body is None else kind)
        return self.wire.ask(method, target, headers, [] if body is None else [body])

    def must(self, method, target, body=None, **more):
        reply = self.ask(method, target, body, **more)
        if not 200 <= reply.status < 300:
            raise AssertionError("%s %s: %r" % (method, target, reply))
        return reply.json

    # --- what is there ---

    def upload(self, data, metadata=None, token=None, metadata_first=True):
        parts = multipart(json.dumps(metadata or METADATA).encode(), data, metadata_first)
        return self.ask("POST", "/v1/datasets", parts, token=token, kind=MULTIPART)

    def submit(self, **more):
        job = {"type": "train", "model": "risk", "dataset": self.dataset, "target": "risk", "network": NETWORK, "epochs": 1, "seed": 7}
        job.update(more)
        return self.ask("POST", "/v1/jobs", {k: v for k, v in job.items() if v is not None})

    def ended(self, job, seconds=60):
        """The job once it is over."""
        def look():
            now = self.must("GET", "/v1/jobs/" + job)
            return now if now["status"] in ("succeeded", "failed", "cancelled") else None
        return wait_until(look, seconds, "the end of " + job)

    def furnish(self):
        """A dataset, an erased one, three versions, a label, tokens of every kind."""
        self.dataset = self.upload(table()).json["id"]
        self.erased = self.upload(table(60)).json["id"]
        self.must("DELETE", "/v1/datasets/" + self.erased)
        self.jobs = [self.submit(seed=seed).json["id"] for seed in (1, 2, 3)] + [self.submit(model="bare").json["id"]]
        for job in self.jobs:
            assert self.ended(job)["status"] == "succeeded", self.must("GET", "/v1/jobs/" + job)
        self.must("PUT", "/v1/models/risk/labels/production", {"version": 1})
        self.tokens = {}
        for name, scopes, seconds in (("narrow", ["metrics:read"], 3600), ("reader", ["model:risk:read", "job:read", "dataset:read"], 3600),
                                      ("submitter", ["job:write"], 3600), ("other", ["model:other:predict"], 3600),
                                      ("writer", ["token:write", "model:risk:predict"], 3600), ("revoked", ["*"], 3600), ("expired", ["*"], 1)):
            self.tokens[name] = self.must("POST", "/v1/tokens", {"name": name, "scopes": scopes, "expires_in": seconds})
        self.must("DELETE", "/v1/tokens/" + self.tokens["revoked"]["id"])
        self.answer = self.predict()

    def quiet(self):
        """Cancels what runs or waits."""
        for job in self.must("GET", "/v1/jobs?limit=1000")["data"]:
            if job["status"] in ("queued", "running", "paused"):
                self.ask("POST", "/v1/jobs/%s/cancel" % job["id"])
                self.ended(job["id"])

    def predict(self):
        return self.must("POST", "/v1/models/risk:predict", {"instances": [RECORD, dict(RECORD, age=70)]})

    def snapshot(self):
        """Everything that lists and models show, without what may move by itself."""
        out = {}
        for kind in ("datasets", "jobs", "models", "tokens"):
            page = self.must("GET", "/v1/%s?limit=1000" % kind)
            assert not page["has_more"], kind
            out[kind] = {item["id"]: item for item in page["data"]}
        for token in out["tokens"].values():
            token.pop("last_used_at", None)
        for model in out["models"].values():
            model.pop("model_version_status")  # what is loaded may change with any request
        return out

    def files(self):
        """Names in the state directory, without those that SQLite makes and removes as it likes."""
        found = set()
        for folder, _, names in os.walk(self.state):
            found |= {os.path.relpath(os.path.join(folder, name), self.state) for name in names}
        return {name for name in found if not name.startswith("licit.db-")}


# --- multipart ---

BOUNDARY = "----hostile"
MULTIPART = "multipart/form-data; boundary=" + BOUNDARY


def part(name, data, kind=None, file=None):
    lines = ['--%s\r\nContent-Disposition: form-data; name="%s"' % (BOUNDARY, name)]
    lines[0] += '; filename="%s"' % file if file else ""
    lines += ["Content-Type: " + kind] if kind else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data + b"\r\n"


def close():
    return ("--%s--\r\n" % BOUNDARY).encode()


def multipart(metadata, data, metadata_first=True):
    parts = [part("metadata", metadata, "application/json"), part("file", data, "text/csv", "table.csv")]
    return b"".join(parts if metadata_first else reversed(parts)) + close()
