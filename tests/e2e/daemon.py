# SPDX-License-Identifier: Apache-2.0
"""A real licitd on a free port with a state directory of its own, and the licit command that talks to it."""
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import threading

START_SECONDS = 60  # a sanitizer build on a busy machine


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return "status %d\nout: %s\nerr: %s" % (self.status, self.out[-3000:], self.err[-3000:])


class Daemon:
    def __init__(self, licitd, licit, state, *options):
        self.licitd, self.licit_path, self.state, self.options = licitd, licit, state, options
        self.process, self.port = None, 0

    def start(self):
        """On a free port the first time, on the same one after that, so that clients find it again."""
        self.process = subprocess.Popen([self.licitd, "--state", self.state, "--listen", "127.0.0.1:%d" % self.port, *self.options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log, self.is_up = [], False
        self.listening = threading.Event()
        threading.Thread(target=self._read, args=(self.process, self.log, self.listening), daemon=True).start()
        if not self.listening.wait(START_SECONDS) or not self.is_up:
            self.process.kill()
            raise AssertionError("licitd did not start:\n" + "".join(self.log))
        self.url = "%s://127.0.0.1:%d" % ("http" if "--plain" in self.options else "https", self.port)
        return self

    def _read(self, process, log, listening):
        """Of one process: when the next one starts, this may still be at the last words of the one before."""
        for line in process.stderr:
            log.append(line)
            found = re.search(r"event=ready.*127\.0\.0\.1:(\d+)", line)
            if found and not self.is_up:
                self.port, self.is_up = int(found.group(1)), True
                listening.set()
        listening.set()  # the end of the process ends the waiting

    def stop(self, number=signal.SIGTERM, seconds=60):
        """The exit status, negative for a signal."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    @property
    def certificate(self):
        return os.path.join(self.state, "tls", "certificate.pem")

    @property
    def token(self):
        with open(os.path.join(self.state, "first-token"), encoding="ascii") as file:
            return file.read().strip()

    def environment(self, **more):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LICIT_")}
        clean.update(LICIT_URL=self.url, LICIT_CACERT=self.certificate, LICIT_TOKEN="@" + os.path.join(self.state, "first-token"))
        clean.update(more)
        return clean

    def licit(self, *words, seconds=300, **env):
        done = subprocess.run([self.licit_path, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                              env=self.environment(**env))
        return Done(done.returncode, done.stdout, done.stderr)

    def watch(self, job):
        """licit job watch as a process whose standard error can be read line by line."""
        return subprocess.Popen([self.licit_path, "job", "watch", job], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.environment())

    def ask(self, method, path, body=None, token=None, headers=()):
        """One request: status, headers, body as JSON (None: empty)."""
        context = ssl.create_default_context(cafile=self.certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        sent = dict(headers)
        if token != "":
            sent["Authorization"] = "Bearer " + (token or self.token)
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection.request(method, path, body, sent)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, dict(reply.getheaders()), json.loads(text) if text else None
