# SPDX-License-Identifier: Apache-2.0
"""nginx and HAProxy as ordinary processes, with the files of deploy/ and nothing changed in them but names, ports and paths."""
import os
import re
import socket
import subprocess
import time

START_SECONDS = 20


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def make_certificate(folder):
    """For localhost; the paths of certificate, key, and both in one file."""
    paths = [os.path.join(folder, name) for name in ("certificate.pem", "key.pem", "both.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", paths[1], "-out", paths[0]],
                   check=True, capture_output=True)
    with open(paths[2], "w", encoding="ascii") as both:
        for path in paths[:2]:
            with open(path, encoding="ascii") as file:
                both.write(file.read())
    return paths


def change(text, *pairs):
    """Each pattern must be there: a deploy file that lost a line is not tested by accident."""
    for pattern, new in pairs:
        text, count = re.subn(pattern, lambda _: new, text)
        assert count >= 1, pattern
    return text


class Proxy:
    def __init__(self, root, folder, upstream):
        """upstream: "unix:PATH" or "127.0.0.1:PORT"."""
        self.root, self.folder, self.upstream, self.port = root, folder, upstream, free_port()
        os.makedirs(folder, exist_ok=True)
        self.certificate, self.key, self.both = make_certificate(folder)

    def deploy_file(self, name):
        with open(os.path.join(self.root, "deploy", name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self):
        self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError("%s did not start: %s" % (self.name, open(self.log.name, encoding="utf-8").read()))

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


class Nginx(Proxy):
    name = "nginx"

    def command(self):
        server = change(self.deploy_file("nginx/licit.conf"),
                        (r"server unix:/run/licit/licit\.sock;", "server %s;" % self.upstream),
                        (r"listen 443 ssl http2;", "listen 127.0.0.1:%d ssl http2;" % self.port),
                        (r"/etc/ssl/models\.example/chain\.pem", self.certificate),
                        (r"/etc/ssl/models\.example/key\.pem", self.key))
        temporary = "".join("%s_temp_path %s/%s;\n" % (kind, self.folder, kind) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main = ("daemon off; worker_processes 1; pid %s/pid; error_log stderr warn;\nevents { worker_connections 1024; }\n"
                "http { access_log off;\n%sinclude %s;\n}\n" % (self.folder, temporary, self.write("licit.conf", server)))
        if os.geteuid() == 0:
            main = "user root;\n" + main  # the socket and the folder are ours alone
        return ["nginx", "-c", self.write("nginx.conf", main), "-p", self.folder, "-e", "stderr"]


class Haproxy(Proxy):
    name = "haproxy"

    def command(self):
        upstream = "unix@" + self.upstream[5:] if self.upstream.startswith("unix:") else self.upstream
        text = change(self.deploy_file("haproxy/haproxy.cfg"),
                      (r"server licit unix@/run/licit/licit\.sock", "server licit " + upstream),
                      (r"bind :443 ", "bind 127.0.0.1:%d " % self.port),
                      (r"/etc/ssl/models\.example/both\.pem", self.both))
        return ["haproxy", "-db", "-f", self.write("haproxy.cfg", text)]
