# SPDX-License-Identifier: Apache-2.0
"""python3 test_front.py LICITD: what browsers, caches and proxies see of a real daemon: HEAD, entity tags, OPTIONS, CORS, forwarded clients."""
import http.client
import json
import os
import sys
import tempfile
import time

from daemon import Daemon

OWN = "https://app.example"
VARIES = {"date", "x-request-id", "ratelimit", "ratelimit-policy", "traceparent"}
ALWAYS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cross-origin-resource-policy": "same-origin",
          "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}


class Reply:
    def __init__(self, reply, left):
        self.status, self.body, self.left = reply.status, reply.read(), left
        self.headers = {}
        for name, value in reply.getheaders():
            if name.lower() in self.headers:
                raise AssertionError("%s is there twice" % name)
            self.headers[name.lower()] = value

    def __repr__(self):
        return "%d %r %r" % (self.status, self.headers, self.body[:300])


def ask(daemon, method, path, **headers):
    """One request; what the server says behind the reply is in left: nothing may."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.putrequest(method, path)
    for name, value in headers.items():
        if value is not None:
            connection.putheader(name.replace("_", "-"), value)
    connection.putheader("Connection", "close")
    connection.endheaders()
    reply = connection.getresponse()
    if method == "HEAD":  # http.client reads no body by itself
        raw = reply.fp.read()
    out = Reply(reply, raw if method == "HEAD" else b"")
    connection.close()
    return out


def check(condition, words):
    if not condition:
        raise AssertionError(words)


def bearer(daemon):
    return "Bearer " + daemon.token


def same_but_body(got, head, path):
    check(head.left == b"", "a body behind HEAD %s: %r" % (path, head.left[:200]))
    check(head.status == got.status, "HEAD %s: %r, GET: %r" % (path, head, got))
    mine, theirs = ({k: v for k, v in reply.headers.items() if k not in VARIES} for reply in (head, got))
    check(mine == theirs, "HEAD %s: %r, GET: %r" % (path, mine, theirs))
    check("content-length" in head.headers, "HEAD %s has no Content-Length" % path)


def test_head_of_every_get(daemon):
    paths = [path for path, operations in daemon.openapi["paths"].items() if "get" in operations]
    check(len(paths) > 10, paths)
    for path in paths + ["/nothing", "/v1/models?limit=0", "/v1/models/%00", "/v1/datasets/ds-1", "/v1//x"]:
        path = path.replace("{dataset}", "ds-" + "0" * 20).replace("{job}", "job-" + "0" * 20).replace("{model}", "m").replace("{version}", "1")
        for authorization in (None, bearer(daemon)):
            same_but_body(*(ask(daemon, method, path, Authorization=authorization) for method in ("GET", "HEAD")), path)


def test_every_reply_has_the_headers(daemon):
    for method, path in [("GET", "/"), ("GET", "/v1/models"), ("GET", "/nothing"), ("BREW", "/"), ("OPTIONS", "*"), ("OPTIONS", "/"), ("DELETE", "/"), ("GET", "/%00"), ("GET", "*")]:
        reply = ask(daemon, method, path)
        for name, value in ALWAYS.items():
            check(reply.headers.get(name) == value, "%s %s: %s: %r" % (method, path, name, reply))
        check("server" not in reply.headers and "strict-transport-security" not in reply.headers, reply)
        check(reply.headers["cache-control"] == ("no-cache" if (method, path) == ("GET", "/") else "no-store"), reply)


def test_entity_tags(daemon):
    for path in ("/", "/openapi.json", "/v1/models", "/v1/tokens", "/v2/health/live"):
        first = ask(daemon, "GET", path, Authorization=bearer(daemon))
        tag = first.headers["etag"]
        check(len(tag) == 34 and tag[0] == tag[-1] == '"', tag)
        for method in ("GET", "HEAD"):
            for named in (tag, "W/" + tag, '"x", ' + tag, "*"):
                reply = ask(daemon, method, path, Authorization=bearer(daemon), If_None_Match=named)
                check(reply.status == 304 and reply.body == b"" and reply.left == b"", "%s %s: %r" % (path, named, reply))
                check(reply.headers["etag"] == tag and "content-type" not in reply.headers, reply)
        reply = ask(daemon, "GET", path, Authorization=bearer(daemon), If_None_Match='"x"')
        check(reply.status == 200 and reply.body == first.body, reply)
    check(ask(daemon, "GET", "/v1/models", If_None_Match="*").status == 401, "a tag is no token")


def test_304_keeps_the_connection(daemon):
    tag = ask(daemon, "GET", "/openapi.json").headers["etag"]
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    for _ in range(3):
        for path, headers, status in [("/openapi.json", {"If-None-Match": tag}, 304), ("/v2/health/live", {}, 200)]:
            connection.request("GET", path, headers=headers)
            reply = connection.getresponse()
            check((reply.status, bool(reply.read())) == (status, status == 200), status)
    connection.request("OPTIONS", "/v1/models")
    check(connection.getresponse().read() == b"", "OPTIONS has no body")
    connection.close()


def test_options_of_every_path(daemon):
    for path, operations in daemon.openapi["paths"].items():
        methods = {method.upper() for method in operations} | {"OPTIONS"} | ({"HEAD"} if "get" in operations else set())
        target = path.replace("{", "").replace("}", "")
        reply = ask(daemon, "OPTIONS", target)
        check(reply.status == 204 and set(reply.headers["allow"].split(", ")) == methods and reply.body == b"", "%s: %r" % (path, reply))
        check("access-control-allow-methods" not in reply.headers, reply)
        reply = ask(daemon, "OPTIONS", target, Origin=OWN, Access_Control_Request_Method="POST", Access_Control_Request_Headers="authorization")
        check(set(reply.headers["access-control-allow-methods"].split(", ")) == methods, reply)
        check(reply.headers["access-control-allow-origin"] == OWN and "Authorization" in reply.headers["access-control-allow-headers"], reply)
        reply = ask(daemon, "OPTIONS", target, Origin="https://evil.example", Access_Control_Request_Method="POST")
        check(not [name for name in reply.headers if name.startswith("access-control")], reply)
    check(ask(daemon, "OPTIONS", "/nothing").status == 404, "OPTIONS of nothing")
    check(ask(daemon, "OPTIONS", "*").headers["allow"] == "GET, HEAD, POST, PUT, DELETE, OPTIONS", "OPTIONS *")


def test_pages_see_errors_and_tags(daemon):
    reply = ask(daemon, "GET", "/v1/models", Origin=OWN)
    check(reply.status == 401 and reply.headers["access-control-allow-origin"] == OWN and reply.headers["vary"] == "Origin", reply)
    check("X-Request-Id" in reply.headers["access-control-expose-headers"] and "ETag" in reply.headers["access-control-expose-headers"], reply)
    check("access-control-allow-credentials" not in reply.headers, reply)


def logged(daemon, **headers):
    """The network of the client that the log names."""
    reply = ask(daemon, "GET", "/v2/health/live", **headers)
    check(reply.status == 200, reply)
    for _ in range(2000):
        for line in list(daemon.log):
            if reply.headers["x-request-id"] in line:
                return json.loads(line).get("client", "")
        time.sleep(0.01)  # the log thread gathers lines
    raise AssertionError("no line")


def test_forwarded_clients(daemon):
    for headers, client in [({}, "127.0.0.0/24"), ({"X_Forwarded_For": "198.51.100.7"}, "198.51.100.0/24"), ({"X_Forwarded_For": "1.1.1.1, 198.51.100.7, 127.0.0.1"}, "198.51.100.0/24"),
                            ({"Forwarded": 'for="[2001:db8:1:2::3]:80"'}, "2001:db8:1::/48"), ({"X_Forwarded_For": "unknown"}, "")]:
        got = logged(daemon, **headers)
        check(got == client or got == client.split("/")[0], "%r: %s, not %s" % (headers, got, client))
    for headers in ({"X_Forwarded_For": "garbage"}, {"Forwarded": "garbage"}, {"X_Forwarded_For": "1.1.1.1", "Forwarded": "for=2.2.2.2"}):
        reply = ask(daemon, "GET", "/v2/health/live", **headers)
        check(reply.status == 400 and b"orwarded" in reply.body, reply)


def main():
    tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
    print("1..%d" % len(tests))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "licitd.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write("[http]\ncors_origins = %s http://localhost:3000\n[limits]\nanonymous = 0\n[listener main]\nproxies = 127.0.0.0/8\n" % OWN)
        daemon = Daemon(sys.argv[1], None, os.path.join(folder, "state"), "--plain", "--config", config).start()
        daemon.openapi = json.loads(ask(daemon, "GET", "/openapi.json").body)
        for number, test in enumerate(tests, 1):
            try:
                test(daemon)
                print("ok %d - %s" % (number, test.__name__))
            except Exception as error:  # one that fails does not hide the others
                failed += 1
                print("not ok %d - %s\n# %s" % (number, test.__name__, repr(error).replace("\n", " ")[:3000]))
        status = daemon.stop()
        check(status == 0, status)
    sys.exit(failed > 0)


main()
