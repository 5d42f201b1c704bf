# SPDX-License-Identifier: Apache-2.0
"""Bad predictions. Their errors are {"error": "path: words"}, as TensorFlow Serving's clients want them."""
import json

from house import RECORD
from rows import Row

ROWS_MAX, BODY_MAX = 1000, 1 << 20
PRODUCTION = "/v1/models/risk:predict"
GOOD = json.dumps({"instances": [RECORD]}).encode()

TEXTS = [
    b"", b" ", b"\0", b"{", b"[", b"}", b"null x", b'{"instances"', b'{"instances":', b'{"instances":[', b'{"instances":[{', b'{"instances":[{"age"',
    b'{"instances":[{"age":', b'{"instances":[{"age":1', b'{"instances":[{"age":1}', b'{"instances":[{"age":1}]', b'{"instances":[{"age":1,}]}',
    b'{"instances":[[1,"own",true],]}', b'{"instances":[[1,"own",true]]} x', GOOD + GOOD, GOOD + b"\0", b'{"instances" [[1]]}', b"{instances:[[1]]}",
    b'{"instances":[{"age":01,"housing":"own","member":true}]}', b'{"instances":[{"age":+1}]}', b'{"instances":[{"age":.5}]}', b'{"instances":[{"age":0x1f}]}',
    b'{"instances":[{"age":1e}]}', b'{"instances":[{"age":nan}]}', b'{"instances":[{"age":inf}]}', b'{"instances":[{"age":1_0}]}', b'{"instances":[{"age":--1}]}',
    b'{"instances":[{"age":tru}]}', b'{"instances":[{"age":nul}]}', b'{"instances":[{"housing":"\xff"}]}', b'{"instances":[{"housing":"\xc0\xaf"}]}',
    b'{"instances":[{"housing":"\xed\xa0\x80"}]}', b'{"instances":[{"housing":"\\ud800"}]}', b'{"instances":[{"housing":"\\udc00x"}]}',
    b'{"instances":[{"housing":"\\u0000"}]}', b'{"instances":[{"housing":"\\u12"}]}', b'{"instances":[{"housing":"\\x41"}]}', b'{"instances":[{"housing":"\n"}]}',
    b'{"instances":[{"housing":"\0"}]}', b'{"instances":[{"housing":"own}]}', b'{"instances":[{"housing":"own\\"}]}', b'{"instances":[{"housing":"\\', b'\xef\xbb\xbf' + GOOD,
    GOOD.decode().encode("utf-16"), b'{"x":"' + b"a" * 500000, b'{"x":' + b"9" * 500000 + b"x}", b"[" * 500000, b'{"instances":' + b"[" * 500000,
    b'{"instances":[' + b"[" * 500000,
]

VALUES = [  # body, status, the place
    ({}, 400, None), ([], 400, None), ("x", 400, None), (None, 400, None), (7, 400, None), ({"instances": []}, 400, "instances"),
    ({"instances": {}}, 400, "instances"), ({"instances": None}, 400, "instances"), ({"instances": "x"}, 400, "instances"), ({"instances": 7}, 400, "instances"),
    ({"instances": [None]}, 400, "instances[0]"), ({"instances": [7]}, 400, "instances[0]"), ({"instances": ["x"]}, 400, "instances[0]"),
    ({"instances": [True]}, 400, "instances[0]"), ({"instances": [[]]}, 400, "instances[0]"), ({"instances": [[30]]}, 400, "instances[0]"),
    ({"instances": [[30, "own"]]}, 400, "instances[0]"), ({"instances": [[30, "own", True, 1]]}, 400, "instances[0]"),
    ({"instances": [[30, "own", True]] * 3 + [[30, "own"]]}, 400, "instances[3]"), ({"instances": [[30, "own", [True]]]}, 400, "instances[0][2]"),
    ({"instances": [[[[30, "own", True]]]]}, 400, "instances[0][0]"), ({"instances": [{}]}, 400, "instances[0].age"),
    ({"instances": [RECORD, {}]}, 400, "instances[1].age"), ({"instances": [{"age": 30, "housing": "own"}]}, 400, "instances[0].member"),
    ({"instances": [dict(RECORD, age=None)]}, 400, "instances[0].age"), ({"instances": [dict(RECORD, housing=None)]}, 400, "instances[0].housing"),
    ({"instances": [dict(RECORD, member=None)]}, 400, "instances[0].member"), ({"instances": [dict(RECORD, age=float("nan"))]}, 400, "instances[0].age"),
    ({"instances": [dict(RECORD, age=float("inf"))]}, 400, "instances[0].age"), ({"instances": [dict(RECORD, age=-float("inf"))]}, 400, "instances[0].age"),
    ({"instances": [dict(RECORD, age=1e39)]}, 400, "instances[0].age"), ({"instances": [dict(RECORD, age=-1e308)]}, 400, "instances[0].age"),
    ({"instances": [dict(RECORD, age="old")]}, 400, "instances[0].age"), ({"instances": [dict(RECORD, age="")]}, 400, "instances[0].age"),
    ({"instances": [dict(RECORD, age=True)]}, 400, "instances[0].age"), ({"instances": [dict(RECORD, age=[30])]}, 400, "instances[0].age"),
    ({"instances": [dict(RECORD, age={"n": 30})]}, 400, "instances[0].age"), ({"instances": [dict(RECORD, age="9" * 5000)]}, 400, "instances[0].age"),
    ({"instances": [dict(RECORD, member=2)]}, 400, "instances[0].member"), ({"instances": [dict(RECORD, member="perhaps")]}, 400, "instances[0].member"),
    ({"instances": [dict(RECORD, member=[])]}, 400, "instances[0].member"), ({"instances": [dict(RECORD, housing={})]}, 400, "instances[0].housing"),
    ({"instances": [dict(RECORD, risk="good")]}, 400, "instances[0].risk"), ({"instances": [dict(RECORD, Age=1)]}, 400, "instances[0].Age"),
    ({"instances": [{"": 1}]}, 400, None), ({"instances": [{"x" * 1000: 1}]}, 400, None),
    ({"instances": [[30, "own", True]] * (ROWS_MAX + 1)}, 413, "instances"), ({"inputs": []}, 400, "inputs"), ({"inputs": {}}, 400, "inputs"),
    ({"inputs": {"age": []}}, 400, "inputs.age"), ({"inputs": {"age": 30}}, 400, "inputs.age"), ({"inputs": {"age": [30], "housing": ["own", "rent"]}}, 400, "inputs.housing"),
    ({"inputs": {"age": [30], "housing": ["own"]}}, 400, "inputs[0].member"), ({"inputs": {"nobody": [1]}}, 400, "inputs.nobody"),
    ({"inputs": {"age": [30] * (ROWS_MAX + 1)}}, 413, "inputs.age"), ({"inputs": {"age": [{}]}}, 400, "inputs.age"),
    ({"instances": [RECORD], "inputs": [RECORD]}, 400, "inputs"), ({"signature_name": "x"}, 400, None),
]

RAW = [  # bytes, status, the place
    (b'{"instances":[{"age":1,"age":2}]}', 400, "instances[0].age"), (b'{"inputs":{"age":[1],"age":[2]}}', 400, "inputs.age"),
    (b'{"instances":[[30,"own",true]],"instances":[[30,"own",true]]}', 400, "instances"), (b'{"instances":[{"age":1e999,"housing":"own","member":true}]}', 400, "instances[0].age"),
    (b'{"instances":[{"age":' + b"9" * 100000 + b"}]}", 400, "instances[0].age"), (b'{"x":' + b"[" * 33 + b"]" * 33 + b"}", 413, None),
    (b'{"x":' + b'{"a":' * 33 + b"1" + b"}" * 34, 413, None), (b'{"x":' + b"[" * 100000 + b"]" * 100000 + b"}", 413, None),
]


def has_flags(*flags):
    def look(house, reply):
        if reply.json["predictions"][0].get("flags", []) != list(flags):
            raise AssertionError("flags %s expected: %r" % (flags, reply))
    return look


def rows(house):
    def ask(body, target=PRODUCTION, **more):
        return lambda h: h.ask("POST", target, body, **more)
    for data in TEXTS:
        yield Row("predict", repr(data[:50])[2:-1], ask(data), 413 if data.startswith(b'{"x":[') else 400, None, None if b"[" not in data else "")
    for n in range(1, len(GOOD)):
        yield Row("predict", "the first %d bytes of a right one" % n, ask(GOOD[:n]), 400, None, "")
    for body, status, path in VALUES:
        yield Row("predict", json.dumps(body)[:80], ask(json.dumps(body).encode()), status, None, path)
    for data, status, path in RAW:
        yield Row("predict", repr(data[:50])[2:-1], ask(data), status, None, path)
    for body, flags in [(dict(RECORD, housing="castle"), ["unknown_category"]), (dict(RECORD, housing="\u202e\U0001f600"), ["unknown_category"]), (dict(RECORD, housing="x" * 100000), ["unknown_category"]), (dict(RECORD, housing=7), ["unknown_category"]), (dict(RECORD, housing=True), ["unknown_category"]),
                        (dict(RECORD, age=1e6), ["out_of_range"]), (dict(RECORD, age=-1), ["out_of_range"]), (dict(RECORD, age=-5, housing="x"), ["unknown_category", "out_of_range"]),
                        (RECORD, []), (dict(RECORD, age="30"), []), (dict(RECORD, member="yes"), []), (dict(RECORD, member=1), []), (dict(RECORD, age=30.0), [])]:
        yield Row("predict", "answered: " + json.dumps(body)[:60], ask({"instances": [body]}), 200, None, None, has_flags(*flags))
    for n in (BODY_MAX + 1, 2 ** 40):
        yield Row("predict", "Content-Length %d" % n, lambda h, n=n: h.wire.ask("POST", PRODUCTION, h.headers(length=n), [b"{"]), 413, None, "header:Content-Length")
    for target, path in [("/v1/models/nobody:predict", None), ("/v1/models/bare:predict", None), ("/v1/models/risk/versions/99:predict", None),
                         ("/v1/models/risk/versions/9223372036854775807:predict", None), ("/v1/models/risk/labels/nobody:predict", None),
                         ("/v1/models/nobody/versions/1:predict", None), ("/v1/models/risk:predictx", None), ("/v1/models/risk:", None),
                         ("/v1/models/RISK:predict", None), ("/v1/models/risk/:predict", None), ("/v1/models/:predict", None)]:
        yield Row("predict", target, ask(GOOD, target), 404, None, path)
    for number in ("0", "-1", "01", "+1", "1.0", "x", "1e3", "9223372036854775808", "99999999999999999999999", "%31", "1%20"):
        target = "/v1/models/risk/versions/%s:predict" % number
        yield Row("predict", target, ask(GOOD, target), 200 if number == "%31" else 400, None, "version")
    for label in ("-x", "a%20b", "x" * 64, "%2e"):
        target = "/v1/models/risk/labels/%s:predict" % label
        yield Row("predict", target, ask(GOOD, target), 400, None, "label")
