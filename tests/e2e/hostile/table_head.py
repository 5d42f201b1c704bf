# SPDX-License-Identifier: Apache-2.0
"""Heads of requests in raw bytes: methods, targets, versions, hosts, headers, line ends; what is too long, and other protocols."""
from raw import HALF, OLD, Raw
from table_raw import BLANK_LINES, BODY, CLOSED, DOUBLE_400, DOUBLE_431, REFUSED, Words

TOO_LONG = ([431], [400], [413], [414], DOUBLE_431)  # by libmicrohttpd when its 32 kB do not hold the head, else by the gate
CONTROLS = [c for c in range(0x20) if c not in (0x09,)] + [0x7f]


def lines(w):
    """The first line."""
    rest = w.host + w.auth + b"\r\n"

    def first(line):
        return line + b"\r\n" + rest + w.smuggled
    for method in (b"get", b"Get", b"gET", b"BREW", b"GETT", b"GE", b"TRACE", b"TRACK", b"PROPFIND", b"DEBUG", b"CONNECT", b"X" * 31, b"G" * 300, b"PRI", b"M-SEARCH", b"_", b"!"):
        yield Raw("method " + method.decode()[:20], method + b" /v1/models HTTP/1.1\r\n" + w.host + w.auth + b"Connection: close\r\n\r\n", ([405], [501], [400]), nginx=([405], [501], [400]))
    for method in (b"G\x00ET", b"GET\x00", b"\x00GET", b"G\x01T", b"G\x7fT", b"G\xe9T", b"\xffGET", b"\xef\xbb\xbfGET", b"G@T", b"G(T", b"G/T", b"\"GET\"", b"GET,", b"{GET}", b"[G]", b"G:T", b"<GET>", b"\x1b[GET", b"G\\T"):
        yield Raw("method " + repr(method)[2:-1], first(method + b" /v1/models HTTP/1.1"), ([400], [501], [405]))
    yield Raw("a method of 20 kB", first(b"G" * 20000 + b" /v1/models HTTP/1.1"), ([501], [400], [414], [431]))
    yield Raw("a method of 64 kB", first(b"G" * 65536 + b" /v1/models HTTP/1.1"), TOO_LONG)
    for line in (b"", b" ", b"GET", b"GET ", b" GET /v1/models HTTP/1.1", b"\tGET /v1/models HTTP/1.1", b"GET\t/v1/models\tHTTP/1.1", b"GET\t/v1/models HTTP/1.1", b"GET /v1/models\tHTTP/1.1", b"GET  /v1/models HTTP/1.1", b"GET /v1/models  HTTP/1.1",
                 b"GET /v1/models HTTP/1.1 ", b"GET /v1/models HTTP/1.1\t", b"GET /v1/models HTTP/1.1 x", b"GET /v1/models /v1/jobs HTTP/1.1", b"GET /v1/mod els HTTP/1.1", b"GET HTTP/1.1", b"GET  HTTP/1.1", b"/v1/models HTTP/1.1", b"GET\x0b/v1/models\x0bHTTP/1.1",
                 b"GET\x0c/v1/models HTTP/1.1", b"GET\xa0/v1/models HTTP/1.1", b"GET\r/v1/models\rHTTP/1.1", b"GET /v1/models\rHTTP/1.1", b"GET /v1/models HTTP/1.1\r", b"GET /v1/models\nHTTP/1.1", b"GET /v1/models HTTP/1.1\rX: y", b"GET /v1/models\r\n HTTP/1.1",
                 b"GET /v1/models HTTP/1.1 HTTP/1.1", b"GET /v1/models HTTP/1.1\x00", b"hello", b": :", b"\x00", b"HTTP/1.1 200 OK", b"GET/v1/modelsHTTP/1.1", b"GET,/v1/models,HTTP/1.1"):
        if line != b"":
            yield Raw("line " + repr(line)[2:-1], first(line), ([400], [505], [501], CLOSED), nginx=([400], [405], [501], [505], [404]))
    for n in (1, 2, 10):
        yield Raw("%d empty lines first" % n, b"\r\n" * n + w.get(), (BLANK_LINES, REFUSED), ends=None, nginx=([200], [400]))
        yield Raw("%d bare LFs first" % n, b"\n" * n + w.get(), (BLANK_LINES, REFUSED), ends=None, nginx=([200], [400]))
        yield Raw("%d bare CRs first" % n, b"\r" * n + w.get() + w.smuggled, ([400], [501]))
    yield Raw("100,000 empty lines", b"\r\n" * 100000 + w.smuggled.replace(w.auth, b""), ([400], [401], [431], [414], [413], []), ends=None, nginx=([400], [401], [414]))


def versions(w):
    rest = b"\r\n" + w.host + w.auth + b"Connection: close\r\n\r\n"
    for version in (b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3", b"HTTP/3.0", b"HTTP/9.9", b"HTTP/11.1", b"HTTP/1.10", b"HTTP/1.11", b"HTTP/01.1", b"HTTP/1.01", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/", b"HTTP",
                    b"HTTP/-1.1", b"HTTP/+1.1", b"HTTP/1,1", b"HTTP/1.1.1", b"HTTP/1.x", b"HTTP/x.1", b"HTTP/a.b", b"HTTP/1.1x", b"http/1.1", b"Http/1.1", b"HTTPS/1.1", b"ICY/1.0", b"SIP/2.0", b"RTSP/1.0", b"HTTP /1.1", b"HTTP/ 1.1", b"HTTP/1. 1", b"HTTP\\1.1",
                    b"XHTTP/1.1", b"HTTP//1.1", b"HTTP/1.1/", b"HTTP/" + b"1" * 300 + b".1", b"HTTP/1." + b"1" * 300, b"HTTP/4294967297.1", b"HTTP/1.4294967297", b"HTTP/\xb1.1", b"HTTP/1\x00.1"):
        yield Raw("version " + repr(version)[2:-1][:30], b"GET /v1/models " + version + rest, ([505], [400]), nginx=([505], [400], [200]))
        yield Raw("version %s, smuggled" % repr(version)[2:-1][:30], w.post(w.length(), BODY, version=b"@").replace(b"HTTP/@", version) + w.smuggled.replace(b"HTTP/1.1", version), ([505], [400]), nginx=([505], [400], [200], [200, 505], [200, 400], [200, 405]))
    yield Raw("HTTP/1.0", w.get(line=b"GET /v1/models HTTP/1.0"), [200], nginx=[200])
    yield Raw("HTTP/1.0 without Host", w.get(line=b"GET /v1/models HTTP/1.0", host=b""), ([200], [400]), nginx=([200], [400]))
    for line in (b"GET /v1/models\r\n", b"GET /\r\n", b"GET /v1/models\r\n\r\n", b"GET /v2/health/live\r\n"):
        yield Raw("HTTP/0.9 " + repr(line)[2:-1], [line, HALF], ([400], [505], []), nginx=([OLD], [400], []))
    yield Raw("HTTP/0.9 and smuggled", b"GET /v1/models\r\n" + w.smuggled, ([400], [505]), nginx=([OLD], [400]))
    yield Raw("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", ([505], [400], [405], [501]), nginx=([400], [405], [505], [OLD]))
    yield Raw("the preface of HTTP/2, smuggled", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + w.smuggled, ([505], [400], [405], [501]), nginx=([400], [405], [505], [OLD]))


def targets(w):
    close = b"Connection: close\r\n"

    def ask(target, method=b"GET"):
        return w.get(close, line=method + b" " + target + b" HTTP/1.1") + w.smuggled
    for target in (b"http://licit.test/v1/models", b"HTTP://LICIT.TEST/v1/models", b"https://licit.test/v1/models"):
        yield Raw("taken: target " + target.decode(), ask(target), [200], nginx=[200])
    for target in (b"http://other/v1/models", b"http://licit.test:1/v1/models", b"http://licit.test@other/v1/models", b"http://other@licit.test/v1/models", b"http://user@licit.test/v1/models", b"ftp://licit.test/", b"file:///etc/passwd", b"http:///v1/models", b"http:/v1/models",
                   b"licit.test:443", b"licit.test", b"*", b"v1/models", b"?", b"#", b"?x=/v1/models", b"//licit.test/v1/models", b"///", b"\\v1\\models", b"/v1\\models", b"%2fv1%2fmodels", b"javascript:alert(1)", b"urn:x", b"//v1/models", b"/v1//models", b"/./v1/models", b"/v1/models/.",
                   b"/v1/models/..", b"/v1/../v1/models", b"/../v1/models", b"/v1/models#x", b"/v1/models#", b"#/v1/models", b"/v1/%2e%2e/v1/models", b"/v1/%2E./v1/models", b"/%00", b"/v1/models%00", b"/v1/models%0d%0aX:%20y", b"/v1/models?limit=%00", b"/v1/models?limit=1#x",
                   b"/v1/models%", b"/v1/models%2", b"/v1/models%zz", b"/v1/models%u0041", b"/v1/models%ff", b"/v1/models%c0%af", b"/v1/models/%e0%80%af", b"/v1/models/%f8%80%80%80%af"):
        yield Raw("target " + target.decode(), ask(target), ([400], [404]), nginx=([400], [404], [200], [401], [405]))
    for method, target in ((b"CONNECT", b"licit.test:443"), (b"CONNECT", b"/v1/models"), (b"CONNECT", b"http://other/"), (b"TRACE", b"/v1/models"), (b"TRACE", b"*"), (b"TRACE", b"http://licit.test/")):
        yield Raw("%s %s" % (method.decode(), target.decode()), ask(target, method), ([405], [501], [400]), nginx=([405], [501], [400]))
    yield Raw("OPTIONS *", ask(b"*", b"OPTIONS"), ([200], [204], [400], [405]), nginx=([200], [204], [400], [405], [404]), executes=any)
    for c in [c for c in range(256) if c <= 0x20 or c >= 0x7f or c in b'"<>\\^`{|}']:
        where = bytes([c])
        grave = c <= 0x20 or c == 0x7f
        yield Raw("a target with 0x%02x in its path" % c, ask(b"/v1/mod" + where + b"els"), ([400], [505], [501]) if grave else ([400], [404]), nginx=([400], [404], [200]))
        yield Raw("a target with 0x%02x in its query" % c, ask(b"/v1/models?after=a" + where + b"b"), ([400], [505], [501]) if grave else ([400], [404]), nginx=([400], [404], [200]))
    for c in (0x00, 0x01, 0x0a, 0x0d, 0x20, 0x7f, 0x80, 0xff):
        yield Raw("a target that ends with 0x%02x" % c, ask(b"/v1/models" + bytes([c])), ([400], [505], [404]), nginx=([400], [404]))
        yield Raw("a target that begins with 0x%02x" % c, ask(bytes([c]) + b"/v1/models"), ([400], [505], [404]), nginx=([400], [404]))
    yield Raw("a target of 8 kB", ask(b"/v1/models/" + b"a" * 8192), ([414], [413], [400], [404]), nginx=([414], [413], [404], [400]))
    for n in (30000, 65536, 10 ** 6):
        yield Raw("a target of %d bytes" % n, ask(b"/" + b"a" * n), ([414], [413], [400]))
        yield Raw("a query of %d bytes" % n, ask(b"/v1/models?" + b"a" * n), ([414], [413], [400]))
    yield Raw("10,000 segments", ask(b"/v1" + b"/a" * 10000), ([414], [413], [400], [404]))
    yield Raw("1,000 parameters", ask(b"/v1/models?" + b"&".join(b"a%d=1" % i for i in range(1000))), ([414], [413], [400]), nginx=([414], [413], [400]))


def hosts(w):
    def host(lines):
        return w.get(b"Connection: close\r\n", host=lines) + w.smuggled
    for name, text in (("none", b""), ("two", w.host + b"Host: other\r\n"), ("two equal", w.host * 2), ("two in other cases", w.host + b"HOST: other\r\n"), ("three", w.host * 3), ("a second far behind", w.host + b"X: y\r\n" * 30 + b"Host: other\r\n"),
                       ("a blank before the colon", b"Host : licit.test\r\n"), ("a second with a blank before the colon", w.host + b"Host : other\r\n"), ("folded", b"Host: licit.test\r\n other\r\n"), ("folded at once", b"Host:\r\n licit.test\r\n"),
                       ("with a tab folded", b"Host: licit.test\r\n\tX: y\r\n"), ("as a folded line first", b" Host: licit.test\r\n"), ("no colon", b"Host licit.test\r\n"), ("Host_", b"Host_: licit.test\r\n"), ("X-Host", b"X-Host: licit.test\r\n"),
                       ("a second behind a bare LF", b"Host: licit.test\nHost: other\r\n"), ("a second behind a bare CR", b"Host: licit.test\rHost: other\r\n"), ("a second behind a NUL", b"Host: licit.test\x00\r\nHost: other\r\n")):
        yield Raw("Host: " + name, host(text), REFUSED)
    for value in (b"", b" ", b"a@licit.test", b"user:secret@licit.test", b"licit.test, other", b"licit.test,other", b"licit.test other", b"licit.test/", b"licit.test/v1", b"http://licit.test", b"licit.test?x", b"licit.test#x", b"licit.test\\", b"licit.test:x", b"licit.test:-1",
                  b"licit.test:99999999999", b"licit.test:80:80", b"[::1", b"::1]", b"[::1]x", b"[zz]", b"[::1]:x", b"[]", b"licit.test\x00", b"lic\x00it.test", b"licit.test\x01", b"licit.test\x7f", b"licit.t\xc3\xa9st", b"licit.test\xff", b"licit%00.test", b"licit.test;x", b"<licit>", b"\"licit\"",
                  b"licit.test\t x", b"{x}", b"a|b", b"a^b", b"a`b", b"%zz", b"a" * 300, b"a" * 4000, b":", b":80", b"@", b".." * 600):
        yield Raw("Host: " + repr(value)[2:-1][:30], host(b"Host: %s\r\n" % value), REFUSED, nginx=([400], [200], [401]))
    for value in (b"licit.test:443", b"127.0.0.1", b"127.0.0.1:8443", b"[::1]", b"[::1]:8443", b"LICIT.TEST", b"licit.test.", b"licit_test", b"licit-1.test", b"localhost"):
        yield Raw("taken: Host: " + value.decode(), w.get(b"Connection: close\r\n", host=b"Host: %s\r\n" % value), [200], nginx=[200])


def headers(w):
    def more(data):
        return w.get(data) + w.smuggled
    for line in (b"nonsense", b"X", b"X ", b": x", b" : x", b":", b"::", b" X: y", b"\tX: y", b"  ", b"\t", b" ", b"X : y", b"X\t: y", b"X  : y", b"X Y: z", b"X\tY: z", b"X\x0b: y", b"X\xa0: y", b"\xa0X: y", b"\xc3\xa9: y", b"X\xff: y",
                 b"X=y", b"X;y", b"GET / HTTP/1.1", b"X: y\r\n z", b"X: y\r\n\tz", b"X: y\r\n ", b"X:\r\n y", b"X: y\r\n \r\n z", b"Authorization: Bearer x\r\n y", b"Content-Type:\r\n application/json", b"X: a\nY: b", b"X: a\n b", b"X: a\n\nGET / HTTP/1.1",
                 b"\nX: y", b"X: a\n", b"X: a\rY: b", b"X: a\r", b"\rX: y", b"X: a\r\r", b"X\r: y", b"X\n: y", b"X: a\r\rY: b", b"X: a\n\r", b"X: a\x00b", b"X: \x00", b"X\x00: y", b"\x00X: y", b"\x00", b"X: a\x00\x00\x00", b"X:\x00 y", b"X: y\x00\r\nY: z", b"X: y\x00\r\n z"):
        yield Raw("header " + repr(line)[2:-1], more(line + b"\r\n"), REFUSED, nginx=() if line in (b"X=y", b"X;y", b"X", b"nonsense") else None)
    for c in CONTROLS:
        if c not in (0x0a, 0x0d, 0x00):
            yield Raw("a value with 0x%02x" % c, more(b"X: a%cb\r\n" % c), REFUSED, nginx=([400], [200]))
            yield Raw("a token with 0x%02x" % c, w.get(auth=w.auth[:-2] + bytes([c]) + b"\r\n") + w.smuggled, REFUSED, nginx=([400], [401]))
    for c in list(b'"(),/:;<=>?@[\\]{} \t') + CONTROLS + [0x80, 0xa0, 0xff]:
        if c not in (0x3a, ):
            yield Raw("a name with 0x%02x" % c, more(b"X%cY: z\r\n" % c), REFUSED, nginx=([400], [200]))
            yield Raw("a name that begins with 0x%02x" % c, more(b"%cX: z\r\n" % c), REFUSED, nginx=([400], [200]))
            yield Raw("a name that ends with 0x%02x" % c, more(b"X%c: z\r\n" % c), REFUSED, nginx=([400], [200]))
    for name in (b"!#$%&'*+-.^_`|~", b"x" * 100, b"0", b"-"):
        yield Raw("taken: a name like " + name.decode()[:20], w.get(name + b": y\r\n"), [200], ends=False, nginx=[200])
    for value in (b"", b"\xc3\xa9", b"\xff\xfe", b"a\tb", b"x" * 4000, b"<script>", b"${jndi:ldap://x}", b"() { :; }; echo x", b"%00%0d%0a", b"' OR 1=1 --", b"%s%n%s%n", b"../../etc/passwd"):
        yield Raw("taken: a value like " + repr(value)[2:-1][:30], w.get(b"X: %s\r\n" % value), [200], ends=False, nginx=[200])
    for name in (b"Authorization", b"Content-Type", b"authorization"):
        yield Raw("two of " + name.decode(), more(b"%s: Bearer x\r\n" % name + b"%s: x\r\n" % name), REFUSED, nginx=([400], [401]))
    yield Raw("a right token and a wrong one", more(b"Authorization: Bearer x\r\n"), REFUSED)
    yield Raw("a wrong token and a right one", w.get(auth=b"Authorization: Bearer x\r\n" + w.auth) + w.smuggled, REFUSED)
    for name, lines_ in (("every line end bare", None), ("the last", b"X: y\r\n"), ("the last two", b"X: y\n")):
        data = w.get().replace(b"\r\n", b"\n") if lines_ is None else w.get(lines_)[:-2] + b"\n"
        yield Raw("bare LF: " + name, data, REFUSED, nginx=([200], [400]))
        yield Raw("bare LF and smuggled: " + name, data + w.smuggled, REFUSED, nginx=([400], []) if lines_ is None else ())
    yield Raw("CR LF and LF CR", w.get()[:-2] + b"\n\r\n" + w.smuggled, REFUSED, nginx=())
    yield Raw("bare CR: every line end", [w.get().replace(b"\r\n", b"\r"), HALF], ([400], []), ends=None, nginx=([400], []))
    yield Raw("a POST with bare LFs", w.post(w.length(), b"").replace(b"\r\n", b"\n") + BODY, REFUSED, nginx=([200], [400]))
    yield Raw("one bare LF in a POST", w.post(w.length().replace(b"\r\n", b"\n"), BODY), REFUSED, nginx=([200], [400]))


def floods(w):
    """More than is read."""
    for n in (33000, 65536, 10 ** 6):
        yield Raw("a header of %d bytes" % n, w.get(b"X: %s\r\n" % (b"y" * n)) + w.smuggled, TOO_LONG)
        yield Raw("a header's name of %d bytes" % n, w.get(b"%s: y\r\n" % (b"x" * n)) + w.smuggled, TOO_LONG)
        yield Raw("a token of %d bytes" % n, w.get(auth=b"Authorization: Bearer %s\r\n" % (b"y" * n)) + w.smuggled, TOO_LONG)
        yield Raw("a header of %d bytes without an end" % n, [w.get(b"X: %s\r\n" % (b"y" * n))[:-4], HALF], TOO_LONG)
        yield Raw("a first line of %d bytes without an end" % n, [b"G" * n, HALF], TOO_LONG)
    yield Raw("16 kB of a token", w.get(auth=b"Authorization: Bearer %s\r\n" % (b"y" * 16384)), ([401], [431], [400], [413]), ends=None, nginx=([401], [400], [431]))
    for n in (101, 128, 129, 500, 1000, 10000, 100000):
        yield Raw("%d headers" % n, w.get(b"".join(b"X-%d: y\r\n" % i for i in range(n))), TOO_LONG)
        yield Raw("%d headers of the same name" % n, w.get(b"X: y\r\n" * n), TOO_LONG)
    yield Raw("10,000 empty headers", w.get(b"X:\r\n" * 10000), TOO_LONG)
    yield Raw("10,000 folded lines", w.get(b"X: y\r\n" + b" z\r\n" * 10000), TOO_LONG)
    yield Raw("10,000 lines without a colon", w.get(b"x\r\n" * 10000), TOO_LONG)
    yield Raw("a cookie of 30 kB", w.get(b"Cookie: " + b"a=b; " * 6000 + b"\r\n"), TOO_LONG)
    yield Raw("X-Forwarded-For of 64 kB", w.get(b"X-Forwarded-For: " + b"1.1.1.1, " * 7000 + b"1.1.1.1\r\n"), TOO_LONG)
    yield Raw("X-Forwarded-For of a stranger", w.get(b"X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"), [200], ends=False, nginx=[200])
    yield Raw("Range of 1,000 pieces", w.get(b"Range: bytes=" + b",".join(b"%d-%d" % (i, i) for i in range(1000)) + b"\r\n"), ([200], [416], [400]), ends=None, nginx=([200], [416], [400]))
    yield Raw("Accept that is weird", w.get(b"Accept: " + b"*/*;q=0.1," * 300 + b"\r\n"), ([200], [400], [406]), ends=None, nginx=([200], [400], [406]))


def protocols(w):
    """Other protocols on a port that speaks HTTP."""
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + b"\x00" * 161
    for name, data in (("a TLS hello", hello), ("an old TLS hello", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x00" * 35), ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"), ("SMTP", b"EHLO licit.test\r\nMAIL FROM:<a@b>\r\n"), ("Redis", b"*1\r\n$4\r\nPING\r\n"),
                       ("memcached", b"stats\r\n"), ("SOCKS 5", b"\x05\x01\x00"), ("PROXY 1", b"PROXY TCP4 6.6.6.6 7.7.7.7 1 2\r\n" + w.get()), ("PROXY 2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x00" * 12 + w.get()),
                       ("FastCGI", b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"), ("AJP", b"\x12\x34\x00\x02\x02\x02"), ("MQTT", b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd"), ("gRPC frames", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 20),
                       ("NULs", b"\x00" * 2000), ("0xff", b"\xff" * 2000), ("newlines", b"\n" * 2000), ("CRs", b"\r" * 2000), ("blanks", b" " * 2000), ("a gzip file", b"\x1f\x8b\x08" + b"\x00" * 500), ("an ELF file", b"\x7fELF\x02\x01\x01" + b"\x00" * 500),
                       ("every byte", bytes(range(256)) * 8)):
        yield Raw("on the port of HTTP: " + name, [data, HALF], ([400], CLOSED, DOUBLE_400, [505], [501]), ends=None, nginx=([400], [], [405], [200], [OLD]), executes=any)
    yield Raw("TLS, then smuggled", hello + b"\r\n\r\n" + w.smuggled, (REFUSED, CLOSED))


def raw_rows(house):
    words = Words(house)
    for group in (lines, versions, targets, hosts, headers, floods, protocols):
        yield from group(words)


rows = raw_rows
