# SPDX-License-Identifier: Apache-2.0
"""The main job against the real daemon: upload, train, evaluate, deploy, predict; restart, stop, kill. Prints TAP."""
import json
import math
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time

from daemon import Daemon

LICITD, LICIT, ROOT = (os.path.abspath(path) for path in sys.argv[1:4])
TABLE = os.path.join(ROOT, "tests", "data", "breast_cancer.csv")
NETWORK = ["--layers", "128:relu,64:relu,1:sigmoid", "--batch-size", "32", "--seed", "7", "--validation-split", "0.2",
           "--test-split", "0.2", "--metrics", "accuracy,auc"]


def check(condition, about):
    if not condition:
        raise AssertionError(about)


def records():
    with open(TABLE, encoding="utf-8") as file:
        lines = [line.strip().split(",") for line in file]
    names, rows = lines[0][:-1], [lines[i] for i in (20, 101, 314)]
    return names, [[float(cell) for cell in row[:-1]] for row in rows], [row[-1] for row in rows]


def differences(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        return sum((differences(a.get(k), b.get(k), "%s.%s" % (path, k)) for k in sorted(set(a) | set(b))), [])
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return sum((differences(x, y, "%s[%d]" % (path, i)) for i, (x, y) in enumerate(zip(a, b))), [])
    return [] if a == b else ["%s: %r, then %r" % (path, a, b)]


class Story:
    """The tests in the order of a user's day; each stands on what the ones before it made."""

    def __init__(self, folder):
        self.daemon = Daemon(LICITD, LICIT, os.path.join(folder, "state"))

    def submit(self, *more, model="cancer"):
        done = self.daemon.licit("job", "submit", "--model", model, "--dataset", self.dataset, "--target", "diagnosis",
                                 "--positive", "malignant", *NETWORK, *more, "--json")
        check(done.status == 0, done)
        return done.json()

    def job(self, name):
        return self.daemon.licit("job", "show", name, "--json").json()

    def wait_for(self, name, status):
        """A pause takes hold at the next batch."""
        deadline = time.monotonic() + 60
        while self.job(name)["status"] != status:
            check(time.monotonic() < deadline, "%s is never %s" % (name, status))

    def test_first_start_makes_a_certificate_and_a_token(self):
        daemon = self.daemon.start()
        check(stat.S_IMODE(os.stat(os.path.join(daemon.state, "first-token")).st_mode) == 0o600, "mode of first-token")
        check(re.fullmatch(r"licit_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", daemon.token), "form of the token")
        for path in ("/v2/health/live", "/v2/health/ready", "/openapi.json"):
            status, headers, _ = daemon.ask("GET", path, token="")
            check(status == 200 and headers["X-Request-Id"].startswith("req-"), (path, status, headers))

    def test_only_who_is_known_is_answered(self):
        daemon = self.daemon
        status, _, body = daemon.ask("GET", "/v1/models", token="")
        check(status == 401 and body["code"] == "unauthenticated", body)
        done = daemon.licit("model", "list", LICIT_TOKEN="")
        check(done.status == 1 and "no token was sent" in done.err, done)
        done = daemon.licit("model", "list", LICIT_CACERT="")
        check(done.status == 3 and "--cacert" in done.err, done)

    def test_state_belongs_to_one_process(self):
        done = subprocess.run([LICITD, "--state", self.daemon.state, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
        check(done.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT), done)

    def test_dataset_is_uploaded_and_described(self):
        done = self.daemon.licit("dataset", "add", TABLE, "--licence", "CC-BY-4.0", "--purpose", "research", "--target", "diagnosis", "--json")
        check(done.status == 0, done)
        self.dataset = done.json()["id"]
        shown = self.daemon.licit("dataset", "show", self.dataset, "--json").json()
        check(shown["rows"] == 569 and shown["bytes"] == os.path.getsize(TABLE) and len(shown["columns"]) == 31, shown)
        target = [c for c in shown["columns"] if c["name"] == "diagnosis"][0]
        check(target["type"] == "category" and target["distinct"] == 2, target)
        done = self.daemon.licit("dataset", "add", "/dev/null", "--licence", "CC-BY-4.0", "--purpose", "research")
        check(done.status == 1, done)
        check(self.dataset in self.daemon.licit("dataset", "list").out, "list")

    def test_training_is_watched_to_its_end(self):
        done = self.daemon.licit("job", "submit", "--model", "cancer", "--dataset", self.dataset, "--target", "diagnosis", "--positive",
                                 "malignant", *NETWORK, "--epochs", "20", "--watch")
        check(done.status == 0, done)
        epochs = [int(n) for n in re.findall(r"^epoch (\d+)(?:/20)?  ", done.err, re.M)]
        check(epochs == list(range(1, 21)), "epochs told: %s\n%r" % (epochs, done))
        job = self.job(re.search(r"job-[0-9a-v]{20}", done.out).group())
        check(job["status"] == "succeeded" and job["version"] == 1 and len(job["history"]) == 20, job)
        check(job["history"][-1]["loss"] < job["history"][0]["loss"] and job["history"][-1]["val_accuracy"] > 0.9, job["history"])
        check(job["spec"]["optimizer"]["type"] == "adam", job["spec"])
        self.digest = job["weights_digest"]

    def test_evaluation_measures_rows_that_were_kept_away(self):
        done = self.daemon.licit("job", "evaluate", "--model", "cancer", "--version", "1", "--dataset", self.dataset, "--rows", "test",
                                 "--metrics", "accuracy,auc,f1", "--watch", "--json")
        check(done.status == 0, done)
        check(done.json()["progress"]["fraction"] == 1, done)
        metrics = done.json()["metrics"]
        check(metrics["accuracy"] > 0.9 and metrics["auc"] > 0.95 and metrics["f1"] > 0.85, metrics)

    def test_nothing_is_deployed_by_accident(self):
        names, rows, _ = records()
        status, _, body = self.daemon.ask("POST", "/v1/models/cancer:predict", {"instances": rows})
        check(status == 404 and "is deployed" in body["error"], body)
        done = self.daemon.licit("model", "label", "cancer", "production", "1")
        check(done.status == 0, done)
        status, headers, _ = self.daemon.ask("POST", "/v1/models/cancer:predict", {"instances": rows})
        check(status == 200 and headers["X-Model-Version"] == "1", headers)

    def predict(self):
        names, rows, _ = records()
        status, _, body = self.daemon.ask("POST", "/v1/models/cancer:predict", {"instances": [dict(zip(names, row)) for row in rows]})
        check(status == 200, body)
        return body["predictions"]

    def test_records_and_rows_get_the_same_answer(self):
        names, rows, truth = records()
        answers = self.predict()
        check([a["label"] for a in answers] == truth, answers)
        check(all(0.5 <= a["probability"] <= 1 for a in answers), answers)
        status, _, bare = self.daemon.ask("POST", "/v1/models/cancer:predict", {"instances": rows})
        for answer, tensor in zip(answers, bare["predictions"]):
            check(math.isclose(answer["probabilities"]["malignant"], tensor[0], abs_tol=1e-5), (answer, tensor))
        done = self.daemon.licit("predict", "cancer", *("%s=%r" % pair for pair in zip(names, rows[0])))
        check(done.status == 0 and truth[0] in done.out, done)
        done = self.daemon.licit("predict", "cancer", "--file", TABLE, "--json")
        check(done.status == 0 and len(done.json()["predictions"]) == 569 and '"diagnosis" is no input' in done.err, done)
        right = sum(a["label"] == line.rsplit(",", 1)[1].strip() for a, line in zip(done.json()["predictions"], open(TABLE).readlines()[1:]))
        check(right > 0.93 * 569, "%d of 569 are right" % right)

    def test_curl_is_a_client_like_any_other(self):
        done = subprocess.run(["curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--cacert", self.daemon.certificate,
                               "--oauth2-bearer", self.daemon.token, "--json", json.dumps({"instances": records()[1]}),
                               self.daemon.url + "/v1/models/cancer:predict"], capture_output=True, text=True, timeout=60)
        check(done.returncode == 0 and len(json.loads(done.stdout)["predictions"]) == 3, done)

    def test_tokens_do_what_they_name_and_no_more(self):
        done = self.daemon.licit("token", "create", "--name", "shop", "--scope", "model:cancer:predict", "--expires-in", "1h", "--json")
        check(done.status == 0, done)
        token = done.json()
        status, _, _ = self.daemon.ask("POST", "/v1/models/cancer:predict", {"instances": records()[1]}, token=token["token"])
        check(status == 200, status)
        done = self.daemon.licit("predict", "cancer", "--file", TABLE, LICIT_TOKEN=token["token"])
        check(done.status == 1 and "diagnosis" in done.err, done)  # may not ask for the inputs, so the server sees the extra column
        done = self.daemon.licit("dataset", "list", LICIT_TOKEN=token["token"])
        check(done.status == 1 and "forbidden" in done.err, done)
        check(token["token"] not in self.daemon.licit("token", "list", "--json").out, "a secret in a list")
        check(self.daemon.licit("token", "revoke", token["id"]).status == 0, "revoke")
        status, _, _ = self.daemon.ask("POST", "/v1/models/cancer:predict", {"instances": records()[1]}, token=token["token"])
        check(status == 401, status)

    def test_the_same_job_gives_the_same_weights(self):
        done = self.daemon.licit("job", "watch", self.submit("--epochs", "20")["id"], "--json")
        check(done.status == 0 and done.json()["weights_digest"] == self.digest and done.json()["version"] == 2, done)

    def test_restart_keeps_everything(self):
        def everything():
            lists = [self.daemon.licit(kind, "list", "--json").json() for kind in ("dataset", "job", "model", "token")]
            for model in lists[2]["data"]:
                del model["model_version_status"]  # what is loaded, not what is kept
            return lists, self.predict()

        before = everything()
        check(self.daemon.stop() == 0, "SIGTERM: " + "".join(self.daemon.log[-5:]))
        self.daemon.start()
        after = everything()
        check(after == before, "\n".join(differences(before, after)))

    def interrupted(self, number):
        """Starts the long job, ends the daemon in the middle with this signal, starts it again: the daemon's exit
        status and the job's digest. The watcher sees every epoch once, as if nothing had happened."""
        job = self.submit("--epochs", "400", model="long")
        watch = self.daemon.watch(job["id"])
        told = []
        for line in watch.stderr:
            told.append(line)
            if re.match(r"epoch ([5-9]|\d\d+)/", line):
                break
        status = self.daemon.stop(number)
        check(self.daemon.process.poll() is not None and watch.poll() is None, told)
        self.daemon.start()
        rest = watch.stderr.read()  # not communicate(): it would lose what the loop above read ahead
        watch.communicate(timeout=60)
        epochs = [int(n) for n in re.findall(r"^epoch (\d+)/400 ", "".join(told) + rest, re.M)]
        check(watch.returncode == 0 and epochs == list(range(1, 401)), "watch: %s\n%s" % (watch.returncode, rest[-2000:]))
        done = self.job(job["id"])
        check(done["status"] == "succeeded" and len(done["history"]) == 400, done)
        return status, done["weights_digest"]

    def test_kill_in_mid_training_changes_nothing(self):
        whole = self.daemon.licit("job", "watch", self.submit("--epochs", "400", model="long")["id"], "--json")
        check(whole.status == 0, whole)
        self.long_digest = whole.json()["weights_digest"]
        status, digest = self.interrupted(signal.SIGKILL)
        check(status == -signal.SIGKILL and digest == self.long_digest, (status, digest, self.long_digest))

    def test_stop_in_mid_training_changes_nothing(self):
        status, digest = self.interrupted(signal.SIGTERM)
        check(status == 0 and digest == self.long_digest, (status, digest, self.long_digest))

    def test_jobs_are_paused_resumed_and_cancelled(self):
        job = self.submit("--epochs", "10000", model="endless")["id"]
        check(self.daemon.licit("job", "pause", job).status == 0, "pause")
        self.wait_for(job, "paused")
        check(self.daemon.licit("job", "pause", job).status == 1, "pause what is paused")
        done = self.daemon.licit("job", "resume", job)
        check(done.status == 0, done)
        done = self.daemon.licit("job", "cancel", job)
        check(done.status == 0, done)
        done = self.daemon.licit("job", "watch", job)
        check(done.status == 4 and "cancelled" in done.out, done)

    def test_refusals_say_where(self):
        status, _, body = self.daemon.ask("POST", "/v1/jobs", {"type": "train", "model": "m", "dataset": self.dataset, "target": "diagnosis",
                                                               "network": {"layers": [{"type": "dense", "units": 0}]}})
        check(status == 400 and body["path"] == "network.layers[0].units" and body["code"] == "invalid_value", body)
        done = self.daemon.licit("job", "submit", "--model", "m", "--dataset", self.dataset, "--target", "nothing")
        check(done.status == 1 and "nothing" in done.err and "request" in done.err, done)
        done = self.daemon.licit("model", "remove", "cancer", "--version", "1", "--yes")
        check(done.status == 1 and "conflict" in done.err, done)

    def test_what_is_removed_is_gone(self):
        check(self.daemon.licit("model", "remove", "cancer", "--version", "2", "--yes").status == 0, "version 2")
        check(self.daemon.licit("model", "show", "cancer", "--version", "2").status == 1, "version 2 is still there")
        done = self.daemon.licit("dataset", "remove", self.dataset, "--yes")
        check(done.status == 0, done)
        status, _, body = self.daemon.ask("GET", "/v1/datasets/" + self.dataset)
        check(status == 410 and body["status"] == "erased" and body["name"] == "breast_cancer", body)
        done = self.daemon.licit("dataset", "show", self.dataset)
        check(done.status == 1 and "has been erased" in done.err, done)
        check(self.predict()[0]["label"] in ("malignant", "benign"), "a deployed version outlives its dataset")

    def test_plain_over_a_unix_socket(self):
        with tempfile.TemporaryDirectory(prefix="licit-e2e-") as folder:
            path = os.path.join(folder, "socket")
            process = subprocess.Popen([LICITD, "--state", os.path.join(folder, "state"), "--listen", "unix:" + path, "--plain"],
                                       stderr=subprocess.PIPE, text=True)
            for line in process.stderr:
                if "event=ready" in line:
                    break
            done = self.daemon.licit("model", "list", "--url", "unix:" + path, LICIT_TOKEN="@" + os.path.join(folder, "state", "first-token"))
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            check(done.status == 0 and process.returncode == 0 and not os.path.exists(path), (done, process.returncode))

    def test_sigterm_exits_0(self):
        check(self.daemon.stop() == 0, "".join(self.daemon.log[-5:]))
        check(not any("licit_" in line for line in self.daemon.log), "a token in the log")


def main():
    with tempfile.TemporaryDirectory(prefix="licit-e2e-") as folder:
        story = Story(folder)
        tests = [name for name in vars(Story) if name.startswith("test_")]
        print("1..%d" % len(tests), flush=True)
        failed = 0
        for number, name in enumerate(tests, 1):
            try:
                getattr(story, name)()
                print("ok %d - %s" % (number, name), flush=True)
            except Exception as error:  # the next ones may still tell something
                failed += 1
                print("not ok %d - %s" % (number, name))
                print("# " + ("%s: %s" % (type(error).__name__, error)).replace("\n", "\n# "), flush=True)
                if story.daemon.process is None or story.daemon.process.poll() is not None:
                    print("# the daemon's last words:\n# " + "# ".join(getattr(story.daemon, "log", [])[-20:]), flush=True)
                    if number == 1:
                        print("Bail out! there is no daemon")
                        break
                    story.daemon.start()
        if story.daemon.process is not None and story.daemon.process.poll() is None:
            story.daemon.process.kill()
        return failed > 0


sys.exit(main())
