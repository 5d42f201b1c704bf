# SPDX-License-Identifier: Apache-2.0
"""Who may do what, route by route, against a real licitd: every row of the table that dispatches answers 401 without a
token, 403 to a token of every right but its own, and its own answer to a token of nothing but its own.

    test_routes.py LICITD LICIT PRINT_ROUTES       one line of TAP a row
"""
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time

import daemon

PUBLIC = {"/", "/openapi.json", "/v2/health/live", "/v2/health/ready"}
ROUNDS = 60  # of each side when two refusals are timed
BOUNDARY = "licit-routes"
METADATA = {"name": "people", "licence": "CC0-1.0", "purposes": ["test"], "personal_data": False}
CSV = "x,y\n" + "".join("%d,%s\n" % (i, "ab"[i % 2]) for i in range(40))
NOT_EXPLAINED = ("type", "request_id")  # of a problem body: differ between two equal refusals


class Tap:
    count = failed = 0

    def row(self, name, problem):
        """problem: what is wrong, or nothing."""
        self.count += 1
        self.failed += bool(problem)
        print("%sok %d - %s" % ("not " if problem else "", self.count, name.replace("#", "?")))
        if problem:
            print("# " + str(problem).replace("\n", "\n# ")[:1000])
        sys.stdout.flush()


class Reply:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    def __repr__(self):
        return "%d %s" % (self.status, self.text[:300])


class House:
    """The daemon, and things of every kind in it."""

    def __init__(self, licitd, licit, state):
        self.it = daemon.Daemon(licitd, licit, state, "--plain", "--set", "limits.anonymous=0", "--set", "log.requests=no").start()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.it.port, timeout=60)
        self.admin = self.it.token
        self.dataset = self.add_dataset()
        self.job = self.train("wine", label="production")
        self.train("gone")
        self.train("gone")
        self.long_job = json.loads(self.ask("POST", "/v1/jobs", self.job_body("long", epochs=10000), self.admin).text)["id"]

    def ask(self, method, path, body=None, token=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = "Bearer " + token
        if body is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        for patience in (1, 0):
            try:
                self.connection.request(method, path, body, sent)
                reply = self.connection.getresponse()
                return Reply(reply.status, reply.headers, reply.read().decode("utf-8", "replace"))
            except (http.client.HTTPException, ConnectionError):
                self.connection.close()
                if not patience:
                    raise

    def add_dataset(self):
        return json.loads(self.ask("POST", "/v1/datasets", upload(), self.admin, **UPLOAD).text)["id"]

    def job_body(self, model, **more):
        return json.dumps(dict({"type": "train", "model": model, "dataset": self.dataset, "target": "y", "epochs": 1}, **more))

    def train(self, model, **more):
        job = json.loads(self.ask("POST", "/v1/jobs", self.job_body(model, **more), self.admin).text)["id"]
        until = time.monotonic() + 60
        while time.monotonic() < until:
            status = json.loads(self.ask("GET", "/v1/jobs/" + job, None, self.admin).text)["status"]
            if status not in ("queued", "running"):
                assert status == "succeeded", status
                return job
        raise AssertionError("the job did not end")

    def make_token(self, *scopes):
        reply = self.ask("POST", "/v1/tokens", json.dumps({"name": "t", "scopes": scopes, "expires_in": 3600}), self.admin)
        assert reply.status == 201, reply
        return json.loads(reply.text)

    def token(self, *scopes):
        return self.make_token(*scopes)["token"]


def upload():
    part = "--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n"
    return (part % (BOUNDARY, "metadata", "\r\nContent-Type: application/json", json.dumps(METADATA))
            + part % (BOUNDARY, "file", "; filename=\"t.csv\"", CSV) + "--%s--\r\n" % BOUNDARY)


UPLOAD = {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY}


class Call:
    """How a route is asked so that only the scope decides: body, what else the body needs, and its own answer."""

    def __init__(self, status, body=None, headers=None, also=(), fresh=None):
        self.status, self.body, self.headers, self.also, self.fresh = status, body, headers or {}, also, fresh


def calls(house):
    """In an order in which every one still finds its thing. fresh makes the thing that is destroyed."""
    job = house.job_body("routes")
    label, rows = json.dumps({"version": 1}), json.dumps({"instances": [[3]]})
    token = json.dumps({"name": "child", "scopes": ["token:write"], "expires_in": 60})
    return {
        "POST /v1/datasets": Call(201, upload(), UPLOAD),
        "GET /v1/datasets": Call(200),
        "GET /v1/datasets/{dataset}": Call(200),
        "DELETE /v1/datasets/{dataset}": Call(200, fresh={"dataset": house.add_dataset}),
        "POST /v1/jobs": Call(202, job, also=("dataset:%s:train" % house.dataset,)),
        "GET /v1/jobs": Call(200),
        "GET /v1/jobs/{job}": Call(200),
        "GET /v1/jobs/{job}/events": Call(200),
        "POST /v1/jobs/{job}/pause": Call(200, fresh={"job": lambda: house.long_job}),
        "POST /v1/jobs/{job}/resume": Call(200, fresh={"job": lambda: house.long_job}),
        "POST /v1/jobs/{job}/cancel": Call(200, fresh={"job": lambda: house.long_job}),
        "GET /v1/models": Call(200),
        "GET /v1/models/{model}": Call(200),
        "GET /v1/models/{model}/versions/{version}": Call(200),
        "POST /v1/models/{model}:predict": Call(200, rows),
        "POST /v1/models/{model}/versions/{version}:predict": Call(200, rows),
        "POST /v1/models/{model}/labels/{label}:predict": Call(200, rows),
        "PUT /v1/models/{model}/labels/{label}": Call(200, label, fresh={"label": lambda: "canary"}),
        "DELETE /v1/models/{model}/labels/{label}": Call(204, fresh={"label": lambda: "canary"}),
        "DELETE /v1/models/{model}/versions/{version}": Call(204, fresh={"model": lambda: "gone"}),
        "DELETE /v1/models/{model}": Call(204, fresh={"model": lambda: "gone"}),
        "POST /v1/tokens": Call(201, token),
        "GET /v1/tokens": Call(200),
        "DELETE /v1/tokens/{token}": Call(204, fresh={"token": lambda: house.make_token("job:read")["id"]}),
    }


class Route:
    def __init__(self, method, pattern, kind, named, verb):
        self.method, self.pattern, self.kind, self.named, self.verb = method, pattern, kind, named, verb
        self.name = method + " " + pattern
        self.open = kind == "-"

    def right(self):
        return self.kind + ":" + self.verb

    def path(self, things):
        path = self.pattern
        for name, value in things.items():
            path = path.replace("{%s}" % name, value)
        return path


def read_table(program):
    lines = [line.split("\t") for line in subprocess.run([program], capture_output=True, check=True, text=True).stdout.splitlines()]
    return [Route(*line[1:]) for line in lines if line[0] == "route"], [line[1] for line in lines if line[0] == "right"]


def refusal(reply, status, code):
    """Nothing, or why this is not such a refusal; the styles of the foreign protocols say it in words."""
    if reply.status != status:
        return "%s, expected %d" % (reply, status)
    body = json.loads(reply.text) if reply.text else {}
    if reply.status == 401 and "WWW-Authenticate" not in reply.headers:
        return "no WWW-Authenticate"
    return "" if body.get("code", code) == code else reply


def without_token(tap, house, route, call, path):
    bad = {"no token": None, "an empty token": "", "no such token": "licit_" + "0" * 43 + "_3Llial", "a wrong check": house.admin[:-1] + "~",
           "the id of a token": house.make_token("*")["id"], "a token twice": house.admin + " " + house.admin}
    for what, token in bad.items():
        tap.row("%s, %s: 401" % (route.name, what), refusal(house.ask(route.method, path, call.body, token, **call.headers), 401, "unauthenticated"))
    basic = house.ask(route.method, path, call.body, Authorization="Basic " + house.admin, **call.headers)
    tap.row("%s, a token as Basic: 401" % route.name, refusal(basic, 401, "unauthenticated"))
    query = house.ask(route.method, path + "?access_token=" + house.admin + "&token=" + house.admin, call.body, **call.headers)
    tap.row("%s, a token in the query: 401" % route.name, refusal(query, 401, "unauthenticated"))


def wrong_scopes(route, rights, call, name):
    """Sets of scopes that are all not enough."""
    others = [right for right in rights if right != route.right()]
    yield "every right but %s" % route.right(), others + list(call.also)
    yield "all, with %s denied" % route.right(), ["*", "-" + route.right()]
    yield "its own, denied", [route.right(), "-" + route.right()] + list(call.also)
    if name is not None:
        yield "its own for another", ["%s:%s-other:%s" % (route.kind, name, route.verb)] + list(call.also)
        yield "all, with this one denied", ["*", "-%s:%s:%s" % (route.kind, name, route.verb)]
    elif route.named is None and route.kind != "token":
        yield "its own for one thing only", ["%s:some-thing:%s" % (route.kind, route.verb)] + list(call.also)
    for extra in call.also:
        yield "without what its body needs, %s" % extra, [route.right()]
        yield "with %s denied" % extra, ["*", "-" + extra]


def variants(path):
    """The same path in other words. None may do more than the refusal of the path itself."""
    head, tail = path[:4], path[4:]
    yield "a slash at the end", path + "/"
    yield "a double slash", "/" + path
    yield "a double slash inside", head + "/" + tail
    yield "upper case", path[:2].upper() + path[2:]
    yield "an encoded letter", "/%76" + path[2:]
    yield "encoded slashes", path[:3] + "%2f" + tail
    yield "encoded twice", path[:3] + "%252f" + tail
    yield "a parameter", path + ";x=1"
    yield "a dot", path[:3] + "/." + path[3:]
    yield "two dots", "/v2/health/live/../../.." + path
    yield "encoded dots", "/v2/health/live/%2e%2e/%2e%2e/%2e%2e" + path
    yield "a public path in front", "/openapi.json" + path
    yield "a NUL", path + "%00"
    yield "a backslash", path[:3] + "%5c" + tail


def other_words(tap, house, route, call, path, narrow):
    for what, other in variants(path):
        for who, token in (("no token", None), ("the wrong token", narrow)):
            reply = house.ask(route.method, other, call.body, token, **call.headers)
            tap.row("%s, %s, %s: %d" % (route.name, what, who, reply.status), "" if reply.status in (400, 401, 403, 404, 405) else reply)
    for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} - {route.method}:
        reply = house.ask(method, path, None if method in ("GET", "HEAD", "OPTIONS") else call.body, None, **call.headers)
        fine = reply.status in (400, 401, 404, 405) or (method == "OPTIONS" and reply.status in (200, 204) and reply.text == "")
        tap.row("%s with %s, no token: %d" % (route.pattern, method, reply.status), "" if fine else reply)


def check_route(tap, house, route, rights, call, things):
    things = dict(things, **{name: make() for name, make in (call.fresh or {}).items()})
    path = route.path(things)
    name = things[route.named] if route.named not in ("-", None) else None
    without_token(tap, house, route, call, path)
    for what, scopes in wrong_scopes(route, rights, call, name):
        reply = house.ask(route.method, path, call.body, house.token(*scopes), **call.headers)
        tap.row("%s, %s: 403" % (route.name, what), refusal(reply, 403, "forbidden"))
    other_words(tap, house, route, call, path, house.token(*[right for right in rights if right != route.right()]))
    own = "%s:%s:%s" % (route.kind, name, route.verb) if name is not None else route.right()
    reply = house.ask(route.method, path, call.body, house.token(own, *call.also), **call.headers)
    tap.row("%s, just %s: %d" % (route.name, own, call.status), "" if reply.status == call.status else reply)


def check_open(tap, house, route):
    narrow = house.token("job:read")
    for who, token in (("no token", None), ("any token", narrow), ("a token that is none", "licit_nonsense")):
        tap.row("%s, %s: 200" % (route.name, who), "" if house.ask("GET", route.pattern, None, token).status == 200 else "not open")
    for method in ("POST", "PUT", "DELETE"):
        reply = house.ask(method, route.pattern, "{}", None)
        tap.row("%s with %s: %d" % (route.pattern, method, reply.status), "" if reply.status in (400, 404, 405) else reply)


def shape(reply, name):
    """What a refusal tells, without the words that the client brought itself."""
    body = {key: value for key, value in json.loads(reply.text.replace(name, "NAME")).items() if key not in NOT_EXPLAINED}
    headers = sorted(key.lower() for key in reply.headers.keys())
    return reply.status, body, headers


def foreign_and_absent(tap, house, method, pattern, foreign, absent, token, body=None):
    """A thing of somebody else is refused like one that is not there: in the same words, with the same work."""
    replies = [house.ask(method, pattern % name, body, token) for name in (foreign, absent)]
    same = shape(replies[0], foreign) == shape(replies[1], absent)
    tap.row("%s %s, a foreign one like an absent one: 403" % (method, pattern), "" if same and replies[0].status == 403 else replies)
    times = {foreign: [], absent: []}
    for _ in range(ROUNDS):
        for name in times:
            begun = time.perf_counter()
            house.ask(method, pattern % name, body, token)
            times[name].append(time.perf_counter() - begun)
    ratio = statistics.median(times[foreign]) / statistics.median(times[absent])
    tap.row("%s %s, the same work (ratio %.2f)" % (method, pattern, ratio), "" if 0.5 < ratio < 2 else "one is told from the other by its time")


def check_objects(tap, house):
    mine = house.token("model:mine:read", "model:mine:predict", "dataset:mine:read", "job:mine:read", "job:mine:write", "token:write", "-token:*:write")
    for method, pattern, foreign, absent in (
            ("GET", "/v1/models/%s", "wine", "none"),
            ("GET", "/v1/models/%s/versions/1", "wine", "none"),
            ("GET", "/v1/datasets/%s", house.dataset, "ds-00000000000000000000"),
            ("GET", "/v1/jobs/%s", house.job, "job-00000000000000000000"),
            ("POST", "/v1/jobs/%s/cancel", house.job, "job-00000000000000000000"),
            ("DELETE", "/v1/tokens/%s", house.make_token("job:read")["id"], "tok-00000000000000000000")):
        foreign_and_absent(tap, house, method, pattern, foreign, absent, mine)
    foreign_and_absent(tap, house, "POST", "/v1/models/%s:predict", "wine", "none", mine, json.dumps({"instances": [[1]]}))


def check_bodies(tap, house):
    """Rights that only the body of a job asks for."""
    train, evaluate = house.job_body("fresh"), json.dumps({"type": "evaluate", "model": "wine", "version": 1, "dataset": house.dataset})
    data, rows = "dataset:%s:train" % house.dataset, (
        ("train, another dataset", train, ["job:write", "dataset:other:train"], 403),
        ("train, an absent dataset", house.job_body("fresh", dataset="ds-00000000000000000000"), ["job:write", "dataset:other:train"], 403),
        ("evaluate, an absent model", evaluate.replace("wine", "none"), ["job:write", "DATA"], 403),
        ("train, the dataset denied", train, ["*", "-dataset:%s:train" % house.dataset], 403),
        ("train with a label, no deploy", house.job_body("fresh", label="production"), ["job:write", "DATA"], 403),
        ("train with a label, deploy for another", house.job_body("fresh", label="production"), ["job:write", "DATA", "model:other:deploy"], 403),
        ("train with a label, deploy", house.job_body("fresh", label="production"), ["job:write", "DATA", "model:fresh:deploy"], 202),
        ("evaluate, no model", evaluate, ["job:write", "DATA"], 403),
        ("evaluate, another model", evaluate, ["job:write", "DATA", "model:other:predict"], 403),
    )
    for what, body, scopes, status in rows:
        reply = house.ask("POST", "/v1/jobs", body, house.token(*[data if scope == "DATA" else scope for scope in scopes]))
        tap.row("POST /v1/jobs, %s: %d" % (what, status), "" if reply.status == status else reply)


def check_revoked(tap, house):
    made = house.make_token("model:*:read")
    first = house.ask("GET", "/v1/models", None, made["token"]).status
    revoked = house.ask("DELETE", "/v1/tokens/" + made["id"], None, house.admin).status
    tap.row("a revoked token ends with the next request",
            "" if (first, revoked) == (200, 204) and house.ask("GET", "/v1/models", None, made["token"]).status == 401 else (first, revoked))


def check_headers(tap, house):
    for path in sorted(PUBLIC) + ["/v1/models", "/nothing"]:
        headers = house.ask("GET", path).headers
        banner = [name for name in ("Server", "X-Powered-By", "Via") if name in headers]
        tap.row("GET %s, no banner and nosniff" % path, "" if not banner and headers.get("X-Content-Type-Options") == "nosniff" else headers)


def main():
    tap, (routes, rights) = Tap(), read_table(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        house = House(sys.argv[1], sys.argv[2], folder + "/state")
        try:
            plan = calls(house)
            things = {"dataset": house.dataset, "job": house.job, "model": "wine", "version": "1", "label": "production", "token": ""}
            named = {route.name: route for route in routes if not route.open}
            tap.row("the public list is exact", "" if {r.pattern for r in routes if r.open} == PUBLIC and all(
                r.method == "GET" for r in routes if r.open) else [r.name for r in routes if r.open])
            tap.row("every route is tried here, and no other", set(plan) ^ set(named))
            tap.row("every right of a route is one of the closed list", {r.right() for r in named.values()} - set(rights))
            for route in routes:
                if route.open:
                    check_open(tap, house, route)
            check_headers(tap, house)
            check_objects(tap, house)
            check_bodies(tap, house)
            check_revoked(tap, house)
            for name, call in plan.items():
                if name in named:
                    check_route(tap, house, named[name], rights, call, things)
            tap.row("the daemon stops with 0", house.it.stop())
        finally:
            house.it.process.kill()
    print("1..%d" % tap.count)
    sys.exit(tap.failed > 0)


main()
