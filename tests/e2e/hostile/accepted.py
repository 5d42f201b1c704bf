# SPDX-License-Identifier: Apache-2.0
"""Odd tables that are no error: what is taken, and what training on them comes to."""
import json

from house import NETWORK
from leaving import check


def take(house, data, metadata=None):
    reply = house.upload(data, metadata)
    check(reply.status == 201, reply)
    return reply.json


def train(house, dataset, **more):
    body = dict({"type": "train", "model": "odd", "dataset": dataset, "target": "y", "network": NETWORK, "epochs": 1}, **more)
    return house.ask("POST", "/v1/jobs", {key: value for key, value in body.items() if value is not None})


def fails(house, dataset, status, code, path, **more):
    """The job is refused, or fails in these words: it makes no version."""
    reply = train(house, dataset, **more)
    if reply.status != 202:
        check((reply.status, reply.json["code"], reply.json.get("path")) == (status, code, path), reply)
        return
    end = house.ended(reply.json["id"])
    check(end["status"] == "failed" and end["error"]["code"] == code, end)


def column(dataset, name):
    return next(c for c in dataset["columns"] if c["name"] == name)


def one_row(house):
    dataset = take(house, b"x,y\n1,a\n")
    check(dataset["rows"] == 1, dataset)
    fails(house, dataset["id"], 422, "unprocessable", "target")


def one_row_for_a_number(house):
    dataset = take(house, b"x,y\n1,5.5\n")
    fails(house, dataset["id"], 422, "unprocessable", "target", network=None)


def one_class(house):
    dataset = take(house, b"x,y\n" + b"".join(b"%d,same\n" % i for i in range(50)))
    check(column(dataset, "y")["distinct"] == 1, dataset)
    fails(house, dataset["id"], 422, "unprocessable", "target")


def constant_column(house):
    """It carries nothing, and costs nothing: the model is made and answers."""
    dataset = take(house, b"x,c,y\n" + b"".join(b"%d,7,%s\n" % (i, b"no" if i % 2 else b"yes") for i in range(60)))
    check(column(dataset, "c")["std"] == 0 and column(dataset, "c")["min"] == 7, dataset)
    end = house.ended(train(house, dataset["id"], epochs=2).json["id"])
    check(end["status"] == "succeeded" and all(isinstance(end["metrics"][k], float) for k in ("loss", "accuracy")), end)
    for c in (7, 8, -1e30):
        reply = house.ask("POST", "/v1/models/odd/versions/%d:predict" % end["version"], {"instances": [{"x": 3, "c": c}]})
        check(reply.status in (200, 400), reply)


def all_missing(house):
    dataset = take(house, b"x,c,y\n" + b"".join(b"%d,NA,%s\n" % (i, b"a" if i % 3 else b"b") for i in range(60)))
    check(column(dataset, "c")["type"] == "ignored" and column(dataset, "c")["missing"] == 60, dataset)


def missing_target(house):
    dataset = take(house, b"x,y\n1,a\n2,b\n3,\n4,a\n")
    fails(house, dataset["id"], 422, "unprocessable", "target")


def formulas_and_markup(house):
    """Cells are data, whatever a spreadsheet or a browser would do with them."""
    cells = ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "'; DROP TABLE tokens;--", "\u202egnp.exe", "../../etc/passwd", "%s%n", "\\x00"]
    lines = ["x,y"] + ['%d,"%s"' % (i, cells[i % len(cells)]) for i in range(70)]
    dataset = take(house, "\n".join(lines).encode())
    check(sorted(column(dataset, "y")["categories"]) == sorted(cells), dataset)


def line_ends(house):
    for end in (b"\n", b"\r\n", b"\r"):
        dataset = take(house, end.join([b"\xef\xbb\xbfx,y", b"1,a", b'"2","b"', b"3,a"]) + end)
        check(dataset["rows"] == 3 and dataset["columns"][0]["name"] == "x", dataset)


def wide(house):
    """The most columns there may be."""
    dataset = take(house, b",".join(b"c%d" % i for i in range(4096)) + b"\n" + b",".join([b"1"] * 4096) + b"\n")
    check(len(dataset["columns"]) == 4096, len(dataset["columns"]))
    reply = house.ask("GET", "/v1/datasets/" + dataset["id"])
    check(reply.status == 200 and len(reply.json["columns"]) == 4096, reply.status)


def numbers_at_the_edge(house):
    data = b"x,y\n" + b"".join(b"%s,%s\n" % (x, b"a" if i % 2 else b"b") for i, x in enumerate([b"3.4e38", b"-3.4e38", b"1e-45", b"-0.0", b"0", b"1e-400", b"1e38"] * 8))
    dataset = take(house, data)
    end = house.ended(train(house, dataset["id"]).json["id"])
    check(end["status"] in ("succeeded", "failed"), end)
    json.dumps(end, allow_nan=False)


def unlucky_hyperparameters(house):
    """Steps that no number survives: the job ends, and says so in numbers that are JSON."""
    for more in ({"optimizer": {"type": "sgd", "learning_rate": 1000}}, {"optimizer": {"type": "adam", "learning_rate": 1000}}, {"batch_size": 65536}, {"clip_norm": 1e-300},
                 {"class_weight": {"good": 1e6, "bad": 0}}, {"optimizer": {"type": "sgd", "learning_rate": 1e-300, "momentum": 1}}):
        reply = house.submit(model="odd", epochs=3, **more)
        check(reply.status == 202, reply)
        end = house.ended(reply.json["id"])
        check(end["status"] in ("succeeded", "failed"), end)
        json.dumps(end, allow_nan=False)


def split_of_few(house):
    dataset = take(house, b"x,y\n1,a\n2,b\n")
    fails(house, dataset["id"], 422, "unprocessable", None, validation_split=0.9)


def evaluate_another(house):
    """A version measured on a table that lacks its columns, or has other classes, or other types."""
    for data in (b"age,risk\n1,good\n2,bad\n", b"age,housing,member,risk\n1,own,true,great\n2,own,true,bad\n", b"age,housing,member,risk\nx,own,true,good\ny,own,true,bad\n",
                 b"age,housing,member,risk\n,own,true,good\n5,own,true,bad\n"):
        dataset = take(house, data)
        reply = house.ask("POST", "/v1/jobs", {"type": "evaluate", "model": "risk", "version": 1, "dataset": dataset["id"]})
        if reply.status == 202:
            end = house.ended(reply.json["id"])
            check(end["status"] == "failed" and end["error"]["code"] == "unprocessable", end)
        else:
            check(reply.status == 422, reply)


ACCEPTED = [one_row, one_row_for_a_number, one_class, constant_column, all_missing, missing_target, formulas_and_markup, line_ends, wide, numbers_at_the_edge,
            unlucky_hyperparameters, split_of_few, evaluate_another]
