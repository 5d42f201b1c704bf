# SPDX-License-Identifier: Apache-2.0
"""A real licitd with several TLS listeners, each on a free port, and a client that shows what certificate one likes."""
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time

PATIENCE = 60  # seconds; a sanitizer build on a busy machine
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Gate:
    def __init__(self, licitd, state):
        self.licitd, self.state, self.log, self.ports = licitd, state, [], {}

    def start(self, listeners, **settings):
        """listeners: name -> settings of the section; main is always there."""
        words = [self.licitd, "--state", self.state, "--listen", "127.0.0.1:0", "--set", "limits.anonymous=0"]
        for name, keys in listeners.items():
            if name != "main":
                words += ["--set", "listener.%s.listen=127.0.0.1:0" % name]
            for key, value in keys.items():
                words += ["--set", "listener.%s.%s=%s" % (name, key, value)]
        for key, value in settings.items():
            words += ["--set", "%s=%s" % (key.replace("__", "."), value)]
        self.log, self.ports, self.turn = [], {}, threading.Condition()
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        self.await_log("event=ready")
        return self

    def _read(self):
        for line in self.process.stderr:
            with self.turn:
                found = re.search(r"event=(?:listening listener=(\S+)|ready) url=https://127\.0\.0\.1:(\d+)", line)
                if found:
                    self.ports[found.group(1) or "main"] = int(found.group(2))
                self.log.append(line)
                self.turn.notify_all()
        with self.turn:
            self.log.append("(the end)")
            self.turn.notify_all()

    def count(self, part):
        return sum(part in line for line in self.log)

    def await_log(self, part, times=1):
        deadline = time.monotonic() + PATIENCE
        with self.turn:
            while self.count(part) < times:
                left = deadline - time.monotonic()
                if left <= 0 or "(the end)" in self.log:
                    raise AssertionError("no %s:\n%s" % (part, "".join(self.log[-20:])))
                self.turn.wait(left)

    def reload(self, part="event=reloaded"):
        """SIGHUP, and waits until the log says what came of it."""
        before = self.count(part)
        self.process.send_signal(signal.SIGHUP)
        self.await_log(part, before + 1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    @property
    def token(self):
        with open(os.path.join(self.state, "first-token"), encoding="ascii") as file:
            return file.read().strip()

    def connect(self, name="main", pair=None, version=None, trust=None):
        """A connection whose handshake is done. trust: a PEM file; without it any server will do."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if trust is not None:
            context.load_verify_locations(trust)
            context.check_hostname, context.verify_mode = True, ssl.CERT_REQUIRED
        if version is not None:
            context.minimum_version = context.maximum_version = VERSIONS[version]
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        connection = http.client.HTTPSConnection("127.0.0.1", self.ports[name], timeout=PATIENCE, context=context)
        connection.connect()
        return connection

    def see(self, name="main"):
        """The certificate that a listener shows."""
        connection = self.connect(name)
        der = connection.sock.getpeercert(True)
        connection.close()
        return der

    def ask(self, method, path, body=None, token=None, name="main", pair=None, version=None):
        connection = self.connect(name, pair, version)
        try:
            return ask_on(connection, path, method, body, token)
        finally:
            connection.close()


def ask_on(connection, path, method="GET", body=None, token=None):
    headers = {} if token is None else {"Authorization": "Bearer " + token}
    if body is not None:
        headers["Content-Type"], body = "application/json", json.dumps(body)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    text = reply.read()
    return reply.status, json.loads(text) if text else None
