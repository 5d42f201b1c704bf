# SPDX-License-Identifier: Apache-2.0
"""Bad JSON, wrong values at every key, networks that are too large: what may be sent where a JSON body is taken."""
import json

from house import METADATA, MULTIPART, close, part, table
from rows import Row
from shapes import Shapes, properties

DEPTH_MAX, VALUES_MAX, BODY_MAX = 32, 200000, 256 << 10
SYNTAX, VALUE, LARGE = (400, "invalid_json"), (400, "invalid_value"), (413, "too_large")

TEXTS = [  # bytes, (status, code); the place is the whole body
    (b"", SYNTAX), (b" \n\t ", SYNTAX), (b"\0", SYNTAX), (b"\0" * 1000, SYNTAX), (b"{", SYNTAX), (b"}", SYNTAX), (b"[", SYNTAX),
    (b'{"model"', SYNTAX), (b'{"model":', SYNTAX), (b'{"model":"m', SYNTAX), (b'{"model":"m"', SYNTAX), (b'{"model":"m",', SYNTAX),
    (b'{"model":"m",}', SYNTAX), (b'{"a":1}}', SYNTAX), (b'{"a":1} x', SYNTAX), (b'{"a":1}{"a":1}', SYNTAX), (b'{"a":1}\0', SYNTAX),
    (b"{'a':1}", SYNTAX), (b"{a:1}", SYNTAX), (b'{"a":1 "b":2}', SYNTAX), (b'{"a" 1}', SYNTAX), (b'{1:2}', SYNTAX), (b'{null:2}', SYNTAX),
    (b'{"a":NaN}', SYNTAX), (b'{"a":nan}', SYNTAX), (b'{"a":Infinity}', SYNTAX), (b'{"a":-Infinity}', SYNTAX), (b'{"a":inf}', SYNTAX),
    (b'{"a":01}', SYNTAX), (b'{"a":+1}', SYNTAX), (b'{"a":.5}', SYNTAX), (b'{"a":1.}', SYNTAX), (b'{"a":1e}', SYNTAX), (b'{"a":1e+}', SYNTAX),
    (b'{"a":0x10}', SYNTAX), (b'{"a":1_000}', SYNTAX), (b'{"a":-}', SYNTAX), (b'{"a":--1}', SYNTAX), (b'{"a":1,000}', SYNTAX),
    (b'{"a":True}', SYNTAX), (b'{"a":tru}', SYNTAX), (b'{"a":undefined}', SYNTAX), (b'/* c */{}', SYNTAX), (b'{}//c', SYNTAX),
    (b'{"a":1e999}', VALUE), (b'{"a":-1e999}', VALUE), (b'{"a":' + b"9" * 400 + b"}", VALUE), (b'{"a":-' + b"9" * 20 + b"}", VALUE),
    (b'{"a":9223372036854775808}', VALUE), (b'{"a":-9223372036854775809}', VALUE), (b'{"a":1e99999999999999999999}', VALUE),
    (b'{"a":' + b"9" * 200000 + b"}", VALUE), (b'{"a":0.' + b"0" * 1000 + b"1e999999}", VALUE),
    (b'{"a":"\xff"}', SYNTAX), (b'{"a":"\xc0\xaf"}', SYNTAX), (b'{"a":"\xed\xa0\x80"}', SYNTAX), (b'{"a":"\xf4\x90\x80\x80"}', SYNTAX),
    (b'{"a":"\xe2\x82"}', SYNTAX), (b'{"\xff":1}', SYNTAX), (b'\xff\xfe{\0}\0', SYNTAX), (b'\xef\xbb\xbf{}', SYNTAX),
    ('{"a":1}'.encode("utf-16"), SYNTAX), ('{"a":1}'.encode("utf-32"), SYNTAX), ('{"a":"\u00e9"}'.encode("latin-1"), SYNTAX),
    (b'{"a":"\\ud800"}', SYNTAX), (b'{"a":"\\udc00\\ud800"}', SYNTAX), (b'{"a":"\\u0000"}', SYNTAX), (b'{"\\u0000":1}', SYNTAX),
    (b'{"a":"\\u12"}', SYNTAX), (b'{"a":"\\x41"}', SYNTAX), (b'{"a":"\n"}', SYNTAX), (b'{"a":"\x01"}', SYNTAX), (b'{"a":"\0"}', SYNTAX),
    (b"[" * (DEPTH_MAX + 1), LARGE), (b"[" * 100000, LARGE), (b'{"a":' * 20000, LARGE), (b"[{}," * 60000, LARGE),
    (b"[" * 100000 + b"]" * 100000, LARGE), (b"[" + b"0," * (VALUES_MAX // 2) + b"0]", VALUE), (b"[" + b"," * VALUES_MAX + b"]", LARGE),
    (b'{"a":{"a":{"a":1,"a":2}}}', (400, "duplicate_key")), (b'{"a":1,"a":1}', (400, "duplicate_key")),
    (b'{"a":1,"\\u0061":2}', (400, "duplicate_key")),
    (b"null", VALUE), (b"true", VALUE), (b"0", VALUE), (b'"text"', VALUE), (b"[]", VALUE), (b"[{}]", VALUE), (b"-0.0", VALUE),
]


def short(data):
    return repr(data[:40])[2:-1] + ("..(%d)" % len(data) if len(data) > 40 else "")


def upload_metadata(house, data, metadata_first=True):
    file = part("file", table(20), "text/csv", "t.csv")
    meta = part("metadata", data, "application/json")
    return house.ask("POST", "/v1/datasets", (meta + file if metadata_first else file + meta) + close(), kind=MULTIPART)


class Place:
    """Where a JSON body is taken: how it is sent, and how a path in it begins."""

    def __init__(self, name, send, begin="", schema=None):
        self.name, self.send, self.begin, self.schema = name, send, begin, schema

    def path(self, path):
        if self.begin and path:
            return self.begin + ("" if path.startswith("[") else ".") + path
        return self.begin + (path or "") or None


def sender(method, target):
    return lambda house, data: house.ask(method, target, data)


PLACES = [
    Place("job", sender("POST", "/v1/jobs"), schema=["TrainJob", "EvaluateJob"]),
    Place("label", sender("PUT", "/v1/models/risk/labels/canary"), schema=["Label"]),
    Place("token", sender("POST", "/v1/tokens"), schema=["TokenRequest"]),
    Place("metadata", upload_metadata, "metadata", ["DatasetMetadata"]),
]


def texts(house):
    for place in PLACES:
        for data, (status, code) in TEXTS:
            yield Row(place.name, short(data), lambda h, p=place, d=data: p.send(h, d), status, code, place.path(""))
    good = json.dumps({"type": "train", "model": "risk", "dataset": house.dataset, "target": "risk", "epochs": 3}).encode()
    for n in range(1, len(good)):
        yield Row("job", "the first %d bytes of a right one" % n, lambda h, n=n: h.ask("POST", "/v1/jobs", good[:n]), 400, "invalid_json")


def sizes(house):
    for method, target in (("POST", "/v1/jobs"), ("PUT", "/v1/models/risk/labels/canary"), ("POST", "/v1/tokens")):
        for n in (BODY_MAX + 1, 10 ** 9, 2 ** 62):
            yield Row("size", "%s with Content-Length %d" % (target, n),
                      lambda h, m=method, t=target, n=n: h.wire.ask(m, t, h.headers(length=n, kind="application/json"), [b"{"]),
                      413, "too_large", "header:Content-Length")
        yield Row("size", "%s %d bytes of blanks" % (target, BODY_MAX), lambda h, m=method, t=target: h.ask(m, t, b" " * BODY_MAX), 400, "invalid_json")
    for kind in ("text/plain", "application/xml", "application/jsonx", "multipart/form-data; boundary=x", "application", "", ";", "a" * 300):
        yield Row("type", "Content-Type " + kind[:30], lambda h, k=kind: h.ask("POST", "/v1/jobs", b"{}", more=[("Content-Type", k)], kind=None),
                  415, "unsupported_media", "header:Content-Type")
    for coding in ("gzip", "br", "identity", "gzip, chunked", ""):
        yield Row("type", "Content-Encoding " + coding, lambda h, c=coding: h.ask("POST", "/v1/jobs", b"{}", more=[("Content-Encoding", c)]),
                  415, "unsupported_media", "header:Content-Encoding")


def examples(house):
    """Right values that the schema alone does not give."""
    return {
        "model": "risk", "dataset": house.dataset, "target": "risk", "label": "canary", "licence": "CC0-1.0", "version": 1,
        "scopes": ["metrics:read"], "scopes[]": "metrics:read", "purposes": ["test"], "name": "people", "expires_in": 60,
        "personal_data": False, "monitor": "loss",
    }


def bodies(house, place):
    """(schema's name, Shapes, constant keys of the body) of a place."""
    schemas = house.openapi["components"]["schemas"]
    for name in place.schema:
        yield name, Shapes(schemas, examples(house)), {"TrainJob": {"type": "train"}, "EvaluateJob": {"type": "evaluate"}}.get(name, {})


def keys(house):
    """A wrong type, and values out of bounds, at every key of every body; and that none was left out."""
    for place in PLACES:
        for name, shapes, constant in bodies(house, place):
            schema, seen = {"$ref": "#/components/schemas/" + name}, set()
            for body, path, what in shapes.wrong_object(shapes.resolve(schema), ""):
                seen.add(path)
                body = dict(constant, **body) if not path.startswith("type") else body
                data = json.dumps(body).encode()
                yield Row(name, "%s (%s) %s" % (path, what, short(data) if len(data) < 60 else "..."),
                          lambda h, p=place, d=data: p.send(h, d), 400, "invalid_value", place.path(path))
            missing = set(properties(shapes, schema)) - seen
            if missing:
                raise AssertionError("%s: no wrong value for %s" % (name, sorted(missing)))


def unknown(house):
    """A key more, in the body and in every object in it; keys in the wrong case; keys that are long or odd."""
    train = {"type": "train", "model": "risk", "dataset": house.dataset, "target": "risk"}
    layer = {"type": "dense", "units": 1}
    nested = [
        ({"epohs": 1}, "epohs"), ({"Epochs": 1}, "Epochs"), ({"epochs ": 1}, "epochs "), ({"": 1}, None), ({"id": "job-1"}, "id"), ({"status": "succeeded"}, "status"),
        ({"version": 1}, "version"), ({"rows": "all"}, "rows"), ({"a" * 81: 1}, None), ({"a" * 200000: 1}, None),
        ({"network": {"layers": [layer], "seed": 1}}, "network.seed"), ({"network": {"layers": [dict(layer, unit=1)]}}, "network.layers[0].unit"),
        ({"network": {"layers": [layer, dict(layer, rate=0.5)]}}, "network.layers[1].rate"), ({"optimizer": {"type": "adam", "momentum": 0.9}}, "optimizer.momentum"),
        ({"optimizer": {"type": "sgd", "beta_1": 0.9}}, "optimizer.beta_1"), ({"early_stopping": {"monitor": "loss", "x": 1}}, "early_stopping.x"),
        ({"schedule": {"type": "constant", "decay_rate": 0.5}}, "schedule.decay_rate"), ({"__proto__": {}}, "__proto__"), ({"\u202egnp": 1}, "???gnp"),
    ]
    for more, path in nested:
        yield Row("unknown", json.dumps(more)[:60], lambda h, m=more: h.ask("POST", "/v1/jobs", dict(train, **m)), 400, "unknown_key", path)
    for place, good in ((PLACES[1], {"version": 1}), (PLACES[2], {"name": "x", "scopes": ["metrics:read"], "expires_in": 60}), (PLACES[3], METADATA)):
        for key in ("id", "Name", "created_at", "sha256", "parent"):
            data = json.dumps(dict(good, **{key: "x"})).encode()
            yield Row("unknown", "%s %s" % (place.name, key), lambda h, p=place, d=data: p.send(h, d), 400, "unknown_key", place.path(key))


def names(house):
    """Forms that a schema does not say: names, ids, scopes, licences."""
    train = {"type": "train", "model": "risk", "dataset": house.dataset, "target": "risk"}
    bad = ["", ".", "..", "-a", "_a", "a b", "a/b", "a\\b", "../../etc/passwd", "a" * 64, "\u00e9", "a\n", "a%00", "a:b", "a;b", "'", "\"", "a\u0001"]
    for name in bad:
        yield Row("names", "model " + repr(name)[:30], lambda h, n=name: h.ask("POST", "/v1/jobs", dict(train, model=n)), 400, "invalid_value", "model")
        yield Row("names", "label " + repr(name)[:30], lambda h, n=name: h.ask("POST", "/v1/jobs", dict(train, label=n)), 400, "invalid_value", "label")
    for name in ("", "ds-", "ds-1", "job-" + house.dataset[3:], house.dataset + "0", house.dataset.upper(), house.dataset[:-1] + "z", "../" + house.dataset):
        yield Row("names", "dataset " + name, lambda h, n=name: h.ask("POST", "/v1/jobs", dict(train, dataset=n)), 400, "invalid_value", "dataset")
    good = {"name": "x", "scopes": ["metrics:read"], "expires_in": 60}
    for scope in ("", "x", ":", "::", "*:*", "*:*:*", "-*", "dataset", "dataset:", "dataset:x", "model:predicts", "model:a:b:predict", "model:a*b:predict",
                  "model:a b:predict", "Model:predict", "model:predict ", " model:predict", "--model:predict", "model:" + "a" * 65 + ":predict", "model:\u00e9:predict",
                  "model::predict", "metrics:read metrics:read", "a" * 100):
        yield Row("names", "scope " + repr(scope)[:40], lambda h, s=scope: h.ask("POST", "/v1/tokens", dict(good, scopes=["job:read", s])),
                  400, "invalid_value", "scopes[1]")
    for n in (365 * 86400 + 1, 3155760000):
        yield Row("names", "expires_in %d" % n, lambda h, n=n: h.ask("POST", "/v1/tokens", dict(good, expires_in=n)), 400, "invalid_value", "expires_in")
    for licence in ("()", "(MIT", "MIT)", "MIT AND", "AND MIT", "MIT OR OR MIT", "MIT WITH", "MIT MIT", "mit and or", "a/b", "(" * 17 + "MIT" + ")" * 17, "\u00e9", "MIT\n"):
        data = json.dumps(dict(METADATA, licence=licence)).encode()
        yield Row("names", "licence " + repr(licence)[:30], lambda h, d=data: upload_metadata(h, d), 400, "invalid_value", "metadata.licence")


def dense(*units, last="sigmoid"):
    return {"layers": [{"type": "dense", "units": n, "activation": "relu"} for n in units] + [{"type": "dense", "units": 1, "activation": last}]}


def says_size(house, reply):
    if "GiB" not in reply.json["detail"] and "MiB" not in reply.json["detail"]:
        raise AssertionError("the size is not in words: %r" % reply)


def meaning(house):
    """Right in form, but not possible: with this data, with these others, with this memory."""
    personal = dict(METADATA, personal_data=True, legal_basis="consent", subject_column="age", retention_days=30)
    unknown_id = "ds-" + "0" * 20
    rows = [  # keys more, status, code, path
        ({"dataset": unknown_id}, 404, "not_found", "dataset"), ({"dataset": house.erased}, 410, "gone", "dataset"),
        ({"target": "nobody"}, 422, "unprocessable", "target"), ({"target": "RISK"}, 422, "unprocessable", "target"),
        ({"purpose": "another"}, 422, "unprocessable", "purpose"), ({"loss": "mean_squared_error"}, 422, "unprocessable", "loss"),
        ({"target": "housing", "loss": "binary_crossentropy"}, 422, "unprocessable", "loss"),
        ({"metrics": ["accuracy", "accuracy"]}, 400, "invalid_value", "metrics[1]"), ({"metrics": ["accuracy", "r2"]}, 400, "invalid_value", "metrics[1]"),
        ({"target": "age", "metrics": ["auc"]}, 400, "invalid_value", "metrics[0]"),
        ({"validation_split": 0.5, "test_split": 0.5}, 400, "invalid_value", "test_split"), ({"validation_split": 0.9, "test_split": 0.9}, 400, "invalid_value", "test_split"),
        ({"network": {"layers": [{"type": "dense", "units": 3, "activation": "sigmoid"}]}}, 422, "unprocessable", "network.layers[0].units"),
        ({"network": dense(4, 4), "target": "housing"}, 422, "unprocessable", "network.layers[2].units"),
        ({"clip_norm": 1, "global_clip_norm": 1}, 400, "invalid_value", "global_clip_norm"),
        ({"model": "RISK"}, 409, "conflict", "model"),
        ({"positive": "nobody"}, 400, "invalid_value", "positive"), ({"target": "housing", "positive": "own"}, 422, "unprocessable", "positive"),
        ({"class_weight": {"nobody": 1}}, 422, "unprocessable", "class_weight.nobody"), ({"target": "age", "class_weight": {"a": 1}}, 422, "unprocessable", "class_weight"),
        ({"early_stopping": {"monitor": "nothing"}}, 400, "invalid_value", "early_stopping.monitor"),
        ({"early_stopping": {"monitor": "val_loss"}, "validation_split": 0}, 400, "invalid_value", "early_stopping.monitor"),
    ]
    for more, status, code, path in rows:
        body = dict({"type": "train", "model": "risk", "dataset": house.dataset, "target": "risk"}, **more)
        yield Row("meaning", json.dumps(more)[:70], lambda h, b=body: h.ask("POST", "/v1/jobs", b), status, code, path)
    huge = [("two of 65536", dense(65536, 65536)), ("63 of 65536: the product overflows", dense(*[65536] * 63)), ("one of 65536 after 4096", dense(4096, 65536)),
            ("just over the ceiling", dense(4096, 4096))]
    for name, network in huge:
        yield Row("memory", name, lambda h, n=network: h.submit(network=n), 413, "too_large", "network.layers", says_size)
    fits_not = dense(2048, 2048)  # its weights fit, but not with gradients and Adam's two slots
    yield Row("memory", "weights fit, training does not", lambda h: h.submit(network=fits_not), 413, "too_large", "network", says_size)
    evaluate = {"type": "evaluate", "model": "risk", "dataset": house.dataset}
    for more, status, code, path in [
            ({"version": 1, "label": "production"}, 400, "invalid_value", "label"), ({"version": 99}, 404, "not_found", "version"),
            ({"label": "nobody"}, 404, "not_found", "label"), ({"model": "nobody"}, 404, "not_found", "version"), ({"dataset": unknown_id}, 404, "not_found", "dataset"),
            ({"dataset": house.erased}, 410, "gone", "dataset"), ({"target": "nobody"}, 422, "unprocessable", "target"),
            ({"purpose": "another"}, 422, "unprocessable", "purpose"), ({"version": 9007199254740991}, 404, "not_found", "version")]:
        yield Row("meaning", "evaluate " + json.dumps(more), lambda h, b=dict(evaluate, **more): h.ask("POST", "/v1/jobs", b), status, code, path)
    for key in ("legal_basis", "subject_column", "retention_days"):
        data = json.dumps({k: v for k, v in personal.items() if k != key}).encode()
        yield Row("meaning", "personal data without " + key, lambda h, d=data: upload_metadata(h, d), 400, "invalid_value", "metadata." + key)
    for body, status, code, path in [({}, 400, "invalid_value", "version"), ({"version": 1, "versions": [{"version": 1}]}, 400, "invalid_value", "version"),
                                     ({"version": 99}, 404, "not_found", None), ({"versions": [{"version": 1, "weight": 50}]}, 400, "invalid_value", "versions[0]"),
                                     ({"versions": [{"version": 1, "shadow": True}]}, 400, "invalid_value", "versions[0]")]:
        yield Row("meaning", "label " + json.dumps(body), lambda h, b=body: h.ask("PUT", "/v1/models/risk/labels/canary", b), status, code, path)


def rows(house):
    for group in (texts, sizes, keys, unknown, names, meaning):
        yield from group(house)
