# SPDX-License-Identifier: Apache-2.0
"""Bodies that lie about their length, that never end, that unpack to more than they are; and names that climb."""
import gzip
import json
import zlib

from house import BOUNDARY, METADATA, MULTIPART, close, part, table
from raw import HALF, RESET, Raw
from rows import Row
from table_http import fill, routes
from table_raw import BODY, CHUNKED, SIZE, Words

MILLION = 10 ** 6
BOMB = b"\0" * (64 << 20)  # 64 MiB of nothing, 64 kB when packed


def lies(w):
    """Announced more or less than sent."""
    for n in (1, 5, 100, 10 ** 6 - SIZE):
        start = w.post(w.length(SIZE + n), BODY)
        yield Raw("a body %d bytes too short, half-closed" % n, [start, HALF], ([], [400]), executes=0, nginx=([], [400]))
        yield Raw("a body %d bytes too short, reset" % n, [start, RESET], [], executes=0, ends=None, nginx=[])
        yield Raw("a body %d bytes too short, that waits" % n, start, [], waits=True)
    for n in (1, 5, SIZE - 1):
        yield Raw("a body %d bytes too long" % n, w.post(w.length(SIZE - n), BODY + w.smuggled), ([400], [400, 400], [400, 405], [400, 501]), nginx=())
    upload = part("metadata", json.dumps(METADATA).encode(), "application/json") + part("file", table(50), "text/csv", "t.csv") + close()
    start = b"POST /v1/datasets HTTP/1.1\r\n" + w.host + w.auth + b"Content-Type: " + MULTIPART.encode() + b"\r\n"
    for n in (1, 1000, 10 ** 6):
        yield Raw("an upload %d bytes too short, half-closed" % n, [start + w.length(len(upload) + n) + b"\r\n" + upload, HALF], ([], [400]), executes=0, nginx=([], [400]))
        yield Raw("an upload %d bytes too short, reset" % n, [start + w.length(len(upload) + n) + b"\r\n" + upload, 0.02, RESET], [], executes=0, ends=None, nginx=[])
    for size in (b"10", b"ffff", b"ffffffff"):
        yield Raw("a chunk of %s that ends early" % size.decode(), [w.post(CHUNKED) + size + b"\r\nabc", HALF], ([], [400], [413]), executes=0, nginx=([], [400], [413]))
    yield Raw("chunks without the last", [w.post(CHUNKED) + b"1\r\n{\r\n", HALF], ([], [400]), executes=0, nginx=([], [400]))


def one_byte(w):
    """A million chunks of one byte: six million bytes on the wire, and a good request at their end."""
    def pieces(body):
        return [b"".join(b"1\r\n%c\r\n" % c for c in body[at:at + 50000]) for at in range(0, len(body), 50000)] + [b"0\r\n\r\n"]
    body = BODY + b" " * (MILLION - SIZE)
    yield Raw("a prediction in a million chunks", [w.post(CHUNKED)] + pieces(body), [200], ends=None, nginx=[200])
    yield Raw("another model's, in a million chunks", [w.post(CHUNKED, target=b"/v1/models/nobody:predict")] + pieces(body), ([404], [400]), ends=None, nginx=([404], [400]))
    upload = part("metadata", json.dumps(METADATA).encode(), "application/json") + part("file", b"a,b\n" + b"1" * MILLION, "text/csv", "t.csv")
    start = b"POST /v1/datasets HTTP/1.1\r\n" + w.host + w.auth + b"Content-Type: " + MULTIPART.encode() + b"\r\n" + CHUNKED + b"\r\n"
    yield Raw("an upload in a million chunks", [start] + pieces(upload[:MILLION]), [400], ends=None, nginx=[400])
    ext = b"1;" + b"x" * 1000 + b"\r\n \r\n"
    yield Raw("1,000 chunks with extensions of 1 kB", [w.post(CHUNKED)] + [ext * 100] * 10 + [b"%x\r\n" % SIZE + BODY + b"\r\n0\r\n\r\n"], ([200], [400], [413]), ends=None, nginx=([200], [400], [413]))


def packed(house):
    """Nothing is unpacked: refused by the header, whatever it says, before the body is read."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bombs = {"gzip": gzip.compress(BOMB, 9), "deflate": packer.compress(BOMB) + packer.flush(), "x-gzip": gzip.compress(gzip.compress(BOMB, 9), 9), "br": b"\xcb\xff\xff" * 20000, "zstd": b"\x28\xb5\x2f\xfd" + b"\0" * 60000,
             "compress": b"\x1f\x9d\x90" + b"\0" * 60000, "gzip, gzip": gzip.compress(gzip.compress(BOMB, 9), 9), "identity": b"{}", "GZIP": gzip.compress(BOMB, 9), "aes128gcm": b"\0" * 100}

    def send(target, coding, data, length):
        return lambda h: h.wire.ask("POST", target, h.headers(more=[("Content-Encoding", coding)], length=length, kind=MULTIPART if "datasets" in target else "application/json"), [data])
    for target in ("/v1/jobs", "/v1/models/risk:predict", "/v1/tokens", "/v1/datasets"):
        for coding, data in bombs.items():
            path = None if "predict" in target else "header:Content-Encoding"
            also = None if "predict" in target else "unsupported_media"
            yield Row("packed", "%s of %d bytes to %s" % (coding, len(data), target), send(target, coding, data, len(data)), 415, also, "header:Content-Encoding")
        yield Row("packed", "a gigabyte, announced, to " + target, send(target, "gzip", bombs["gzip"][:1000], 10 ** 9), 415, None, "header:Content-Encoding")
    yield Row("packed", "packed parts of an upload are bytes", lambda h: h.upload(bombs["gzip"]), 400, "invalid_value", "file")


def numbers(house):
    """JSON of the size that a prediction may have."""
    def ask(body):
        return lambda h: h.ask("POST", "/v1/models/risk:predict", body)
    wide = b'{"instances":[{%s}]}' % b",".join(b'"k%d":1' % i for i in range(90000))
    for name, body, status in [("half a million numbers", b'{"instances":[[' + b"0," * 500000 + b"0]]}", 400), ("half a million rows of nothing", b'{"instances":[' + b"0," * 500000 + b"0]}", 400),
                               ("rows without columns", b'{"instances":[' + b"[]," * 300000 + b"[]]}", 400), ("objects without keys", b'{"instances":[' + b"{}," * 300000 + b"{}]}", 400), ("90,000 keys", wide, 400),
                               ("one key 90,000 times", b'{"instances":[{' + b'"age":1,' * 90000 + b'"age":1}]}', 400), ("a megabyte of digits", b'{"instances":[[' + b"9" * 10 ** 6 + b"]]}", 400),
                               ("a megabyte behind the point", b'{"instances":[[0.' + b"9" * 10 ** 6 + b',"own",true]]}', 200), ("a megabyte of zeros", b'{"instances":[[0.' + b"0" * 10 ** 6 + b'1,"own",true]]}', 200),
                               ("an exponent of a megabyte", b'{"instances":[[1e' + b"9" * 10 ** 6 + b',"own",true]]}', 400), ("a string of a megabyte", b'{"instances":[["' + b"x" * 10 ** 6 + b'"]]}', 400),
                               ("a string of escapes", b'{"instances":[["' + b"\\u0041" * 150000 + b'"]]}', 400), ("a key of a megabyte", b'{"' + b"x" * 10 ** 6 + b'":1}', 400), ("blanks of a megabyte", b" " * 10 ** 6 + BODY, 200),
                               ("a million open brackets", b"[" * 10 ** 6, 400), ("open objects", b'{"a":' * 200000, 400), ("brackets under another key", b'{"x":' + b"[" * 10 ** 6, 400),
                               ("brackets that close", b'{"instances":' + b"[" * 400000 + b"]" * 400000 + b"}", 400), ("deep and wide", b'{"instances":[' + b"[[[[[[[[0]]]]]]]]," * 50000 + b"0]}", 400)]:
        yield Row("numbers", name, answered(ask(body), status), status, None, None)


def answered(send, status):
    """The place in the words of the refusal is looked at elsewhere; 413 is as good as 400 where there is too much."""
    def call(house):
        reply = send(house)
        if reply.status == 413 and status == 400:
            reply.status = 400
        if reply.status == 400:
            reply.json = {"error": ""} if set(reply.json or {}) == {"error"} else None
        return reply
    return call


def parts(house):
    """Multipart as nobody writes it."""
    begin = ("--" + BOUNDARY).encode()
    meta, file = part("metadata", json.dumps(METADATA).encode(), "application/json"), part("file", table(10), "text/csv", "t.csv")
    large = lambda name, data: Row("parts", name, lambda h, d=data: h.ask("POST", "/v1/datasets", d, kind=MULTIPART), 413, "too_large", None)

    def refused(name, data, path=None, kind=MULTIPART, code="invalid_json"):
        return Row("parts", name, lambda h: h.ask("POST", "/v1/datasets", data, kind=kind), 400, code, path)
    header = b'\r\nContent-Disposition: form-data; name="metadata"\r\n'
    yield refused("100,000 empty parts", (begin + b"\r\n\r\n") * 100000)
    yield refused("100,000 parts", part("metadata", b"{}") * 100000, "metadata.name", code="invalid_value")
    yield refused("100,000 parts of another name", part("x", b"") * 100000, "x", code="unknown_key")
    yield large("a part's headers of 64 kB", begin + header + b"X: " + b"y" * 65536 + b"\r\n\r\n{}\r\n" + file + close())
    yield large("a part with 10,000 headers", begin + header + b"X: y\r\n" * 10000 + b"\r\n{}\r\n" + file + close())
    yield large("a part's name of 64 kB", part("n" * 65536, b"x") + file + close())
    yield large("a file's name of 64 kB", part("file", b"a\n", None, "f" * 65536) + close())
    yield large("a megabyte before the first boundary", b"x" * MILLION + b"\r\n" + meta + file + close())
    yield large("a megabyte of boundaries that are almost one", (b"\r\n" + begin[:-1]) * 60000)
    yield large("a megabyte of dashes", b"-" * MILLION)
    yield refused("a million line ends behind a boundary", begin + b"\r\n" * 500000)
    yield refused("a boundary behind a bare LF", b"\n".join((meta + file + close()).split(b"\r\n")))
    yield refused("no terminator", meta + file)
    yield refused("a terminator with one dash", meta + file + begin + b"-\r\n")
    yield refused("two terminators, parts between", meta + close() + file + close(), "file", code="invalid_value")
    yield refused("a boundary of one letter, in the data", b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{\r\n--x', "metadata", "multipart/form-data; boundary=x")
    yield refused("a boundary that is a prefix of what is sent", meta + file + close(), kind=MULTIPART[:-1])
    yield refused("a boundary longer than what is sent", meta + file + close(), kind=MULTIPART + "x")
    yield refused("a boundary that differs by case", meta + file + close(), kind=MULTIPART.replace("hostile", "HOSTILE"))
    for value in ("form-data; name=metadata; name=file", 'form-data; name="metadata"; name="file"', "form-data; name*=utf-8''file", 'form-data; name="', 'form-data; name="a', "form-data; name", "form-data; name=", "attachment; name=x", "", ";", "form-data;;;;",
                  'form-data; name="a\\', 'form-data; name="fi\r\n le"', "form-data" + "; x=y" * 500):
        yield Row("parts", "Content-Disposition: " + repr(value)[:40], any_refusal(begin + b"\r\nContent-Disposition: " + value.encode() + b"\r\n\r\nx\r\n" + close()), 400)


def any_refusal(data):
    def send(house):
        reply = house.ask("POST", "/v1/datasets", data, kind=MULTIPART)
        if reply.status in (400, 413):
            reply.status, reply.json = 400, {"error": ""}
        return reply
    return send


CLIMBS = ["..", ".", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "%25252e%25252e", "..%2f", "..%2F..%2F..%2Fetc%2Fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c", "..%5C..%5Cwindows", "..\\..\\etc", "%5c%5chost", "..%c0%af", "%c0%ae%c0%ae%c0%af",
          "..%e0%80%af", "..%f0%80%80%af", "%uff0e%uff0e", "%e2%80%a5", "%ef%bc%8e%ef%bc%8e", "....//", "..../", "..;", "..;/", ";..", "%3b..", "..%00", "%00", "risk%00", "risk%00.txt", "risk%0a", "risk%0d%0a", "risk%09", "risk%20", "%20risk", "risk%7f", "risk.", "risk..", ".risk",
          "~", "~root", "%7eroot", "%2f", "%2frisk", "risk%2f", "risk%2f..", "/", "//", "/etc/passwd", "%2fetc%2fpasswd", "C:", "C:%5c", "con", "nul", "NUL", "aux.txt", "risk:$DATA", "risk::$INDEX", "risk%3a", "%", "%%", "%2", "%zz", "%25", "%ff", "%fe%ff", "%ed%a0%80", "%f4%90%80%80",
          "*", "%2a", "?", "%3f", "#", "%23", "[", "]", "{", "}", "$HOME", "`id`", "%60id%60", "|id", "%7cid", ";id", "&id", "'", "''", "%27%20OR%201=1--", "\"", "%22", "<x>", "%3cx%3e", "-", "--", "-rf", "_", "%2d", "0", "null", "undefined", "true", "risk,bare", "risk%2cbare", "risk+bare", "@", "%40",
          "a" * 64, "a" * 255, "a" * 4096, "%e2%80%ae", "%F0%9F%98%80", "\x01", "\x7f", "\x80"]


def climbs(house):
    """On every route that names something, in each of its places: never answered, never a fault of ours."""
    def send(method, target, body):
        def call(h):
            reply = h.ask(method, target, body)
            if not 400 <= reply.status < 500 and not (reply.status == 200 and target in harmless):
                raise AssertionError("neither refused nor unknown: %r" % reply)
            reply.status, reply.json = 400, {"error": ""}
            return reply
        return call
    harmless = set()
    for path, operations in routes(house):
        for name in [word.split("}")[0] for word in path.split("{")[1:]]:
            for method, operation in operations.items():
                body = None if "requestBody" not in operation else b'{"version":99}' if method == "PUT" else b"{}"
                for climb in CLIMBS:
                    target = fill(house, path.replace("{%s}" % name, climb))
                    if target.split("?")[0].split("#")[0] in ("/v1/jobs", "/v1/jobs/", "/v1/models/", "/v1/datasets/", "/v1/tokens/") or "?" in climb or (climb == "%2d" and name == "label"):
                        continue  # another resource, told by the rows of paths
                    yield Row("climb", "%s %s" % (method, target), send(method, target, body), 400)


def raw_rows(house):
    words = Words(house)
    for group in (lies, one_byte):
        yield from group(words)


def rows(house):
    yield from raw_rows(house)
    for group in (packed, numbers, parts, climbs):
        yield from group(house)
