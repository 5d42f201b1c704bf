# SPDX-License-Identifier: Apache-2.0
"""Bad requests below the JSON: methods, paths, queries, tokens, scopes, framing. The routes come from /openapi.json."""
import json
import zlib

from rows import Row
from wire import Closed, chunked

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
UNKNOWN = {"dataset": "ds-" + "0" * 20, "job": "job-" + "0" * 20, "token": "tok-" + "0" * 20, "model": "nobody", "label": "nobody", "version": "99"}
PUBLIC = {"/", "/openapi.json", "/v2/health/live", "/v2/health/ready"}  # nothing else: the contract


def routes(house):
    """(path, {method: operation}) with and without what stands in braces."""
    for path, operations in house.openapi["paths"].items():
        yield path, {method.upper(): operation for method, operation in operations.items() if method.upper() in METHODS}


def fill(house, path):
    """A path of things that exist."""
    for name, value in (("dataset", house.dataset), ("job", house.jobs[0]), ("token", house.tokens["narrow"]["id"]), ("model", "risk"), ("label", "production"), ("version", "1")):
        path = path.replace("{%s}" % name, value)
    return path


def body_of(operation):
    return b"{}" if "requestBody" in operation else None


def ask(method, target, body=None, **more):
    return lambda h: h.ask(method, target, body, **more)


def methods(house):
    """What a path does not offer: 405, and Allow says what it does."""
    for path, operations in routes(house):
        offered = set(operations) | ({"HEAD"} if "GET" in operations else set()) | {"OPTIONS"}
        def allows(h, reply, offered=offered):
            if set(reply.header("Allow").split(", ")) != offered:
                raise AssertionError("Allow: %s, not %s" % (reply.header("Allow"), offered))
        for method in METHODS:
            if method not in offered and method != "HEAD":
                for token in (None, ""):
                    yield Row("method", "%s %s%s" % (method, path, "" if token is None else " without a token"),
                              ask(method, fill(house, path), token=token), 405, "method_not_allowed", None, allows)
    for method in ("BREW", "get", "PATCH", "TRACE", "CONNECT", "G" * 300, "PROPFIND"):
        yield Row("method", method, ask(method, "/v1/models"), 501, "not_implemented")


def tokens(house):
    """Every route without one that is good: 401; with one that may too little: 403."""
    some = house.token
    swapped = some[:10] + ("a" if some[10] != "a" else "b") + some[11:]
    bad = [("missing", []), ("empty", [("Authorization", "")]), ("Basic", [("Authorization", "Basic YTpi")]), ("Bearer alone", [("Authorization", "Bearer")]),
           ("Bearer and a blank", [("Authorization", "Bearer ")]), ("no Bearer", [("Authorization", some)]), ("malformed", [("Authorization", "Bearer x")]),
           ("cut", [("Authorization", "Bearer " + some[:-1])]), ("longer", [("Authorization", "Bearer " + some + "a")]), ("a letter changed", [("Authorization", "Bearer " + swapped)]),
           ("another prefix", [("Authorization", "Bearer licitn_" + some[6:])]), ("upper case", [("Authorization", "Bearer " + some.upper())]),
           ("not ASCII", [("Authorization", "Bearer licit_\u00e9" + some[7:])]), ("2 kB", [("Authorization", "Bearer " + "a" * 2048)]), ("16 kB", [("Authorization", "Bearer " + "a" * 16384)]),
           ("in the wrong header", [("X-Api-Key", some)]), ("two words", [("Authorization", "Bearer " + some + " x")]), ("an id", [("Authorization", "Bearer " + house.tokens["narrow"]["id"])]),
           ("unknown", [("Authorization", "Bearer " + forge("0" * 43))]), ("revoked", [("Authorization", "Bearer " + house.tokens["revoked"]["token"])]),
           ("expired", [("Authorization", "Bearer " + house.tokens["expired"]["token"])])]
    for name, more in bad:
        if name == "not ASCII":
            yield Row("token", name, ask("GET", "/v1/models", token="", more=more), 400, "invalid_value", "header:Authorization")
            continue
        yield Row("token", name, ask("GET", "/v1/models", token="", more=more), 401, "unauthenticated", "header:Authorization" if name in NOT_BEARER else None)
    for path, operations in routes(house):
        for method, operation in operations.items():
            target, body = fill(house, path), body_of(operation)
            if path in PUBLIC:
                yield Row("token", "%s %s is public" % (method, path), ask(method, target, token=""), 200)
                continue
            yield Row("token", "%s %s without one" % (method, path), ask(method, target, body, token=""), 401, "unauthenticated", "header:Authorization")
            yield Row("token", "%s %s revoked" % (method, path), ask(method, target, body, token=house.tokens["revoked"]["token"]), 401, "unauthenticated")
            yield Row("token", "%s %s expired" % (method, path), ask(method, target, body, token=house.tokens["expired"]["token"]), 401, "unauthenticated")
            yield Row("scope", "%s %s with metrics:read alone" % (method, path), ask(method, target, body, token=house.tokens["narrow"]["token"]), 403, "forbidden")
    yield Row("token", "in the query", ask("GET", "/v1/models?token=" + some, token=""), 401, "unauthenticated", "header:Authorization")


NOT_BEARER = {"missing", "empty", "Basic", "Bearer alone", "Bearer and a blank", "no Bearer", "2 kB", "16 kB", "in the wrong header"}
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def forge(secret):
    """A token with a right check that was never issued."""
    text, check = "licit_" + secret, ""
    crc = zlib.crc32(text.encode())
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        check = DIGITS[digit] + check
    return text + "_" + check


def scopes(house):
    """Too few scopes for what the path or the body names."""
    reader, submitter, other = (house.tokens[name]["token"] for name in ("reader", "submitter", "other"))
    train = {"type": "train", "model": "risk", "dataset": house.dataset, "target": "risk"}
    cases = [("POST", "/v1/jobs", train, reader, None), ("POST", "/v1/jobs", train, submitter, "dataset"), ("POST", "/v1/jobs", dict(train, label="production"), submitter, "label"),
             ("POST", "/v1/jobs", {"type": "evaluate", "model": "risk", "dataset": house.dataset}, submitter, "model"), ("POST", "/v1/models/risk:predict", {"instances": []}, other, None),
             ("POST", "/v1/models/risk:predict", {"instances": []}, reader, None), ("GET", "/v1/models/other", None, reader, None), ("GET", "/v1/models/risk", None, other, None),
             ("PUT", "/v1/models/risk/labels/production", {"version": 2}, reader, None), ("DELETE", "/v1/datasets/" + house.dataset, None, reader, None),
             ("DELETE", "/v1/models/risk/versions/2", None, reader, None), ("POST", "/v1/jobs/%s/cancel" % house.jobs[0], None, reader, None),
             ("DELETE", "/v1/tokens/" + house.tokens["other"]["id"], None, reader, None), ("GET", "/v1/tokens", None, reader, None)]
    for method, target, body, token, path in cases:
        yield Row("scope", "%s %s %s" % (method, target, json.dumps(body)[:40]), ask(method, target, body, token=token), 403, "forbidden", path)
    narrow = {"name": "x", "expires_in": 60}
    writer = house.tokens["writer"]["token"]
    for asked in (["*"], ["model:predict"], ["model:r*:predict"], ["dataset:read"], ["token:write", "audit:read"]):
        yield Row("scope", "a token that passes on %s" % asked, ask("POST", "/v1/tokens", dict(narrow, scopes=asked), token=writer), 403, "forbidden", "scopes")


def unknown(house):
    """Things that are not there, of every route that names one; paths that are none."""
    for path, operations in routes(house):
        names = [name for name in UNKNOWN if "{%s}" % name in path]
        for name in names:
            target = fill(house, path.replace("{%s}" % name, UNKNOWN[name]))
            for method, operation in operations.items():
                if name == "label" and method == "PUT":
                    continue  # that makes one
                body = b"{}" if "requestBody" in operation else None
                body = b'{"version":1}' if method == "PUT" else b'{"instances":[]}' if "predict" in path else body
                yield Row("unknown", "%s %s" % (method, target), ask(method, target, body), 404, "not_found", None)
    for method, target in [("GET", "/v1/datasets/" + house.erased), ("DELETE", "/v1/datasets/" + house.erased)]:
        yield Row("unknown", "%s of what is erased" % method, gone(method, target), 410)
    paths = ["/v1", "/v1/", "/v1/nothing", "/v1/models/", "/v1/jobs/", "/v1/jobs/job-1", "/v1/jobs/job-" + "z" * 20, "/v1/datasets/ds-" + "0" * 21, "/v1/datasets/ds-" + "w" * 20,
             "/v1/models/a/b", "/v1/models/risk/versions", "/v1/models/risk/versions/1/2", "/v1/models/risk;x", "/v1/models/risk:", "/v1/models/:", "/v1/models/-", "/V1/models", "/v1/Models",
             "/metrics", "/admin", "/.git/config", "/favicon.ico", "/v1/jobs/%s/erase" % house.jobs[0], "/v1/models/" + "a" * 64, "/v1/models/a%20b", "/v1/models/%C3%A9"]
    for target in paths:
        yield Row("path", target[:60], ask("GET", target), 404, "not_found", path_of(target))
    for target in ["/v1//models", "//v1/models", "/v1/./models", "/v1/../v1/models", "/v1/models/..", "/v1/models/../jobs", "/v1/%2e%2e/models", "/v1/models/%2e%2e/%2e%2e/etc/passwd",
                   "/v1/models/..%2f..%2fetc", "/v1/models%2frisk", "/v1/models/ri%5csk", "/v1/models/a%00", "/v1/models/%00", "/v1/models/a%0a", "/v1/models/a%7f", "/v1/models/%", "/v1/models/%4",
                   "/v1/models/%zz", "/v1/models/%ff", "/v1/models/%c0%ae", "/v1/models/a\\b", "*", "v1/models", "http://other/v1/models", "/v1/models#x", "/v1/models/\u00e9"]:
        yield Row("path", target[:60], ask("GET", target), 400, "invalid_value", "target")
    yield Row("path", "8 kB", ask("GET", "/v1/models/" + "a" * 8192), 414, "uri_too_long", "target")
    for version in ("0", "-1", "01", "x", "1.0", "9223372036854775808"):
        yield Row("path", "version " + version, ask("GET", "/v1/models/risk/versions/" + version), 400, "invalid_value", "version")
        yield Row("path", "erase version " + version, ask("DELETE", "/v1/models/risk/versions/" + version), 400, "invalid_value", "version")
    for label in ("-", "a b".replace(" ", "%20"), "a" * 64, "%c3%a9"):
        yield Row("path", "label " + label[:20], ask("PUT", "/v1/models/risk/labels/" + label, {"version": 1}), 400, "invalid_value", "label")
    for target in ("/v1/models/risk/versions/1", ):
        yield Row("state", "erase a version that a label names", ask("DELETE", target), 409, "conflict")
    yield Row("state", "erase a model that a label names", ask("DELETE", "/v1/models/risk"), 409, "conflict")
    for verb in ("cancel", "pause", "resume"):
        yield Row("state", verb + " of a job that ended", ask("POST", "/v1/jobs/%s/%s" % (house.jobs[0], verb)), 409, "conflict")


def path_of(target):
    """An id that cannot be one is named; a path that is none is not."""
    for name, start in (("job", "/v1/jobs/job-"), ("dataset", "/v1/datasets/ds-"), ("token", "/v1/tokens/tok-")):
        if target.startswith(start) and "/" not in target[len(start):]:
            return name
    return "model" if target in ("/v1/models/risk;x", "/v1/models/-", "/v1/models/" + "a" * 64, "/v1/models/a%20b", "/v1/models/%C3%A9") else None


def gone(method, target):
    """An erased dataset answers what remains on record to GET, a problem to all else."""
    def send(h):
        reply = h.ask(method, target)
        if method == "GET" and reply.status == 410:
            if reply.json.get("status") != "erased" or "columns" in reply.json:
                raise AssertionError("not what remains on record: %r" % reply)
            reply.json = {"error": ""}
        return reply
    return send


def queries(house):
    for path in ("/v1/models", "/v1/jobs", "/v1/datasets", "/v1/tokens"):
        for query, status, code, place in [
                ("limit=0", 400, "invalid_value", "query.limit"), ("limit=1001", 400, "invalid_value", "query.limit"), ("limit=-1", 400, "invalid_value", "query.limit"),
                ("limit=x", 400, "invalid_value", "query.limit"), ("limit=", 400, "invalid_value", "query.limit"), ("limit", 400, "invalid_value", "query.limit"),
                ("limit=1.5", 400, "invalid_value", "query.limit"), ("limit=1e2", 400, "invalid_value", "query.limit"), ("limit=99999999999999999999", 400, "invalid_value", "query.limit"),
                ("limit=+5", 400, "invalid_value", "query.limit"), ("limit=5%20", 400, "invalid_value", "query.limit"), ("limit=1&limit=2", 400, "duplicate_key", "query"),
                ("limits=1", 400, "unknown_key", "query.limits"), ("Limit=1", 400, "unknown_key", "query.Limit"), ("limit=1&x=1", 400, "unknown_key", "query.x"),
                ("after=", 400, "invalid_value", "query.after"), ("after=" + "a" * 64, 400, "invalid_value", "query.after"), ("after=nobody", 404, "not_found", "query.after"),
                ("after=%00", 400, "invalid_value", "target"), ("after=%zz", 400, "invalid_value", "target"), ("after=%ff", 400, "invalid_value", "target"), ("=1", 400, "invalid_value", "target"),
                ("&", 400, "invalid_value", "target"), ("limit=1&&", 400, "invalid_value", "target"), ("after=';DROP TABLE tokens;--", 400, "invalid_value", "target")]:
            if query.startswith("after=';"):
                query, status, code, place = "after=';DROP%20TABLE%20tokens;--", 404, "not_found", "query.after"
            yield Row("query", "%s?%s" % (path, query[:40]), ask("GET", "%s?%s" % (path, query)), status, code, place)
    yield Row("query", "of a route that takes none", ask("GET", "/v1/models/risk?x=1"), 400, "unknown_key", "query")
    yield Row("query", "many", ask("GET", "/v1/models?" + "&".join("k%d=1" % i for i in range(100))), 413, "too_large", "query")
    for value in ("x", "-1", "1.5", "99999999999999999999", ""):
        yield Row("query", "Last-Event-ID " + value, ask("GET", "/v1/jobs/%s/events" % house.jobs[0], more=[("Last-Event-ID", value)]), 400, "invalid_value", "header:Last-Event-ID")


def framing(house):
    """What two readers of one stream of bytes would read differently."""
    auth = "Authorization: Bearer %s\r\n" % house.token
    start = "POST /v1/jobs HTTP/1.1\r\nHost: a\r\n" + auth

    def raw(text, half_close=False):
        data = text if isinstance(text, bytes) else text.encode("latin-1")
        return lambda h: h.wire.once(data, half_close)
    smuggle = "0\r\n\r\nGET /v1/tokens HTTP/1.1\r\nHost: a\r\n" + auth + "\r\n"
    cases = [  # name, bytes, path
        ("no Host", "GET /v1/models HTTP/1.1\r\n" + auth + "\r\n", "header:Host"), ("two Hosts", "GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + auth + "\r\n", "header:Host"),
        ("length and chunked", start + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggle, "header:Transfer-Encoding"),
        ("two lengths", start + "Content-Length: 3\r\nContent-Length: 2\r\n\r\n{} ", None), ("two equal lengths", start + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", None),
        ("a coding that is not known", start + "Transfer-Encoding: xchunked\r\n\r\n" + smuggle, "header:Transfer-Encoding"),
        ("two codings", start + "Transfer-Encoding: gzip, chunked\r\n\r\n" + smuggle, "header:Transfer-Encoding"),
        ("Transfer-Encoding twice", start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + smuggle, None),
        ("two Authorizations", "GET /v1/models HTTP/1.1\r\nHost: a\r\n" + auth + auth + "\r\n", None), ("two Content-Types", start + "Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", None),
        ("a control character in a header", "GET /v1/models HTTP/1.1\r\nHost: a\r\nX-A: b\x01c\r\n" + auth + "\r\n", None),
    ]
    for name, text, path in cases:
        yield Row("framing", name, raw(text), 400, "invalid_value", path)
    for name, length in [("-1", "-1"), ("+3", "+3"), ("0x3", "0x3"), ("two numbers", "3, 3"), ("text", "many"), ("2^63", str(2 ** 63)), ("2^64", str(2 ** 64)), ("2^64 - 1", str(2 ** 64 - 1))]:
        yield Row("framing", "Content-Length " + name, refused(start + "Content-Length: %s\r\n\r\n{}" % length), 400)
    for name, text in [("a space before the colon", start + "Content-Length : 2\r\n\r\n{}"), ("not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\0" * 200), ("a line of nonsense", "hello\r\n\r\n"),
                       ("NULs", "\0" * 2000), ("a header without a colon", "GET /v1/models HTTP/1.1\r\nHost: a\r\nnonsense\r\n" + auth + "\r\n"),
                       ("chunk size 0x3", start + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"), ("chunk size of 17 digits", start + "Transfer-Encoding: chunked\r\n\r\n" + "f" * 17 + "\r\n{}"),
                       ("a chunk without its end", start + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n"), ("a negative chunk", start + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
                       ("64 kB of headers", "GET /v1/models HTTP/1.1\r\nHost: a\r\n" + "X-A: %s\r\n" % ("b" * 65536) + auth + "\r\n"),
                       ("10,000 headers", "GET /v1/models HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 10000 + auth + "\r\n"), ("a target of 64 kB", "GET /" + "a" * 65536 + " HTTP/1.1\r\nHost: a\r\n\r\n")]:
        yield Row("framing", name, refused(text), 400)
    for name, text in [("a NUL in a header", "GET /v1/models HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n" + auth + "\r\n"), ("a NUL in the last header", "GET /v1/models HTTP/1.1\r\nHost: a\r\n" + auth + "X: a\0\r\n\r\n"),
                       ("a NUL in the target", "GET /v1/models\0/../x HTTP/1.1\r\nHost: a\r\n" + auth + "\r\n"), ("bare line feeds", ("GET /v1/models HTTP/1.1\r\nHost: a\r\n" + auth + "\r\n").replace("\r", "")),
                       ("a folded line", "GET /v1/models HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n" + auth + "\r\n"), ("a bare carriage return", "GET /v1/models HTTP/1.1\r\nHost: a\rX: b\r\n" + auth + "\r\n")]:
        yield Row("framing", name, raw(text), 400, "invalid_value")
    yield Row("framing", "101 headers", ask("GET", "/v1/models", more=[("X-%d" % i, "y") for i in range(101)]), 431, "headers_too_large")
    for body in ("{", "x" * 100):
        yield Row("framing", "a body where none is taken: " + body[:5], ask("GET", "/v1/models", body.encode()), 400, "invalid_value")
        yield Row("framing", "a chunked one: " + body[:5], lambda h, b=body: h.wire.ask("GET", "/v1/models", h.headers(more=[("Transfer-Encoding", "chunked")]), list(chunked([b.encode()]))), 400, "invalid_value")
    for value in ("", "a" * 129, "a b", "a\"b", "<script>", "\u00e9", "a;b"):
        yield Row("framing", "X-Request-Id %r is not echoed" % value[:10], ask("GET", "/v1/models", more=[("X-Request-Id", value)]), 200, None, None, no_echo)


def no_echo(house, reply):
    if reply.header("X-Client-Request-Id") is not None:
        raise AssertionError("echoed: %r" % reply.headers)


class Refusal:
    """What the HTTP library answers by itself, or closing without a word: as good as a 400."""
    json, body, headers = {"error": ""}, b"", {}
    status = 400

    def header(self, name):
        return None


def refused(text):
    def send(h):
        try:
            reply = h.wire.once(text.encode("latin-1"), half_close="\r\n\r\n" not in text)  # else it waits for more
        except (Closed, OSError):
            return Refusal()
        if reply.status not in (400, 413, 414, 431):
            raise AssertionError("not refused: %r" % reply)
        return Refusal()
    return send


def chunks(house):
    """Bodies of unknown length."""
    def send(pieces, target="/v1/jobs", kind="application/json"):
        return lambda h: h.wire.ask("POST", target, h.headers(more=[("Transfer-Encoding", "chunked")], kind=kind), chunked(pieces() if callable(pieces) else pieces))
    yield Row("chunked", "nothing", send([]), 400, "invalid_json")
    yield Row("chunked", "one byte at a time", send([b" "] * 20000), 400, "invalid_json")
    yield Row("chunked", "a million bytes, one at a time", one_by_one, 413, "too_large")
    yield Row("chunked", "over the ceiling", send([b" " * 65536] * 5), 413, "too_large")
    yield Row("chunked", "a body that never ends", send(lambda: iter(lambda: b" " * 65536, None)), 413, "too_large", None, sent_little)
    yield Row("chunked", "a prediction that never ends", send(lambda: iter(lambda: b" " * 65536, None), "/v1/models/risk:predict"), 413, None, None, sent_little)
    yield Row("chunked", "an upload that never ends before its first part", send(lambda: iter(lambda: b" " * 65536, None), "/v1/datasets", "multipart/form-data; boundary=x"),
              413, "too_large", None, sent_little)


def one_by_one(house):
    """Chunks of one byte, 6 on the wire each."""
    def pieces():
        for _ in range(1000):
            yield b"1\r\n \r\n" * 1000
        yield b"0\r\n\r\n"
    return house.wire.ask("POST", "/v1/jobs", house.headers(more=[("Transfer-Encoding", "chunked")], kind="application/json"), pieces())


def sent_little(house, reply):
    if reply.sent > 32 << 20:
        raise AssertionError("%d MiB were taken" % (reply.sent >> 20))


def rows(house):
    for group in (methods, tokens, scopes, unknown, queries, framing, chunks):
        yield from group(house)
