# SPDX-License-Identifier: Apache-2.0
"""licit behind real nginx and HAProxy with the files of deploy/, over a Unix socket and over TCP. usage: test_proxies.py ROOT LICITD"""
import http.client
import json
import os
import ssl
import sys
import tempfile
import time

import house
from house import House
from proxy import Haproxy, Nginx

ROOT, LICITD = sys.argv[1:3]
PREFIX = "/licit"
SLOW_JOB = {"type": "train", "model": "slow", "target": "y", "epochs": 2000, "seed": 1, "batch_size": 1,
            "network": {"layers": [{"type": "dense", "units": 256}, {"type": "dense", "units": 1, "activation": "sigmoid"}]}}
UPLOAD_MIB = 24

count = failed = 0


def row(name, function, *words):
    global count, failed
    count += 1
    try:
        function(*words)
        print("ok %d - %s" % (count, name))
    except Exception as error:  # a row that breaks is a row that fails
        failed += 1
        print("not ok %d - %s" % (count, name))
        print("# " + ("%s: %s" % (type(error).__name__, error))[:1500].replace("\n", "\n# "))
    sys.stdout.flush()


def check(condition, about):
    if not condition:
        raise AssertionError(about)


class Client:
    """Speaks to the proxy as the world does: TLS, the public prefix, from an address of its own choice."""

    def __init__(self, proxy, token):
        self.proxy, self.token = proxy, token

    def connect(self, source="127.0.0.1"):
        context = ssl.create_default_context(cafile=self.proxy.certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.proxy.port, timeout=60, context=context, source_address=(source, 0))

    def ask(self, method, path, body=None, headers=None, source="127.0.0.1", token=None):
        connection = self.connect(source)
        sent = {"Authorization": "Bearer " + (token or self.token), "Content-Type": "application/json"}
        sent.update(headers or {})
        connection.request(method, PREFIX + path, body, sent)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        self.headers = reply.headers
        try:
            return reply.status, reply.headers, json.loads(text)
        except ValueError:
            return reply.status, reply.headers, text


def predict(client, licit):
    status, headers, answer = client.ask("POST", "/v1/models/m:predict", house.BODY)
    check(status == 200 and len(answer["predictions"]) == 1, (status, answer))
    check(headers["X-Model-Version"] == "1" and headers["X-Request-Id"].startswith("req-"), dict(headers))
    status, _, problem = client.ask("GET", "/v1/models/nobody")
    check(status == 404 and problem["code"] == "not_found", (status, problem))
    status, _, problem = client.ask("GET", "/v1/models", token="licit_wrong")
    check(status == 401 and problem["code"] == "unauthenticated", (status, problem))


def below_prefix(client, licit):
    job = dict(house.JOB, dataset=licit.dataset)
    status, headers, reply = client.ask("POST", "/v1/jobs", json.dumps(job).encode())
    check(status == 202 and headers["Location"] == PREFIX + "/v1/jobs/" + reply["id"], (status, headers["Location"]))
    status, _, document = client.ask("GET", "/openapi.json")
    check(status == 200 and document["servers"][0]["url"] == PREFIX, document["servers"])


def big_upload(client, licit):
    """Sent in two halves: the first is on licit's disk before the second leaves the client."""
    boundary = "streamed"
    rows = b"1,2,yes\n3,4,no\n" * 4096
    metadata = json.dumps({"name": "big", "licence": "CC0-1.0", "purposes": ["test"], "personal_data": False})
    begin = ('--%s\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n%s\r\n'
             '--%s\r\nContent-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: text/csv\r\n\r\na,b,y\n' % (boundary, metadata, boundary)).encode()
    end = ("\r\n--%s--\r\n" % boundary).encode()
    pieces = (UPLOAD_MIB << 20) // len(rows)
    connection = client.connect()
    connection.putrequest("POST", PREFIX + "/v1/datasets")
    for name, value in (("Authorization", "Bearer " + client.token), ("Content-Type", "multipart/form-data; boundary=" + boundary),
                        ("Content-Length", str(len(begin) + pieces * len(rows) + len(end)))):
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(begin)
    for i in range(pieces):
        if i == pieces // 2:
            wait_for_bytes(licit, UPLOAD_MIB << 18)
        connection.send(rows)
    connection.send(end)
    reply = connection.getresponse()
    answer = json.loads(reply.read())
    connection.close()
    check(reply.status == 201 and answer["rows"] == pieces * 8192, answer)


def wait_for_bytes(licit, least):
    """Until a file in blobs/ holds that much: the proxy did not wait for the whole."""
    folder = os.path.join(licit.state, "blobs")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if any(os.path.getsize(os.path.join(folder, name)) >= least for name in os.listdir(folder)):
            return
        time.sleep(0.02)
    raise AssertionError("nothing of the upload reached the disk")


def events(client, licit):
    """Events of a job that is far from its end arrive one by one."""
    status, _, job = client.ask("POST", "/v1/jobs", json.dumps(dict(SLOW_JOB, dataset=licit.dataset)).encode())
    check(status == 202, job)
    connection = client.connect()
    connection.request("GET", PREFIX + "/v1/jobs/%s/events" % job["id"],
                       headers={"Authorization": "Bearer " + client.token, "Accept": "text/event-stream"})
    reply = connection.getresponse()
    check(reply.status == 200 and reply.headers["Content-Type"].startswith("text/event-stream"), reply.status)
    seen = 0
    while seen < 3:
        line = reply.readline().decode()
        check(line != "", "the stream ended after %d epochs" % seen)
        seen += line.startswith("event: epoch")
    status, _, now = client.ask("GET", "/v1/jobs/" + job["id"])
    check(now["status"] == "running", now["status"])
    client.ask("POST", "/v1/jobs/%s/cancel" % job["id"])
    while line != "":  # the end comes through, too
        line = reply.readline().decode()
    connection.close()


def seen_address(licit, request_id):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for line in licit.lines():
            if line["request_id"] == request_id:
                return line["client"]
        time.sleep(0.02)
    raise AssertionError("no log line of " + request_id)


def client_address(client, licit):
    """Who asks is who connected to the proxy, whatever it says of itself."""
    lies = [{}, {"X-Forwarded-For": "192.0.2.9"}, {"Forwarded": "for=192.0.2.9"}, {"X-Forwarded-For": "192.0.2.9, 127.0.0.1", "X-Real-IP": "192.0.2.9"}]
    for lie in lies:
        client.ask("GET", "/v2/health/live", headers=lie, source="127.0.0.77")
        address = seen_address(licit, client.headers["X-Request-Id"])
        check(address == "127.0.0.77", "%s was taken for %s" % (lie, address))


def direct_lie(licit):
    """Past the proxy, on a listener that names none: nobody is believed."""
    connection = http.client.HTTPConnection(*licit.where)
    connection.request("GET", PREFIX + "/v2/health/live", headers={"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9"})
    reply = connection.getresponse()
    reply.read()
    address = seen_address(licit, reply.headers["X-Request-Id"])
    check(address == "127.0.0.1", address)


def run(kind, over, folder):
    if over == "unix":
        listen, trusted = "unix:" + os.path.join(folder, "s"), "unix"
    else:
        listen, trusted = "127.0.0.1:0", "127.0.0.1"
    licit = House(LICITD, folder, listen, PREFIX, ["listener.main.proxies=" + trusted, "log.client_address=full"]).start()
    proxy = kind(ROOT, os.path.join(folder, "proxy"), licit.upstream).start()
    client = Client(proxy, licit.token)
    where = "%s over %s: " % (kind.name, over)
    try:
        licit.dataset = house.furnish(client.ask)
        for name, function in (("predictions and refusals", predict), ("everything below the prefix", below_prefix), ("an upload streams through", big_upload),
                               ("events arrive while the job runs", events), ("the client's address is the proxy's word alone", client_address)):
            row(where + name, function, client, licit)
    finally:
        proxy.stop()
        status, _ = licit.terminate()
    row(where + "licit stops with 0", check, status == 0, status)


def main():
    with tempfile.TemporaryDirectory() as top:
        for kind in (Nginx, Haproxy):
            for over in ("unix", "tcp"):
                run(kind, over, os.path.join(top, kind.name + over))
        licit = House(LICITD, os.path.join(top, "direct"), "127.0.0.1:0", PREFIX, ["log.client_address=full"]).start()
        row("without a proxy nobody is believed", direct_lie, licit)
        licit.terminate()
    print("1..%d" % count)
    return failed


sys.exit(1 if main() else 0)
