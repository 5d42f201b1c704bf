# SPDX-License-Identifier: Apache-2.0
"""Bad uploads: tables that are none, tables beyond a ceiling, multipart bodies that are none."""
import json

from house import BOUNDARY, METADATA, MULTIPART, close, multipart, part, table
from rows import Row

COLUMNS_MAX, FIELD_MAX, ROW_MAX = 4096, 1 << 20, 4 << 20
MALFORMED, LARGE, SENSELESS = (400, "invalid_value"), (413, "too_large"), (422, "unprocessable")
HEAD = b"a,b,c\n"

TABLES = [  # name, bytes, what comes of it
    ("nothing", b"", MALFORMED), ("a blank line", b"\n", MALFORMED), ("blank lines", b"\n" * 100000, MALFORMED), ("a header alone", HEAD, SENSELESS),
    ("a header without its line end", b"a,b,c", SENSELESS), ("a mark alone", b"\xef\xbb\xbf", MALFORMED), ("half a mark", b"\xef\xbb", MALFORMED),
    ("a short row", HEAD + b"1,2,3\n1,2\n", MALFORMED), ("a long row", HEAD + b"1,2,3\n1,2,3,4\n", MALFORMED), ("a long last row", HEAD + b"1,2,3\n1,2,3,", MALFORMED),
    ("one field", HEAD + b"1\n", MALFORMED), ("a million ragged rows", HEAD + b"1,2,3\n" * 200000 + b"1\n" * 200000, MALFORMED),
    ("a quote that never ends", HEAD + b'1,2,"3\n' + b"4,5,6\n" * 1000, MALFORMED), ("a quote within a field", HEAD + b'1,2,3"4\n', MALFORMED),
    ("text after a quote", HEAD + b'1,2,"3"4\n', MALFORMED), ("an empty name", b"a,,c\n1,2,3\n", MALFORMED), ("a name twice", b"a,b,a\n1,2,3\n", MALFORMED),
    ("a long name", b"a," + b"n" * 129 + b"\n1,2\n", MALFORMED), ("a name with a bell", b"a,b\x07\n1,2\n", MALFORMED), ("a name with a line end", b'a,"b\nc"\n1,2\n', MALFORMED),
    ("a NUL in the header", b"a,b\0\n1,2\n", MALFORMED), ("a NUL in a field", HEAD + b"1,\0,3\n", MALFORMED), ("NULs alone", b"\0" * 100000, MALFORMED),
    ("Latin-1", HEAD + "1,2,\u00e9\n".encode("latin-1"), MALFORMED), ("overlong UTF-8", HEAD + b"1,2,\xc0\xaf\n", MALFORMED), ("a surrogate", HEAD + b"1,2,\xed\xa0\x80\n", MALFORMED),
    ("UTF-16", table(5).decode().encode("utf-16"), MALFORMED), ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 40, MALFORMED),
    ("an archive", b"PK\x03\x04\x14\0\0\0" + bytes(range(256)) * 40, MALFORMED), ("100,000 columns", b",".join(b"c%d" % i for i in range(100000)) + b"\n1\n", LARGE),
    ("one column too many", b",".join(b"c%d" % i for i in range(COLUMNS_MAX + 1)) + b"\n1\n", LARGE), ("100,000 fields in a row", HEAD + b"1," * 100000 + b"\n", LARGE),
    ("a million separators", b"," * 1000000, LARGE), ("a field of 1 MiB and a byte", HEAD + b"1,2," + b"x" * (FIELD_MAX + 1) + b"\n", LARGE),
    ("a quoted field of 2 MiB", HEAD + b'1,2,"' + b"\n" * (2 << 20) + b'"\n', LARGE), ("a header of 2 MiB", b"n" * (2 << 20), LARGE),
    ("a row of 4 MiB in fields", b"a,b,c,d,e\n" + b",".join([b"y" * (FIELD_MAX - 1)] * 5) + b"\n", LARGE), ("a number that no float holds", b"a,b\n1,2\n1e39,3\n", MALFORMED),
    ("minus one", b"a,b\n1,2\n-1e39,3\n", MALFORMED),
]


def upload(data, metadata=None, first=True):
    body = multipart(json.dumps(metadata or METADATA).encode(), data, first)
    return lambda h: h.ask("POST", "/v1/datasets", body, kind=MULTIPART)


def tables(house):
    for name, data, (status, code) in TABLES:
        for first in (True, False):
            yield Row("table", name + ("" if first else " (metadata last)"), upload(data, first=first), status, code, "file")
    typed = lambda columns, **more: dict(METADATA, columns={k: {"type": v} for k, v in columns.items()}, **more)
    for columns, data, path in [({"a": "number"}, b"a,b\n1,2\nx,3\n", "file"), ({"a": "boolean"}, b"a,b\ntrue,2\n7,3\n", "file"), ({"a": "number"}, b"a,b\n1e39,2\n", "file"),
                                ({"a": "category"}, b"a,b\n" + b"x" * 257 + b",1\n", "file"), ({"a": "category"}, b"a,b\n" + b"".join(b"k%d,1\n" % i for i in range(1001)), "file"),
                                ({"nobody": "number"}, b"a,b\n1,2\n", "metadata.columns")]:
        for first in (True, False):
            yield Row("table", "%s against %r" % (columns, data[:20]), upload(data, typed(columns), first), 400, "invalid_value", path)
    for key, value in (("target", "nobody"), ("subject_column", "nobody"), ("group_columns", ["a", "nobody"])):
        yield Row("table", "%s %s" % (key, value), upload(b"a,b\n1,2\n", dict(METADATA, **{key: value})), 422, "unprocessable", "metadata." + key)


def endless_field(house, quoted):
    """A field of a gigabyte: refused when the ceiling of a field is reached, not at the end."""
    def pieces():
        yield part("metadata", json.dumps(METADATA).encode(), "application/json")
        yield part("file", b"", "text/csv", "t.csv")[:-2] + b"a,b\n1," + (b'"' if quoted else b"")
        for _ in range(1000):
            yield b"x" * 1000000
        yield b"\r\n" + close()
    sized = list(map(len, [part("metadata", json.dumps(METADATA).encode(), "application/json"), part("file", b"", "text/csv", "t.csv")]))
    length = sum(sized) - 2 + 6 + quoted + 10 ** 9 + 2 + len(close())
    return house.wire.ask("POST", "/v1/datasets", house.headers(length=length, kind=MULTIPART), pieces())


def sent_little(house, reply):
    """The socket buffers of both sides hold some MiB that nobody has read."""
    if reply.sent > 48 << 20:
        raise AssertionError("%d MiB were taken before the refusal" % (reply.sent >> 20))


def huge(house):
    yield Row("table", "a field of 1 GB", lambda h: endless_field(h, False), 413, "too_large", "file", sent_little)
    yield Row("table", "a quoted field of 1 GB", lambda h: endless_field(h, True), 413, "too_large", "file", sent_little)
    for n in ((1 << 30) + 1, 2 ** 62):
        yield Row("table", "Content-Length %d" % n, lambda h, n=n: h.wire.ask("POST", "/v1/datasets", h.headers(length=n, kind=MULTIPART), [b"-"]),
                  413, "too_large", "header:Content-Length")


def bodies(house):
    meta, file = part("metadata", json.dumps(METADATA).encode(), "application/json"), part("file", table(10), "text/csv", "t.csv")
    begin = ("--" + BOUNDARY).encode()
    syntax = (400, "invalid_json")
    cases = [  # name, body, (status, code), path
        ("nothing", b"", syntax, None), ("no boundary in it", b"x" * 5000, LARGE, None), ("little without a boundary", b"x" * 100, syntax, None),
        ("the closing boundary alone", close(), (400, "invalid_value"), "metadata"), ("no file", meta + close(), (400, "invalid_value"), "file"),
        ("no metadata", file + close(), (400, "invalid_value"), "metadata"), ("two files", meta + file + file + close(), (400, "duplicate_key"), "file"),
        ("metadata twice", meta + meta + file + close(), (400, "duplicate_key"), "metadata"), ("another part", meta + part("extra", b"x") + file + close(), (400, "unknown_key"), "extra"),
        ("a part without a name", begin + b"\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + close(), syntax, None),
        ("a part without headers", begin + b"\r\n\r\nx\r\n" + close(), syntax, None), ("a header without a colon", begin + b"\r\nContent-Disposition\r\n\r\nx\r\n" + close(), syntax, None),
        ("a header with a NUL", begin + b'\r\nContent-Disposition: form-data; name="fi\0le"\r\n\r\nx\r\n' + close(), syntax, None),
        ("a file name that climbs", part("metadata", json.dumps(METADATA).encode()) + part("file", b"a\n", None, "../../../etc/passwd") + close(), (422, "unprocessable"), "file"),
        ("headers that never end", begin + b"\r\n" + b"X-A: b\r\n" * 10000, LARGE, None), ("base64", begin + b'\r\nContent-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n' + close(), (415, "unsupported_media"), None),
        ("no end", meta + file, syntax, None), ("no end of the metadata", meta[:-20], syntax, None), ("cut within the closing boundary", (meta + file + close())[:-4], syntax, None),
        ("more after the end", meta + file + close() + b"x" * 5000, syntax, None), ("something after a boundary", begin + b"x\r\n" + meta, syntax, None),
        ("metadata of 1 MiB", part("metadata", b" " * (1 << 20)) + file + close(), LARGE, "metadata"), ("seventeen parts", part("metadata", b"{}") * 17, (400, "invalid_value"), "metadata.name"),
    ]
    for name, body, (status, code), path in cases:
        yield Row("multipart", name, lambda h, b=body: h.ask("POST", "/v1/datasets", b, kind=MULTIPART), status, code, path)
    good = meta + file + close()
    for kind, status, code in [("application/json", 415, "unsupported_media"), ("text/csv", 415, "unsupported_media"), ("multipart/mixed; boundary=x", 415, "unsupported_media"),
                               ("multipart/form-data", 400, "invalid_value"), ("multipart/form-data; boundary=", 400, "invalid_value"), ('multipart/form-data; boundary=""', 400, "invalid_value"),
                               ("multipart/form-data; boundary=" + "b" * 71, 400, "invalid_value"), ('multipart/form-data; boundary="a', 400, "invalid_value"),
                               ("multipart/form-data; boundary=a; boundary=b", 400, "invalid_value"), ("multipart/form-data; boundary=\"a\\\"", 400, "invalid_value"),
                               ("multipart/form-data; boundary=a\u00e9", 400, "invalid_value")]:
        yield Row("multipart", kind[:60], lambda h, k=kind: h.ask("POST", "/v1/datasets", good, kind=k), status, code, "header:Content-Type")
    yield Row("multipart", "no Content-Type", lambda h: h.ask("POST", "/v1/datasets", good, kind=None), 415, "unsupported_media", "header:Content-Type")


def rows(house):
    for group in (tables, huge, bodies):
        yield from group(house)
