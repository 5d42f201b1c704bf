# SPDX-License-Identifier: Apache-2.0
"""The licit command as a user meets it: exit statuses, what goes to the server, what is shown. Prints TAP."""
import base64
import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

from mock import Server

LICIT, MANUAL = sys.argv[1], sys.argv[2]


class Run:
    def __init__(self, url, *words, stdin="", **env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LICIT_")}
        clean.update({"LICIT_URL": url, "LICIT_TOKEN": "secret"}, **env)
        done = subprocess.run([LICIT, *words], input=stdin, capture_output=True, text=True, timeout=60, env=clean)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return "status %d\nout: %s\nerr: %s" % (self.status, self.out[:2000], self.err[:2000])


def check(condition, about):
    if not condition:
        raise AssertionError(about)


USAGE = [  # words, part of what is said
    ([], "For example"),
    (["dataset"], "dataset add FILE"),
    (["datasets", "list"], "did you mean \"dataset\""),
    (["job", "sbumit"], "did you mean \"submit\""),
    (["job", "submit", "--epohs", "3"], "did you mean --epochs"),
    (["job", "submit", "--epochs", "three"], "must be a whole number, got \"three\""),
    (["job", "submit", "--epochs"], "--epochs needs a value"),
    (["job", "submit", "--watch=1"], "takes no value"),
    (["job", "submit", "--learning-rate", "0x1p3"], "must be a number"),
    (["job", "submit", "--model", "m"], "--dataset is missing"),
    (["job", "submit", "--layers", "relu:128", "--model", "m"], "such as 128:relu, got \"relu:128\""),
    (["job", "submit", "--set", "epochs"], "must be key=value"),
    (["job", "submit", "--file", "/nonexistent"], "cannot be read"),
    (["job", "show"], "something is missing: ID"),
    (["job", "show", "a", "b"], "\"b\" is too much here"),
    (["job", "list", "-x"], "there is no option -x"),
    (["dataset", "add", "/nonexistent.csv"], "--licence SPDX --purpose P"),
    (["dataset", "add", "/nonexistent.csv", "--licence", "MIT", "--purpose", "p"], "cannot be read"),
    (["dataset", "add", "/tmp", "--licence", "MIT", "--purpose", "p"], "is a directory"),
    (["dataset", "add", "x", "--licence", "MIT", "--purpose", "p", "--column", "age"], "must be NAME=TYPE"),
    (["dataset", "remove", "ds-1"], "--yes"),
    (["model", "label", "m", "production", "x"], "VERSION must be a whole number"),
    (["predict", "m"], "in one way"),
    (["predict", "m", "a=1", "--file", "x"], "in one way"),
    (["predict", "m", "a=1", "--version", "1", "--label", "l"], "not both"),
    (["predict", "m", "nonsense"], "must be COLUMN=VALUE"),
    (["token", "create", "--name", "t"], "--scope is missing"),
    (["token", "create", "--name", "t", "--scope", "*", "--expires-in", "soon"], "such as 30d"),
    (["token", "create", "--name", "t", "--scope", "*", "--expires-in", "1h", "--limit", "rows_per_day"], "must be KEY=N"),
    (["token", "create", "--name", "t", "--scope", "*", "--expires-in", "1h", "--uses", "few"], "whole number"),
    (["token", "narrow", "--model", "m"], "--id is missing"),
    (["token", "narrow", "--id", "tok-0123456789abcdefghij", "--model", "m"], "must begin with licit_"),
    (["token", "narrow", "--id", "tok-1", "--token", "licit_x", "--model", "m"], "tok- and 20 characters"),
    (["token", "narrow", "--id", "tok-0123456789abcdefghij", "--token", "licit_x"], "nothing makes it narrower"),
    (["token", "narrow", "--token", "licitn_x", "--model", "m"], "well-formed"),
    (["token", "narrow", "--id", "tok-0123456789abcdefghij", "--token", "licit_x", "--model", "a*b"], "--model must be a name"),
    (["token", "narrow", "--id", "tok-0123456789abcdefghij", "--token", "licit_x", "--path", "v1"], "--path must be a path"),
    (["token", "narrow", "--id", "tok-0123456789abcdefghij", "--token", "licit_x", "--address", "10.0.0.1/8"], "--address must be"),
    (["token", "narrow", "--id", "tok-0123456789abcdefghij", "--token", "licit_x", "--expires-in", "soon"], "such as 30d"),
    (["job", "list", "--url", "ftp://x"], "must begin with https://"),
    (["job", "list", "--token", "a b"], "blanks or control characters"),
    (["job", "list", "--cacert", "/nonexistent"], "cannot be read"),
    (["completion", "fish"], "there is: bash"),
]


def test_usage_errors_exit_2(server):
    for words, part in USAGE:
        run = Run(server.url, *words)
        check(run.status == 2 and part in run.err and run.out == "", "%s\n%s" % (words, run))


def test_unreachable_exits_3(server):
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        run = Run("http://127.0.0.1:%d" % taken.getsockname()[1], "job", "list")
    check(run.status == 3 and "does not answer" in run.err, run)
    run = Run(server.url.replace("http:", "https:"), "job", "list")
    check(run.status == 3, run)


def test_help_teaches_by_example_at_every_level(server):
    top = Run(server.url, "--help")
    check(top.status == 0 and "For example\n  licit dataset add" in top.out, top)
    names = re.findall(r"^  ([a-z]+(?: [a-z]+)?) ", top.out.split("Commands\n")[1].split("\n\n")[0], re.M)
    check(len(names) > 20, names)
    for name in names:
        run = Run(server.url, *name.split(), "--help")
        check(run.status == 0 and run.out.startswith("licit " + name) and "\nFor example\n  " in run.out, run)
        check(Run(server.url, "help", *name.split()).out == run.out, name)
    for group in {name.split()[0] for name in names if " " in name}:
        run = Run(server.url, group, "--help")
        check(run.status == 0 and run.out.startswith("licit " + group + ":") and "For example" in run.out, run)


def test_option_means_the_same_in_every_command(server):
    kinds = {}
    for option, value in re.findall(r"^\| `--([a-z-]+)( [^`]+)?`", Run(server.url, "completion", "markdown").out, re.M):
        check(kinds.setdefault(option, bool(value)) == bool(value), option)


def test_manual_is_the_program_s_own(server):
    with open(MANUAL, encoding="utf-8") as file:
        check(file.read() == Run(server.url, "completion", "markdown").out, "docs/command.md is old: licit completion markdown > docs/command.md")


COMPLETIONS = [  # words so far, some of what they complete to
    (["licit", ""], {"dataset", "job", "model", "predict", "token", "--help"}),
    (["licit", "job", "s"], {"submit", "show"}),
    (["licit", "job", "submit", "--ep"], {"--epochs"}),
    (["licit", "job", "submit", "--optimizer", ""], {"adam", "sgd"}),
    (["licit", "predict", "m", "--la"], {"--label"}),
    (["licit", "completion", ""], {"bash", "markdown"}),
    (["licit", "job", "list", "--tok"], {"--token"}),
]


def test_completion_is_bash_and_completes(server):
    script = Run(server.url, "completion", "bash").out
    check(subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0, "bash -n")
    for words, some in COMPLETIONS:
        line = "COMP_WORDS=(%s); COMP_CWORD=%d; _licit; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
            " ".join("'%s'" % w for w in words), len(words) - 1)
        done = subprocess.run(["bash", "-c", script + line], capture_output=True, text=True)
        check(some <= set(done.stdout.split("\n")) and done.stderr == "", "%s: %s %s" % (words, done.stdout, done.stderr))


def test_refusal_says_what_where_and_which_request(server):
    words = ["job", "submit", "--model", "m", "--dataset", "ds-1", "--target", "t", "--epochs", "0"]
    run = Run(server.url, *words)
    check(run.status == 1 and run.out == "", run)
    for part in ["licit: epochs: must be 1 to 100000, got 0?[31m", "invalid_value, HTTP 400", "req-body"]:
        check(part in run.err, "%s\n%s" % (part, run))
    run = Run(server.url, *words, "--json")
    check(run.status == 1 and json.loads(run.out)["code"] == "invalid_value", run)
    run = Run(server.url, "job", "list", LICIT_TOKEN="")
    check(run.status == 1 and "no token was sent" in run.err, run)


def test_dataset_add_sends_metadata_first_then_the_file(server):
    with tempfile.NamedTemporaryFile(suffix=".csv", prefix="table", dir=".") as file:
        file.write(b"a,b\n" + b"1,2\n" * 200000)
        file.flush()
        run = Run(server.url, "dataset", "add", file.name, "--licence", "CC-BY-4.0", "--purpose", "a,b", "--purpose", "c",
                  "--column", "a.x=number", "--retention-days", "30", "--personal-data")
        body = server.seen[-1][3]
        check(b"1,2\n" * 200000 in body and body.index(b'name="metadata"') < body.index(b'name="file"'), "parts")
    metadata = json.loads(body[body.index(b"{"):body.index(b"}\r\n") + 1])
    check(metadata == {"name": os.path.basename(file.name)[:-4], "personal_data": True, "licence": "CC-BY-4.0", "purposes": ["a", "b", "c"],
                       "columns": {"a.x": {"type": "number"}}, "retention_days": 30}, metadata)
    check(run.status == 0 and "10.9 KiB" in run.out and "ds-0000" in run.out, run)


def test_job_submit_makes_the_body_from_options_and_file(server):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write('{"model":"old","epochs":3,"optimizer":{"type":"sgd","learning_rate":1}}')
        file.flush()
        run = Run(server.url, "job", "submit", "--file", file.name, "--model", "m", "--dataset", "ds-1", "--target", "t", "--layers",
                  "128:relu,1:sigmoid", "--learning-rate", "0.5", "--metrics", "accuracy,auc", "--set", "early_stopping.patience=5",
                  "--set", "loss=mae", "--patience", "4", "--json")
    check(run.status == 0 and json.loads(run.out)["id"] == "job-good", run)
    body = json.loads(server.seen[-1][3])
    check(body == {"model": "m", "epochs": 3, "optimizer": {"type": "sgd", "learning_rate": 0.5}, "dataset": "ds-1", "target": "t",
                   "metrics": ["accuracy", "auc"], "early_stopping": {"patience": 5}, "loss": "mae", "type": "train",
                   "network": {"layers": [{"type": "dense", "units": 128, "activation": "relu"},
                                          {"type": "dense", "units": 1, "activation": "sigmoid"}]}}, body)
    run = Run(server.url, "job", "evaluate", "--model", "m", "--dataset", "ds-1", "--rows", "test")
    check(json.loads(server.seen[-1][3])["type"] == "evaluate", server.seen[-1])


def test_job_watch_goes_on_behind_the_last_event(server):
    del server.seen[:]
    run = Run(server.url, "job", "watch", "job-good")
    epochs = re.findall(r"^epoch (\d)/5  loss ", run.err, re.M)
    check(run.status == 0 and epochs == list("12345") and re.search(r"^paused$", run.err, re.M), run)
    asked = [headers.get("Last-Event-ID") for _, path, headers, _ in server.seen if path.endswith("/events")]
    check(asked == [None, "2"], asked)
    check("succeeded" in run.out and re.search(r"accuracy +0.9821", run.out), run)
    check(re.search(r"^actual, predicted: +a +b\na +50 +1\nb +2 +1,060$", run.out, re.M), run)


def test_job_watch_polls_a_server_that_does_not_stream(server):
    run = Run(server.url, "job", "watch", "job-plain", "--json")
    check(run.status == 0 and json.loads(run.out)["status"] == "succeeded" and "epoch 5/5" in run.err, run)


def test_job_that_failed_exits_4(server):
    check(Run(server.url, "job", "watch", "job-bad").status == 4, "job-bad")
    run = Run(server.url, "job", "submit", "--model", "m", "--dataset", "d", "--target", "t", "--watch")
    check(run.status == 0 and "epoch 5/5" in run.err, run)


def test_lists_and_objects_are_readable_and_safe(server):
    run = Run(server.url, "dataset", "list", "--limit", "1")
    check(run.out.splitlines()[0].split() == ["ID", "NAME", "ROWS", "SIZE", "LICENCE", "STATUS", "ADDED"], run)
    check("limit=1" in server.seen[-1][1] and "--after ds-00000000000000000001" in run.err, run)
    run = Run(server.url, "dataset", "show", "ds-1")
    check("\x1b" not in run.out and "a, b, ?[2Jc" in run.out, run)
    run = Run(server.url, "model", "show", "wine")
    check("production v1" in run.out and "12,289" in run.out and "accuracy 0.9800, auc 0.9990" in run.out, run)
    for words in (["job", "list"], ["job", "show", "job-1"], ["model", "list"], ["model", "label", "a/b", "production", "1"],
                  ["job", "cancel", "job-1"], ["dataset", "remove", "ds-1", "--yes"]):
        check(Run(server.url, *words).status == 0, words)
    check(server.seen[-3][1] == "/v1/models/a%2Fb/labels/production", server.seen[-3])
    for words, path in (([], "/v1/models/m"), (["--version", "2"], "/v1/models/m/versions/2"), (["--label", "canary"], "/v1/models/m/labels/canary")):
        run = Run(server.url, "model", "remove", "m", "--yes", *words)
        check(run.status == 0 and server.seen[-1][:2] == ("DELETE", path) and run.out.startswith("Erased m"), run)
    check(Run(server.url, "model", "remove", "m", "--yes", "--version", "2", "--label", "l").status == 2, "one of both")


def test_predict_sends_cells_as_the_model_declares_them(server):
    run = Run(server.url, "predict", "wine", "alcohol=13", "zip=01234", "--purpose", "research")
    check(json.loads(server.seen[-1][3]) == {"instances": [{"alcohol": 13, "zip": "01234"}]}, server.seen[-1])
    check(server.seen[-1][2].get("X-Purpose") == "research" and re.search(r"1  a +0\.9", run.out), run)
    rows = "\ufeffalcohol,zip,note\r\n13.5,\"a \"\"b\"\"\",x\r\n,0,y\r\n"
    run = Run(server.url, "predict", "wine", "--version", "2", "--file", "-", stdin=rows)
    check(server.seen[-1][1] == "/v1/models/wine/versions/2:predict", server.seen[-1])
    check(json.loads(server.seen[-1][3]) == {"instances": [{"alcohol": 13.5, "zip": 'a "b"'}, {"alcohol": None, "zip": "0"}]}, server.seen[-1])
    check('"note" is no input' in run.err, run)
    run = Run(server.url, "predict", "wine", "--file", "-", stdin="alcohol\n" + "1\n" * 2500)
    check(run.status == 0 and re.search(r"^2500 ", run.out, re.M), run)
    check([len(json.loads(b)["instances"]) for *_, b in server.seen[-3:]] == [1000, 1000, 500], "batches")
    run = Run(server.url, "predict", "wine", "--file", "-", stdin="alcohol,zip\n1\n")
    check(run.status == 2 and "line 2 has 1 cells" in run.err, run)


def test_token_create_prints_the_token_alone(server):
    run = Run(server.url, "token", "create", "--name", "t", "--scope", "model:read,model:predict", "--expires-in", "2d")
    check(run.out == "licit_secret\n", run)
    check(json.loads(server.seen[-1][3]) == {"name": "t", "scopes": ["model:read", "model:predict"], "expires_in": 172800}, server.seen[-1])
    Run(server.url, "token", "create", "--name", "t", "--scope", "*", "--expires-in", "60", "--limit", "rows_per_day=1000", "--limit",
        "concurrent=2", "--uses", "3")
    check(json.loads(server.seen[-1][3]) == {"name": "t", "scopes": ["*"], "expires_in": 60, "limits": {"rows_per_day": 1000, "concurrent": 2},
                                             "uses": 3}, server.seen[-1])


def test_token_comes_from_a_file(server):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("secret\n")
        file.flush()
        check(Run(server.url, "job", "list", "--token", "@" + file.name).status == 0, "token file")


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_token_narrow_asks_nobody(server):
    """The chain of HMACs, worked out a second time from its description in docs/operations.md."""
    secret, token_id, seen = "licit_of-somebody", "tok-0123456789abcdefghij", len(server.seen)
    words = ["token", "narrow", "--id", token_id, "--model", "credit*", "--path", "/v1/*", "--address", "192.0.2.0/24"]
    first = Run("ftp://no-server", *words, LICIT_TOKEN=secret)
    check(first.status == 0, first)
    key = mac(mac(secret.encode(), "licit chain v1"), token_id)
    caveats = ["model=credit*", "path=/v1/*", "address=192.0.2.0/24"]
    for caveat in caveats:
        key = mac(key, caveat)
    check(first.out == "licitn_%s.%s.%s\n" % (token_id, coded("\n".join(caveats).encode()), coded(key)), first)

    further = Run("", "token", "narrow", "--expires-in", "1h", "--json", LICIT_TOKEN=first.out.strip())
    check(further.status == 0, further)
    prefix, joined, seal = json.loads(further.out)["token"].split(".")
    caveats = base64.urlsafe_b64decode(joined + "=" * (-len(joined) % 4)).decode().split("\n")
    check(prefix == "licitn_" + token_id and len(caveats) == 4, further)
    check(abs(int(caveats[3].split("expires=")[1]) - time.time() - 3600) < 60, further)
    check(seal == coded(mac(key, caveats[3])), further)
    other = Run("", "token", "narrow", "--id", "tok-9123456789abcdefghij", "--model", "m", LICIT_TOKEN=first.out.strip())
    check(other.status == 2 and "--id must be that" in other.err, other)
    check(len(server.seen) == seen, "the server was asked")


def test_endless_reply_is_given_up(server):
    run = Run(server.url, "model", "show", "endless")
    check(run.status == 3 and "larger than 64 MiB" in run.err, run)


def test_full_output_is_not_success(server):
    done = subprocess.run("%s --help > /dev/full" % LICIT, shell=True, stderr=subprocess.PIPE)
    check(done.returncode == 1, done)


def main():
    tests = [(name, function) for name, function in globals().items() if name.startswith("test_")]
    print("1..%d" % len(tests))
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            with Server() as server:
                function(server)
            print("ok %d - %s" % (number, name))
        except Exception as error:  # a test that breaks is a test that fails
            failed += 1
            print("not ok %d - %s" % (number, name))
            print("# " + repr(error).replace("\\n", "\n# "))
    return failed > 0


sys.exit(main())
