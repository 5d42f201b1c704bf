# SPDX-License-Identifier: Apache-2.0
"""Several listeners of one real daemon, sockets that are passed, slow clients, and a stop under load. Prints TAP."""
import contextlib
import fcntl
import http.client
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

LICITD, SANITIZED = os.path.abspath(sys.argv[1]), sys.argv[2] != "none"
START_SECONDS = 60
HEALTH = b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n"


def check(condition, about):
    if not condition:
        raise AssertionError(about)


class House:
    """A daemon of a test's own: its folder, its configuration, its log."""

    def __init__(self, folder):
        self.folder, self.state, self.conf = folder, os.path.join(folder, "state"), os.path.join(folder, "licitd.conf")
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self, text, before=(), files=None, **how):
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(text + "[limits]\nanonymous = 0\n")  # clients without a token are the means here, not the matter
        limit = None if files is None else lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        self.log, self.up = [], threading.Event()
        self.process = subprocess.Popen([*before, LICITD, "--state", self.state, "--config", self.conf], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=limit, **how)
        threading.Thread(target=self._read, args=(self.process, self.log, self.up), daemon=True).start()
        return self

    def start(self, text, **how):
        self.spawn(text, **how)
        check(self.up.wait(START_SECONDS) and "event=ready" in self.text(), self.text())
        return self

    @staticmethod
    def _read(process, log, up):
        for line in process.stderr:
            log.append(line)
            if "event=ready" in line:
                up.set()
        up.set()

    def text(self):
        return "".join(self.log)

    def port(self, listener="main"):
        event = "event=ready" if listener == "main" else "event=listening listener=%s " % listener
        return int(re.search(event + r".*?:(\d+)[ \n]", self.text()).group(1))

    def refused(self, text, **how):
        """The words of a daemon that does not start."""
        self.spawn(text, **how)
        status = self.process.wait(START_SECONDS)
        self.up.wait(START_SECONDS)
        check(status in (1, 2), (status, self.text()))
        return self.text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        check(status == 0, (status, self.text()))

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def token(self):
        with open(os.path.join(self.state, "first-token"), encoding="ascii") as file:
            return file.read().strip()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def tls_context():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def ask(connection, path, token=None, method="GET", body=None):
    headers = {} if token is None else {"Authorization": "Bearer " + token}
    if body is not None:
        headers["Content-Type"], body = "application/json", json.dumps(body)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text) if text else None


def plain(port, host="127.0.0.1"):
    return http.client.HTTPConnection(host, port, timeout=30)


def test_several_listeners_at_once(house):
    house.start("[http]\nlisten = 127.0.0.1:0\n"
                "[listener six]\nlisten = [::1]:0\ntls = no\n"
                "[listener inner]\nlisten = unix:%s\ntls = no\nmode = 600\n"
                "[listener edge]\nlisten = unix:%s\n" % (house.path("s"), house.path("t")))
    check(os.stat(house.path("s")).st_mode & 0o777 == 0o600, "mode")
    check(os.stat(house.path("t")).st_mode & 0o777 == 0o660, "mode")
    edge = socket.socket(socket.AF_UNIX)
    edge.connect(house.path("t"))
    secure = http.client.HTTPConnection("localhost")
    secure.sock = tls_context().wrap_socket(edge)
    for connection in (http.client.HTTPSConnection("127.0.0.1", house.port(), context=tls_context()), plain(house.port("six"), "::1"),
                       UnixConnection(house.path("s")), secure):
        status, body = ask(connection, "/v1/models", house.token)
        check(status == 200 and body["object"] == "list", body)
    text = subprocess.run([LICITD, "--print-config", "--config", house.conf, "--set", "listener.edge.mode=0666"], capture_output=True, text=True,
                          check=True).stdout
    for part in ("\n[listener main]\n", "\n[listener six]\n", "listen = [::1]:0\n", "mode = 0600\n", "mode = 0666\n"):
        check(part in text, text)
    house.stop()
    check(not os.path.exists(house.path("s")) and not os.path.exists(house.path("t")), "the files are gone")


def test_one_unix_socket_belongs_to_one_daemon(house):
    text = "[http]\nlisten = unix:%s\n[tls]\nenabled = no\n" % house.path("s")
    house.start(text)
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(House(folder)) as other:
        said = other.refused(text)
        check("http.listen: cannot listen on" in said and "it is in use" in said, said)
    check(ask(UnixConnection(house.path("s")), "/v2/health/ready")[0] == 200, "the first still answers")
    house.process.kill()  # leaves its file behind
    house.process.wait()
    house.start(text)
    check(ask(UnixConnection(house.path("s")), "/v2/health/ready")[0] == 200, "it took the file over")
    house.stop()


def test_default_token_is_for_its_listener(house):
    text = "[http]\nlisten = 127.0.0.1:0\n[tls]\nenabled = no\n[listener inner]\nlisten = unix:%s\ndefault_token = %s\n"
    house.start(text % (house.path("s"), "tok-" + "0" * 20))
    check("event=default_token_unknown listener=inner" in house.text(), house.text())
    check(ask(UnixConnection(house.path("s")), "/v1/models")[0] == 401, "there is no such token")
    status, reader = ask(plain(house.port()), "/v1/tokens", house.token, "POST", {"name": "r", "scopes": ["model:read"], "expires_in": 3600})
    check(status == 201, reader)
    status, tokens = ask(plain(house.port()), "/v1/tokens", house.token)
    first = next(token["id"] for token in tokens["data"] if token["id"] != reader["id"])
    house.stop()

    house.start(text % (house.path("s"), reader["id"]))
    check(ask(UnixConnection(house.path("s")), "/v1/models")[0] == 200, "the listener's token may")
    check(ask(UnixConnection(house.path("s")), "/v1/datasets")[0] == 403, "but only what it may")
    check(ask(UnixConnection(house.path("s")), "/v1/datasets", house.token)[0] == 200, "a token of one's own wins")
    check(ask(UnixConnection(house.path("s")), "/v1/models", "licit_x")[0] == 401, "also a bad one")
    check(ask(plain(house.port()), "/v1/models")[0] == 401, "the other listener has none")
    house.stop()

    said = house.refused(text % (house.path("s"), first))
    check("listener.inner.default_token" in said and "not *" in said, said)
    said = house.refused("[http]\nlisten = 0.0.0.0:0\n[listener main]\ndefault_token = %s\n" % reader["id"])
    check("listener.main.default_token: needs a loopback address" in said, said)


PASSED = "[http]\nlisten = systemd:web\n[tls]\nenabled = no\n"


def test_systemd_passes_a_socket(house):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    house.spawn(PASSED, before=["systemd-socket-activate", "-l", "127.0.0.1:%d" % port, "--fdname=web"])
    deadline = time.monotonic() + START_SECONDS
    while True:  # it starts the daemon for the first client, who is answered
        with contextlib.suppress(ConnectionRefusedError):
            check(ask(plain(port), "/v2/health/live")[0] == 200, "answered")
            break
        check(time.monotonic() < deadline and house.process.poll() is None, house.text())
    check("url=http://127.0.0.1:%d" % port in house.text(), house.text())
    house.stop()


PASS = """import os, sys
for i, fd in enumerate(map(int, sys.argv[1].split(","))):
    os.dup2(fd, 3 + i)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_with(house, text, sockets):
    """As systemd does: descriptors from 3 on, and who they are for."""
    fds = [fcntl.fcntl(it.fileno(), fcntl.F_DUPFD, 100) for _, it in sockets]
    try:
        house.spawn(text, before=[sys.executable, "-c", PASS, ",".join(map(str, fds))], pass_fds=fds,
                    env={**os.environ, "LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join(name for name, _ in sockets)})
    finally:
        for fd in fds:
            os.close(fd)
    return house


def listening():
    it = socket.socket()
    it.bind(("127.0.0.1", 0))
    it.listen(128)
    return it


def test_passed_sockets_must_have_a_listener(house):
    with listening() as one, listening() as two:
        start_with(house, PASSED, [("web", one), ("other", two)])
        check(house.process.wait(START_SECONDS) == 2 and house.up.wait(START_SECONDS), house.text())
        check('systemd passes a socket "other" that no listener names' in house.text(), house.text())
        start_with(house, PASSED, [("web", one), ("web", two)])  # of one name both are served
        check(house.up.wait(START_SECONDS), house.text())
        for it in (one, two):
            check(ask(plain(it.getsockname()[1]), "/v2/health/live")[0] == 200, "served")
        house.stop()


class Load:
    """Clients that ask on kept connections until told to stop; what went wrong is kept in words."""

    def __init__(self, dial, count=8, refusal_ends=True):
        self.dial, self.refusal_ends = dial, refusal_ends
        self.stopped, self.failures, self.answered = threading.Event(), [], [0] * count
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self, me):
        while not self.stopped.is_set():
            try:
                it = self.dial()
            except (ConnectionRefusedError, FileNotFoundError) as error:
                if not self.refusal_ends:
                    self.failures.append("refused: %r" % error)
                return
            except OSError as error:  # a handshake that was cut
                self.failures.append("connecting: %r" % error)
                return
            with it:
                while not self.stopped.is_set() and self._ask(it, me):
                    pass

    def _ask(self, it, me):
        """One request; False: the connection ended, as the reply said before."""
        text = b""
        try:
            it.sendall(HEALTH)
            while not text.endswith(b"}"):
                got = it.recv(4096)
                if not got:
                    raise ConnectionError("ended after %r" % text)
                text += got
        except OSError as error:
            self.failures.append("asking: %r" % error)
            return False
        if not text.startswith(b"HTTP/1.1 200"):
            self.failures.append("answered: %r" % text)
            return False
        self.answered[me] += 1
        return b"Connection: close" not in text

    def await_answers(self, more):
        aim, deadline = sum(self.answered) + more, time.monotonic() + 30
        while sum(self.answered) < aim:
            check(time.monotonic() < deadline and not self.failures, (self.answered, self.failures[:3]))
            time.sleep(0.005)

    def end(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)
        check(not self.failures, (len(self.failures), self.failures[:3]))


def test_a_restart_behind_a_passed_socket_refuses_nobody(house):
    with listening() as it:
        port = it.getsockname()[1]
        start_with(house, PASSED, [("web", it)])
        load = Load(lambda: socket.create_connection(("127.0.0.1", port), 60), refusal_ends=False)
        for _ in range(3):
            load.await_answers(100)
            house.stop()
            start_with(house, PASSED, [("web", it)])  # clients have been waiting since the stop
        load.await_answers(100)
        load.end()
        house.stop()


def test_a_stop_under_load_loses_no_request(house):
    def tcp():
        return socket.create_connection(("127.0.0.1", house.port()), 60)

    def inner():
        it = socket.socket(socket.AF_UNIX)
        it.settimeout(60)
        it.connect(house.path("s"))
        return it

    def edge():
        return tls_context().wrap_socket(socket.create_connection(("127.0.0.1", house.port("edge")), 60))

    text = ("[http]\nlisten = 127.0.0.1:0\n[tls]\nenabled = no\n[listener inner]\nlisten = unix:%s\n[listener edge]\nlisten = 127.0.0.1:0\ntls = yes\n"
            % house.path("s"))
    for _ in range(3):
        house.start(text)
        loads = [Load(dial, 4) for dial in (tcp, inner, edge)]
        for load in loads:
            load.await_answers(50)
        house.stop()
        for load in loads:
            load.end()


def test_slow_clients_are_cut_in_time(house):
    """One byte a second keeps the library's own timeout quiet for ever; the limit over all is ten seconds."""
    house.start("[http]\nlisten = 127.0.0.1:0\n[tls]\nenabled = no\n")
    starts = [b"GET /v2/health/live HTTP/1.1\r\nX: ",
              b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n "
              % house.token.encode()]
    begun, ends, clients = time.monotonic(), [None] * len(starts), []
    for text in starts:
        clients.append(socket.create_connection(("127.0.0.1", house.port()), 30))
        clients[-1].sendall(text)
        clients[-1].setblocking(False)
    while None in ends:
        check(time.monotonic() - begun < 20, (ends, "not cut"))
        for i, it in enumerate(clients):
            try:
                if ends[i] is None:
                    it.send(b" ")
                    check(it.recv(4096) == b"", "nothing is said to it")
                    ends[i] = time.monotonic() - begun
            except BlockingIOError:
                pass
            except OSError:
                ends[i] = time.monotonic() - begun
        time.sleep(0.5)
    check(all(9 < end < 16 for end in ends), ends)
    house.stop()


def test_slow_clients_keep_nobody_out(house):
    """More slow clients than there are places, and they come again: others are answered in seconds."""
    house.start("[http]\nlisten = 127.0.0.1:0\nconnections = 50\n[tls]\nenabled = no\n")
    slow, port = [], house.port()
    worst = 0
    for _ in range(4):
        for _ in range(30):
            slow.append(socket.create_connection(("127.0.0.1", port), 30))
            slow[-1].sendall(b"GET / HTTP/1.1\r\nX: ")
        begun = time.monotonic()
        check(ask(plain(port), "/v2/health/live")[0] == 200, "answered")
        worst = max(worst, time.monotonic() - begun)
    check(worst < 8, worst)
    for it in slow:
        it.close()
    house.stop()


def test_memory_comes_back_after_a_crowd(house):
    """A thousand connections that have asked hold 32 kB each; when they have gone the process is as small as it was."""
    house.start("[http]\nlisten = 127.0.0.1:0\n[tls]\nenabled = no\n")

    def resident():
        with open("/proc/%d/statm" % house.process.pid, encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def crowd():
        clients = [socket.create_connection(("127.0.0.1", house.port()), 30) for _ in range(1000)]
        for it in clients:
            it.sendall(HEALTH)
        for it in clients:
            check(it.recv(4096).startswith(b"HTTP/1.1 200"), "answered")
        grown = resident()
        for it in clients:
            it.close()
        return grown

    def await_size(most):
        deadline = time.monotonic() + 20
        while resident() > most:
            check(time.monotonic() < deadline, (most, resident()))
            time.sleep(0.1)

    first = crowd()
    await_size(first - (20 << 20))
    small = resident()
    for _ in range(3):
        check(crowd() > small + (20 << 20), "the crowd is seen")
        await_size(small + (1 << 20))
    house.stop()


def test_open_files_are_counted_before_the_start(house):
    text = "[http]\nlisten = 127.0.0.1:0\n[tls]\nenabled = no\n"
    said = house.refused(text, files=100)
    check("http.connections: the limit of open files must be at least" in said, said)
    house.start(text, files=400)
    check("event=fewer_connections connections=104 wanted=4096" in house.text(), house.text())
    check(ask(plain(house.port()), "/v2/health/live")[0] == 200, "serves")
    house.stop()


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_") and not (SANITIZED and "memory" in name)]
    print("1..%d" % len(tests))
    failed = 0
    for i, (name, test) in enumerate(tests):
        with tempfile.TemporaryDirectory() as folder, contextlib.closing(House(folder)) as house:
            try:
                test(house)
                print("ok %d - %s" % (i + 1, name), flush=True)
            except Exception as error:  # of whatever kind: it is told, and the rest goes on
                failed += 1
                print("not ok %d - %s" % (i + 1, name), flush=True)
                print("\n".join("# " + line for line in (repr(error) + "\n" + house.text()[-3000:] if house.process else repr(error)).split("\n")),
                      flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
