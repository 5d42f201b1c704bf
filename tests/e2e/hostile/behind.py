# SPDX-License-Identifier: Apache-2.0
"""The raw rows once more through nginx: what it would pass on differently, it refuses, and nothing is executed behind it."""
import os
import re
import shutil
import socket
import subprocess
import time

from raw import LISTEN_SECONDS
from wire import wait_until

REFUSALS = {400, 405, 408, 411, 413, 414, 417, 431, 494, 501, 505}
# What nginx takes in its own way and passes on as it understood it: licit then sees one reading, and it is the same one.
NORMALISED = re.compile(r"\\n|\\r: y|coding chunked\\r$|chunked\\r$|bare CRs? first|bare LF|CL \d+\\r$|a (value|token|name) .*0x|[;=)\"]: |\\xa0|\\xff|\\xc3|L\?\?ngth|chunk size %x 0|0 and text|extension ;|one byte less"
                        r"|GET  /|  HTTP|HTTP/1\.1 $|\\r\\n HTTP|ends with 0x|begins with 0x|with 0x0a|ngth: %d|good, a method|two of|X: a\\r|header (nonsense|X)$|header X[=;]y|Connection: close and|version HTTP/1")
CONF = """daemon off;
master_process off;
pid %(folder)s/pid;
error_log %(folder)s/error.log crit;
events { worker_connections 256; }
http {
    log_format seen '$request_method $status $upstream_status';
    access_log %(folder)s/access.log seen;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    client_max_body_size 2m;
    lingering_close off;
    upstream licit { server 127.0.0.1:%(licit)d; keepalive 4; }
    server {
        listen 127.0.0.1:%(port)d;
        location / {
            proxy_pass http://licit;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
        }
    }
}
"""


def find():
    """The program, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Nginx:
    def __init__(self, program, licit_port, folder):
        self.folder, self.place = os.path.join(folder, "nginx"), 0
        self.taken = self.passed = 0  # requests of the kind that the rows try to smuggle
        os.makedirs(self.folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(CONF % {"folder": self.folder, "licit": licit_port, "port": self.port})
        self.process = subprocess.Popen([program, "-p", self.folder, "-e", os.path.join(self.folder, "error.log"), "-c", conf],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_until(self.answers, about="nginx")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("nginx ended: " + self.process.stderr.read())
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except ConnectionRefusedError:
            return False

    def seen(self):
        """The lines of its log since the last call."""
        with open(os.path.join(self.folder, "access.log"), encoding="latin-1") as file:
            file.seek(self.place)
            lines = file.read()
        lines = lines[:lines.rfind("\n") + 1]
        self.place += len(lines)
        return lines.splitlines()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stderr.close()


def run(row, house, nginx):
    """What the row says of nginx; where it says nothing, refusals alone, unless nginx has a way of its own with it."""
    answers = row.send(house, nginx.port, expect=row.nginx or ([400],), ends=False)
    agree(house, nginx)
    statuses = [reply.status for reply in answers[0][0]]
    told = statuses in (row.nginx or ()) or (statuses and set(statuses) <= REFUSALS)
    if not told and row.nginx != () and not NORMALISED.search(row.name):
        raise AssertionError("%s came back: %r" % (statuses, answers[0]))


def agree(house, nginx):
    """Of the smuggled ones licit has taken no more than nginx has passed on as requests: none was cut out of another behind it."""
    limit = time.monotonic() + LISTEN_SECONDS
    while True:
        nginx.taken += sum(entry["method"] == "DELETE" for entry in house.watch.lines())
        for words in (line.split() for line in nginx.seen()):
            nginx.passed += words[0] == "DELETE" and (words[2] != "-" or words[1] == "499")  # 499: its client left meanwhile
        if nginx.taken <= nginx.passed:
            return
        if time.monotonic() > limit:
            raise AssertionError("licit has taken %d, nginx has passed on %d" % (nginx.taken, nginx.passed))
