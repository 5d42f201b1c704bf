# SPDX-License-Identifier: Apache-2.0
"""What two readers of one stream of bytes would read differently: lengths, codings, chunks, pipelines.

Behind every doubtful message stands a request that would revoke a token (SMUGGLED). It must never be executed.
"""
import json

from house import RECORD
from raw import HALF, OLD, READ, RESET, Raw

BODY = json.dumps({"instances": [RECORD]}).encode()
SIZE = len(BODY)
CHUNK = b"%x\r\n%s\r\n" % (SIZE, BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST = b"0\r\n\r\n"

# --- known behaviour of libmicrohttpd 0.9.75, which answers these before our code is asked; docs/security.md lists them ---
DOUBLE_400 = [400, OLD]          # Content-Length that is no number: the head of the refusal is sent twice on the one connection, then it closes
DOUBLE_413 = [413, OLD]          # likewise with one of 2^64 or more
DOUBLE_431 = [431, OLD]          # likewise with a cookie that its memory does not hold
CLOSED = []                      # a first line of less than two words: closed without a word
NUL_LINES = [200, 200]           # a line that begins with a NUL counts as an empty one, and is skipped
LOOSE_CHUNKS = [200]             # chunk lines that end with a bare LF, or hold a CR or NUL in an extension, are taken; our code closes behind them
BLANK_LINES = [200]              # empty lines before a request line are skipped, as RFC 9112 2.2 says, and bare LFs

REFUSED = [400]


class Words:
    """The parts that requests are made of."""

    def __init__(self, house):
        self.host = b"Host: licit.test\r\n"
        self.auth = b"Authorization: Bearer %s\r\n" % house.token.encode()
        self.narrow = b"Authorization: Bearer %s\r\n" % house.tokens["narrow"]["token"].encode()
        self.json = b"Content-Type: application/json\r\n"
        self.smuggled = b"DELETE /v1/tokens/%s HTTP/1.1\r\n" % house.tokens["other"]["id"].encode() + self.host + self.auth + b"\r\n"

    def get(self, more=b"", target=b"/v1/models", line=None, host=None, auth=None):
        line = line if line is not None else b"GET %s HTTP/1.1" % target
        return line + b"\r\n" + (self.host if host is None else host) + (self.auth if auth is None else auth) + more + b"\r\n"

    def post(self, more, body=b"", target=b"/v1/models/risk:predict", version=b"1.1", auth=None):
        """Headers beyond the usual, then the bytes of the body as they are."""
        return b"POST %s HTTP/%s\r\n" % (target, version) + self.host + (self.auth if auth is None else auth) + self.json + more + b"\r\n" + body

    def length(self, n=SIZE):
        return b"Content-Length: %d\r\n" % n


CODINGS = [  # values that are not chunked to everybody
    b"xchunked", b"chunkedx", b"chunked,", b",chunked", b"chunked, chunked", b"chunked,identity", b"identity, chunked", b"gzip, chunked", b"gzip", b"identity", b"deflate", b"compress",
    b"cow", b"trailers", b"", b" ", b"chunked;q=1", b"chunked; a=b", b'"chunked"', b"'chunked'", b"chun ked", b"chunked chunked", b"\x0bchunked", b"\x0cchunked", b"chunked\x0b", b"chunked\x0c",
    b"chunked\x00", b"chunked\x00x", b"ch\x00unked", b"\x00chunked", b"chunked\x7f", b"chunked\xa0", b"\xa0chunked", b"chunk\xc3\xa9d", b"\xef\xbb\xbfchunked", b"chunked\r", b"\rchunked",
    b"chunked\x08", b"\x1bchunked", b"chunked#", b"chunked/1.1", b"CHUNKED, identity", b"chunked\r\n\tx", b"\r\n chunked", b"\r\n\tchunked",
]
CODING_LINES = [  # lines that some readers take for Transfer-Encoding and others do not
    b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked", b"\tTransfer-Encoding: chunked", b"Transfer-Encoding\x00: chunked", b"Transfer-Encoding\x0b: chunked",
    b"Transfer-Encoding\r\n : chunked", b"Transfer-Encoding\r\n: chunked", b"Transfer-Encoding chunked", b"Transfer Encoding: chunked", b"\x00Transfer-Encoding: chunked", b"Transfer-Encoding;: chunked",
    b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked", b"X: y\r\n Transfer-Encoding: chunked", b"X: y\x00\r\nTransfer-Encoding: chunked", b"X: y\n\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\nX: y", b"Transfer-Encoding: chunked\rX: y", b"Transfer-Encoding: chunked\r\n X: y", b"Transfer-Encoding:\nchunked", b"Transfer-Encoding\n: chunked",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\ntransfer-encoding: x", b"transfer-encoding:\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: x\r\nX: y\r\nTransfer-Encoding: chunked",
]
INNOCENT_LINES = [b"X-Transfer-Encoding: chunked", b"Transfer_Encoding: chunked", b"Transfer-Encodings: chunked", b"TE: trailers", b"X: Transfer-Encoding: chunked", b"TransferEncoding: chunked"]
RIGHT_CODINGS = [b"chunked", b"Chunked", b"CHUNKED", b" chunked", b"\tchunked", b"   chunked"]
LOOSE_CODINGS = [b"chunked ", b"chunked\t", b"chunked  \t "]  # blanks at the end are no part of a value; who cuts them not, refuses


def codings(w):
    """CL.TE, TE.CL and TE.TE: whichever of the two is believed, the other one's reader sees SMUGGLED."""
    for value in RIGHT_CODINGS + LOOSE_CODINGS + CODINGS:
        name = repr(value)[2:-1]
        both = w.length(len(LAST) + len(w.smuggled)) + b"Transfer-Encoding: %s\r\n" % value
        yield Raw("CL.TE, coding " + name, w.post(both, LAST + w.smuggled), REFUSED)
        tail = b"%x\r\n" % len(w.smuggled)
        yield Raw("TE.CL, coding " + name, w.post(b"Transfer-Encoding: %s\r\n" % value + w.length(len(tail)), tail + w.smuggled + b"\r\n" + LAST), REFUSED)
        yield Raw("TE.CL 0, coding " + name, w.post(b"Transfer-Encoding: %s\r\n" % value + w.length(0), CHUNK + LAST + w.smuggled), REFUSED)
    for value in CODINGS:
        yield Raw("TE alone, coding " + repr(value)[2:-1], w.post(b"Transfer-Encoding: %s\r\n" % value, LAST + w.smuggled), REFUSED)
        yield Raw("TE of a GET, coding " + repr(value)[2:-1], w.get(b"Transfer-Encoding: %s\r\n" % value) + LAST + w.smuggled, REFUSED)
    for value in RIGHT_CODINGS:
        yield Raw("taken: coding " + repr(value)[2:-1], w.post(b"Transfer-Encoding: %s\r\n" % value, CHUNK + LAST + w.smuggled), [200], nginx=())
    for value in LOOSE_CODINGS:
        yield Raw("coding " + repr(value)[2:-1], w.post(b"Transfer-Encoding: %s\r\n" % value, CHUNK + LAST), REFUSED, nginx=([200], [400]))
    for line in CODING_LINES:
        name = repr(line)[2:-1]
        yield Raw("CL and " + name, w.post(w.length(len(LAST) + len(w.smuggled)) + line + b"\r\n", LAST + w.smuggled), REFUSED)
        yield Raw("CL 0 and " + name, w.post(w.length(0) + line + b"\r\n", CHUNK + LAST + w.smuggled), REFUSED)
        yield Raw("without CL " + name, w.post(line + b"\r\n", CHUNK + LAST + w.smuggled), REFUSED)
        yield Raw("a GET with " + name, w.get(line + b"\r\n") + LAST + w.smuggled, REFUSED)
    for line in INNOCENT_LINES:
        yield Raw("taken: CL and " + repr(line)[2:-1], w.post(w.length() + line + b"\r\n", BODY), [200], ends=False, nginx=[200])
    yield Raw("chunked in HTTP/1.0", w.post(CHUNKED, CHUNK + LAST + w.smuggled, version=b"1.0"), REFUSED)
    yield Raw("chunked in HTTP/1.0, kept", w.post(b"Connection: keep-alive\r\n" + CHUNKED, CHUNK + LAST + w.smuggled, version=b"1.0"), REFUSED)
    yield Raw("chunked and CL in HTTP/1.0", w.post(w.length(len(LAST) + len(w.smuggled)) + CHUNKED, LAST + w.smuggled, version=b"1.0"), REFUSED)


def lengths(w):
    n = SIZE
    behind = BODY + w.smuggled
    bad = ["+%d" % n, "-%d" % n, "-0", "+0", "0x%x" % n, "%dx" % n, "%d 0" % n, "%d,%d" % (n, n), "%d, %d" % (n, n), "%d,0" % n, "0,%d" % n, "%d;" % n, "%d.0" % n, "%de0" % n, "", " ", "five", "NaN", "1_0",
           "%d\x00" % n, "\x00%d" % n, "%d\x000" % n, "%d\x0b" % n, "\x0b%d" % n, "%d\x0c" % n, "%d\x1f" % n, "%d\x7f" % n, "%d\xa0" % n, "\xb2", "\"%d\"" % n, "%d\r" % n, "\r%d" % n, "%d\r\n 0" % n, "\r\n %d" % n, "\r\n\t%d" % n,
           "%d\r\n\t%d" % (n, n), str(2 ** 63), str(2 ** 64 - 1), str(2 ** 64), str(2 ** 64 + n), str(2 ** 65 + n), str(10 ** 30), "9" * 400, "0o17", "%d/2" % n, ":%d" % n, "= %d" % n, "%d bytes" % n, "%%3%d" % (n % 10)]
    for value in bad:
        name = repr(value)[1:-1][:30]
        expect = (REFUSED, DOUBLE_400, [413], DOUBLE_413) if value.lstrip("0").isdigit() else (REFUSED, DOUBLE_400)
        yield Raw("CL " + name, w.post(b"Content-Length: %s\r\n" % value.encode("latin-1"), behind), expect)
        yield Raw("CL %s of a GET" % name, w.get(b"Content-Length: %s\r\n" % value.encode("latin-1")) + w.smuggled, expect)
    for value in ("%03d" % n, "%040d" % n, " %d" % n, "\t%d" % n, "    %d" % n):
        yield Raw("CL %r is taken" % value[-12:], w.post(b"Content-Length: %s\r\n" % value.encode(), BODY), ([200], REFUSED, DOUBLE_400), ends=None, nginx=([200], [400]))
    for value in ("%d " % n, "%d\t" % n, "%d \t " % n):
        yield Raw("CL %r, blanks behind" % value, w.post(b"Content-Length: %s\r\n" % value.encode(), BODY), ([200], REFUSED, DOUBLE_400), ends=None, nginx=([200], [400]))
    for value in (2 ** 31, 2 ** 32, 2 ** 40, 2 ** 62, 2 ** 63 - 1):
        yield Raw("CL %d" % value, w.post(w.length(value), behind), [413])
        yield Raw("CL %d of a GET" % value, w.get(w.length(value)) + w.smuggled, ([413], [400]))
    small, large = w.length(0), w.length(n + len(w.smuggled))
    for name, lines in [("twice, equal", w.length() * 2), ("twice, the second 0", w.length() + small), ("twice, the first 0", small + w.length()), ("twice, the second all", w.length() + large),
                        ("twice, the first all", large + w.length()), ("three times", w.length() * 3), ("in two cases", w.length() + b"content-length: 0\r\n"), ("with another between", w.length() + b"X: y\r\n" + small),
                        ("and an empty one", w.length() + b"Content-Length:\r\n"), ("an empty one first", b"Content-Length:\r\n" + w.length()), ("first and last", w.length() + b"X: y\r\n" * 20 + large)]:
        yield Raw("CL " + name, w.post(lines, behind), (REFUSED, DOUBLE_400))
        yield Raw("CL %s of a GET" % name, w.get(lines) + behind, (REFUSED, DOUBLE_400))
    for line in ("Content-Length : %d", "Content-Length\t: %d", " Content-Length: %d", "\tContent-Length: %d", "Content-Length\x00: %d", "Content-Length\x0b: %d", "Content Length: %d", "Content-Length %d", "Content-Length;: %d",
                 "X: y\nContent-Length: %d", "X: y\rContent-Length: %d", "X: y\r\n Content-Length: %d", "X: y\x00Content-Length: %d", "\x00Content-Length: %d", "Content-Length\r\n : %d", "Content-Length\n: %d", "Content-Length:\n%d",
                 "Content-Length: %d\nX: y", "Content-Length: %d\rX: y", "Content-Length: %d\r\n X: y", "(Content-Length): %d", "\"Content-Length\": %d", "Content-Length=: %d", "Content-L\xc3\xa9ngth: %d"):
        data = (line % n).encode("latin-1") + b"\r\n"
        yield Raw("length as " + repr(line)[1:-1], w.post(data, behind), (REFUSED, DOUBLE_400))
        yield Raw("length as %s, beside a right one" % repr(line)[1:-1], w.post(w.length() + data, behind), (REFUSED, DOUBLE_400))
    for line in ("X-Content-Length: %d", "Content_Length: %d", "ContentLength: %d", "Content-Lengths: %d"):
        yield Raw("taken: another header, " + line, w.get((line % len(w.smuggled)).encode() + b"\r\n"), [200], ends=False, nginx=[200])


def sizes(w):
    """What stands where the size of a chunk should."""
    n, start = SIZE, w.post(CHUNKED)
    for text in ("0x%x", " %x", "+%x", "-%x", "g%x", "%xg", "", "x", "%x,", "%x 0", "\t%x", "\x00%x", "%x\x00", "\x0b%x", "\xa0%x", "-0%x", "%x-", "_%x", "%x=1", "%x:", "\"%x\"", "\n%x", "%x\x0b", "%x\x7f"):
        size = (text % n if "%" in text else text).encode("latin-1")
        yield Raw("chunk size " + repr(text)[1:-1], start + size + b"\r\n" + BODY + b"\r\n" + LAST + w.smuggled, REFUSED)
        last = (text % 0 if "%" in text else text).encode("latin-1")
        yield Raw("last chunk size " + repr(text)[1:-1], start + CHUNK + last + b"\r\n\r\n" + w.smuggled, REFUSED)
    for size in (b"1" + b"0" * 15 + b"%x" % n, b"1" + b"0" * 16 + b"%x" % n, b"f" * 17, b"f" * 16, b"8" + b"0" * 15, b"7" + b"f" * 15, b"f" * 100, b"1" * 1000, b"ffffffff", b"80000000", b"ffffffffffffffe1"):
        yield Raw("chunk size %s" % size[:20].decode(), start + size + b"\r\n" + BODY + b"\r\n" + LAST + w.smuggled, (REFUSED, [413], []), ends=None, waits=len(size.lstrip(b"0")) <= 16)
    for size in (b"0%x" % n, b"%020x" % n, b"%X" % n):
        yield Raw("taken: chunk size %s" % size.decode(), start + size + b"\r\n" + BODY + b"\r\n" + LAST, ([200], REFUSED), ends=None, nginx=([200], [400]))
    for size in (b"%x " % n, b"%x\t" % n, b"%x  " % n):
        yield Raw("chunk size %r" % size.decode(), start + size + b"\r\n" + BODY + b"\r\n" + LAST, ([200], REFUSED), ends=None, nginx=([200], [400]))


def chunk_ends(w):
    n, start = SIZE, w.post(CHUNKED)
    size = b"%x" % n
    ext = [b";", b";a", b";a=b", b';a="b"', b"; a = b", b' ;a', b';a="b\\"c"', b';a="b;c"', b";" + b"x" * 4000]
    for text in ext:
        yield Raw("chunk extension " + repr(text[:20])[2:-1], start + size + text + b"\r\n" + BODY + b"\r\n" + LAST, ([200], REFUSED), ends=None, nginx=([200], [400]))
        yield Raw("extension of the last chunk " + repr(text[:20])[2:-1], start + CHUNK + b"0" + text + b"\r\n\r\n", ([200], REFUSED), ends=None, nginx=([200], [400]))
    for text in (b";a\nb", b";a\rb", b';a="\r\n"', b';a="b\r\nc"', b";\n", b";a=\n", b"\n\r", b";\x00", b";a\x00b", b"\r\r", b"\rx"):
        # The line ends somewhere inside: the body is then cut wrongly, and what follows is no chunk.
        yield Raw("chunk extension " + repr(text)[2:-1], start + size + text + b"\r\n" + BODY + b"\r\n" + LAST + w.smuggled, (LOOSE_CHUNKS, REFUSED, [413]), nginx=())
    hidden = b"%x;\n" % len(b"0\r\n\r\n" + w.smuggled)
    yield Raw("a chunk hidden in an extension", start + hidden + LAST + w.smuggled + b"\r\n" + LAST, (REFUSED, [413]), nginx=())
    for name, data in [("no line end", BODY + b"0\r\n\r\n"), ("one byte more", BODY + b"x\r\n" + LAST), ("one byte less", BODY[:-1] + b"\r\n" + LAST), ("CR alone", BODY + b"\r" + LAST), ("CR CR LF", BODY + b"\r\r\n" + LAST),
                       ("LF CR", BODY + b"\n\r" + LAST), ("a blank", BODY + b" \r\n" + LAST), ("a NUL", BODY + b"\x00\r\n" + LAST), ("two line ends", BODY + b"\r\n\r\n" + LAST), ("CR x", BODY + b"\rx" + LAST)]:
        yield Raw("behind a chunk: " + name, start + size + b"\r\n" + data + w.smuggled, REFUSED)
    for name, data in [("the size's line", size + b"\n" + BODY + b"\r\n" + LAST), ("the data", size + b"\r\n" + BODY + b"\n" + LAST), ("the last size", CHUNK + b"0\n\r\n"), ("the end", CHUNK + b"0\r\n\n"),
                       ("all", size + b"\n" + BODY + b"\n0\n\n")]:
        yield Raw("a bare LF behind %s" % name, start + data + w.smuggled, (LOOSE_CHUNKS, REFUSED), nginx=())
    for name, data in [("0 CR CR LF", b"0\r\r\n\r\n"), ("0 CR only", b"0\r\r"), ("-0", b"-0\r\n\r\n"), ("0x0", b"0x0\r\n\r\n"), ("no 0", b"\r\n\r\n"), ("0 and text", b"0 x\r\n\r\n")]:
        yield Raw("the last chunk as " + name, start + CHUNK + data + w.smuggled, REFUSED)
    for line in (b"0 \r\n\r\n", b"00\r\n\r\n", b"0" * 16 + b"\r\n\r\n", b"0" * 40 + b"\r\n\r\n"):
        yield Raw("the last chunk as %r" % line[:20].decode(), start + CHUNK + line, ([200], REFUSED), ends=None, nginx=([200], [400]))


def trailers(w):
    """What stands behind the last chunk changes nothing in what stood before the first."""
    start, tail = w.post(CHUNKED) + CHUNK + b"0\r\n", w.smuggled
    for line in (b"X: y", b"Content-Length: %d" % len(tail), b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Host: other", b"Content-Type: text/plain", b"Content-Encoding: gzip",
                 b"Connection: close", b"Expect: 100-continue", b"Trailer: X", b"Authorization: Bearer x", b"Upgrade: h2c", b"Content-Length: x"):
        yield Raw("trailer " + line.decode()[:40], start + line + b"\r\n\r\n", ([200], REFUSED), ends=None, nginx=([200], [400]))
    for line in (b"nonsense", b": x", b"X : y", b" X: y", b"X: a\x00b", b"X\x00: y", b"X: a\rb", b"X: y\r\n z", b"X: y\nContent-Length: 5"):
        yield Raw("trailer " + repr(line)[2:-1], start + line + b"\r\n\r\n", ([200], REFUSED), ends=None, nginx=([200], [400], []))
    yield Raw("64 kB of trailers", start + b"X: %s\r\n\r\n" % (b"y" * 65536), (REFUSED, [413], [431]), nginx=([200], [400]))
    yield Raw("10,000 trailers", start + b"X: y\r\n" * 10000 + b"\r\n", (REFUSED, [413], [431]), nginx=([200], [400]))
    for auth, expect in ((b"", [401]), (w.narrow, [403])):
        yield Raw("a token in a trailer, %d without" % expect[0], w.post(CHUNKED, CHUNK + b"0\r\n" + w.auth + b"\r\n", auth=auth), expect, ends=None, nginx=expect)


def refused_bodies(w):
    """A body that is refused before it is read is a body still: it never becomes the next request."""
    n, chunk = w.length(len(w.smuggled)), b"%x\r\n%s\r\n" % (len(w.smuggled), w.smuggled)
    cases = [("without a token", b"POST /v1/jobs HTTP/1.1\r\n" + w.host + w.json, 401), ("a token that may not", b"POST /v1/jobs HTTP/1.1\r\n" + w.host + w.narrow + w.json, 403),
             ("a path that is none", b"POST /v1/nothing HTTP/1.1\r\n" + w.host + w.auth + w.json, 404), ("a method that is not offered", b"PUT /v1/jobs HTTP/1.1\r\n" + w.host + w.auth + w.json, 405),
             ("a type that is not read", b"POST /v1/jobs HTTP/1.1\r\n" + w.host + w.auth + b"Content-Type: text/plain\r\n", 415), ("compressed", b"POST /v1/jobs HTTP/1.1\r\n" + w.host + w.auth + w.json + b"Content-Encoding: gzip\r\n", 415),
             ("a GET", b"GET /v1/models HTTP/1.1\r\n" + w.host + w.auth, 400), ("a DELETE", b"DELETE /v1/models/nobody HTTP/1.1\r\n" + w.host + w.auth, 400), ("a query that is wrong", b"GET /v1/models?limit=x HTTP/1.1\r\n" + w.host + w.auth, 400),
             ("a target that is none", b"POST /v1/%2e%2e/jobs HTTP/1.1\r\n" + w.host + w.auth + w.json, 400), ("a public page", b"GET /v2/health/live HTTP/1.1\r\n" + w.host, 400),
             ("no JSON", b"POST /v1/jobs HTTP/1.1\r\n" + w.host + w.auth + w.json, 400), ("no model", b"POST /v1/models/nobody:predict HTTP/1.1\r\n" + w.host + w.auth + w.json, 404),
             ("a verb on a job", b"POST /v1/jobs/job-00000000000000000000/cancel HTTP/1.1\r\n" + w.host + w.auth + w.json, (400, 404))]
    for name, start, status in cases:
        expect = tuple([one] for one in (status if isinstance(status, tuple) else (status, )))
        for kind, data in (("a length", n + b"\r\n" + w.smuggled), ("chunks", CHUNKED + b"\r\n" + chunk + LAST)):
            yield Raw("a body with %s: %s" % (kind, name), start + data, expect, ends=None, nginx=expect)
            yield Raw("a body with %s, expected: %s" % (kind, name), start + b"Expect: 100-continue\r\n" + data, expect, ends=None, nginx=expect)
            yield Raw("a body with %s, a moment later: %s" % (kind, name), [start + data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", 0.03, data.partition(b"\r\n\r\n")[2]], expect, ends=None, nginx=expect)
        yield Raw("a body that is not announced: " + name, start.replace(b"POST /v1/jobs ", b"POST /v1/nothing ") + b"\r\n" + b"\x01" + w.smuggled, tuple([one, 400] for one in (200, 401, 403, 404, 405)) + ([400], [415]), nginx=())


def pipelines(w):
    good, bad = w.get(), w.get(host=b"")
    health = b"GET /v2/health/live HTTP/1.1\r\n" + w.host + b"\r\n"
    yield Raw("the request itself, without its token", w.smuggled.replace(w.auth, b""), [401], ends=None, nginx=[401])
    yield Raw("two good ones", good * 2, [200, 200], ends=False, nginx=[200, 200])
    yield Raw("50 good ones", good * 50, [200] * 50, ends=False, nginx=[200] * 50)
    yield Raw("two bodies", w.post(w.length(), BODY) * 2, [200, 200], ends=False, nginx=[200, 200])
    yield Raw("a body, none, chunks", w.post(w.length(), BODY) + good + w.post(CHUNKED, CHUNK + LAST), [200] * 3, nginx=[200] * 3)
    yield Raw("behind chunks", w.post(CHUNKED, CHUNK + LAST) + w.smuggled, [200], nginx=())
    yield Raw("good, bad, smuggled", good + bad + w.smuggled, [200, 400], nginx=[200, 400])
    yield Raw("bad, smuggled", bad + w.smuggled, [400])
    yield Raw("10 good, bad, smuggled", good * 10 + bad + w.smuggled, [200] * 10 + [400], nginx=[200] * 10 + [400])
    yield Raw("a good one with chunks, bad, smuggled", w.post(CHUNKED, CHUNK + LAST) + bad + w.smuggled, [200], nginx=[200, 400])
    yield Raw("good, nonsense, smuggled", good + b"\x01\x02 nonsense\r\n\r\n" + w.smuggled, ([200, 400], [200, 501]), nginx=[200, 400])
    yield Raw("good, a line that begins with a NUL, good", good + b"\x00 nonsense\r\n\r\n" + good, NUL_LINES, ends=False, nginx=[200, 400])
    yield Raw("good, CL and TE, smuggled", good + w.post(w.length(5) + CHUNKED, LAST + w.smuggled), [200, 400], nginx=[200, 400])
    yield Raw("good, a method, smuggled", good + w.get(line=b"BREW / HTTP/1.1") + w.smuggled, [200, 501], nginx=([200, 405, 200], [200, 405], [200, 400], [200, 501]))
    for value in (b"close", b"Close", b"CLOSE", b"close, x", b"x, close", b"keep-alive, close", b"close, keep-alive", b" close ", b"close\r\nConnection: keep-alive", b"keep-alive\r\nConnection: close"):
        yield Raw("behind Connection: %s" % value.decode()[:40].replace("\r\n", " and "), w.get(b"Connection: %s\r\n" % value) + w.smuggled, ([200], [400]), nginx=([200], [400]))
    yield Raw("behind a POST with Connection: close", w.post(b"Connection: close\r\n" + w.length(), BODY + w.smuggled), [200], nginx=[200])
    yield Raw("behind HTTP/1.0", w.get(line=b"GET /v1/models HTTP/1.0") + w.smuggled, [200], nginx=[200])
    yield Raw("behind HTTP/1.0 with Connection: x", w.get(b"Connection: x\r\n", line=b"GET /v1/models HTTP/1.0") + w.smuggled, [200], nginx=[200])
    yield Raw("HTTP/1.0 kept twice", w.get(b"Connection: keep-alive\r\n", line=b"GET /v1/models HTTP/1.0") * 2, ([200, 200], [200]), ends=None, executes=any, nginx=([200, 200], [200]))
    yield Raw("health 100 times, bad, smuggled", health * 100 + bad + w.smuggled, [200] * 100 + [400], nginx=[200] * 100 + [400])
    yield Raw("byte by byte", [good[i:i + 1] for i in range(len(good))], [200], ends=False, nginx=[200])
    yield Raw("a POST byte by byte", [bytes([b]) for b in w.post(w.length(), BODY)], [200], ends=False, nginx=[200])
    yield Raw("chunks byte by byte", [bytes([b]) for b in w.post(CHUNKED, CHUNK + LAST)], [200], nginx=[200])
    yield Raw("CL and TE byte by byte", [bytes([b]) for b in w.post(w.length(5) + CHUNKED, LAST + w.smuggled)], REFUSED)
    yield Raw("CL and TE, a pause, smuggled", [w.post(w.length(5) + CHUNKED, LAST), 0.1, w.smuggled], REFUSED)
    for cut in range(1, 5):  # the end of the head in two packets
        yield Raw("the head's end in two pieces, %d" % cut, [good[:-cut], 0.02, good[-cut:]], [200], ends=False, nginx=[200])
    for n in (0, 1, 2, 5):
        yield Raw("a body of %d and %d empty lines before the next" % (SIZE, n), w.post(w.length(), BODY) + b"\r\n" * n + good, ([200, 200], [200, 400]), ends=None, nginx=([200, 200], [200, 400]))
    yield Raw("Upgrade: h2c", w.get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), [200], ends=None, nginx=[200])
    yield Raw("Upgrade: websocket", w.get(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"), [200], ends=None, nginx=[200])


def expectations(w):
    ask = b"Expect: 100-continue\r\n"
    yield Raw("100-continue, body at once", w.post(ask + w.length(), BODY), [200], ends=False, nginx=[200])
    yield Raw("100-continue, body after the invitation", [w.post(ask + w.length()), READ, BODY], [200], ends=False, nginx=[200])
    yield Raw("100-continue, chunks after it", [w.post(ask + CHUNKED), READ, CHUNK + LAST], [200], nginx=[200])
    yield Raw("100-continue, then nothing", w.post(ask + w.length()), [], ends=None, waits=True)
    yield Raw("100-continue, then half a body", [w.post(ask + w.length()), READ, BODY[:5], HALF], [], ends=None, waits=True, executes=0)
    yield Raw("100-continue of a GET", w.get(ask) + w.smuggled, [417], nginx=())
    yield Raw("100-continue without a body", w.post(ask) + w.smuggled, [417], nginx=())
    yield Raw("100-continue of a large body", w.post(ask + w.length(10 ** 9)), [413], nginx=[413])
    yield Raw("100-continue without a token", w.post(ask + w.length(), auth=b""), [401], ends=None, nginx=[401])
    yield Raw("100-continue and smuggled", [w.post(ask + w.length(), auth=b""), READ, w.smuggled], [401], ends=None, nginx=([401], [401, 400]))
    for value in (b"bogus", b"200-ok", b"100-continue, x", b"", b"100-continue\r\nExpect: 100-continue", b"x" * 2000, b"100-Continue"):
        yield Raw("Expect: %s" % value.decode()[:30].replace("\r\n", " and "), w.post(b"Expect: %s\r\n" % value + w.length(), BODY), ([200], [417], [400]), ends=None, nginx=([200], [417], [400]))


def partings(w):
    """Gone in the middle: half-closed at each byte, or with a reset."""
    get, post, chunks = w.get(), w.post(w.length(), BODY), w.post(CHUNKED, CHUNK + LAST)
    for i in range(0, len(get)):
        yield Raw("half-closed at byte %d of a GET" % i, [get[:i], HALF], ([], [400]), ends=None, nginx=([], [400]))
    for name, data, step in (("a POST", post, 7), ("chunks", chunks, 7), ("a right one and what would be smuggled", get + w.smuggled[:-2], 11)):
        for i in list(range(len(get) if data is not post and data is not chunks else 1, len(data), step)):
            yield Raw("half-closed at byte %d of %s" % (i, name), [data[:i], HALF], ([], [400], [200], [200, 400]), ends=None, executes=any, nginx=([], [400], [200], [200, 400], [408], [499]))
    for data, name in ((get, "a GET"), (post, "a POST"), (chunks, "chunks")):
        yield Raw("half-closed behind %s" % name, [data, HALF], ([200], []), ends=None, executes=any, nginx=([200], []))
        for i in range(1, len(data) + 1, 9):
            yield Raw("reset at byte %d of %s" % (i, name), [data[:i], RESET], [], executes=any, ends=None, nginx=[])


def raw_rows(house):
    words = Words(house)
    for group in (codings, lengths, sizes, chunk_ends, trailers, refused_bodies, pipelines, expectations, partings):
        yield from group(words)


rows = raw_rows
