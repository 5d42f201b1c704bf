# SPDX-License-Identifier: Apache-2.0
"""Clients that leave in the middle, clients that are silent, and two at once on the same thing.

Each function is one row of the table. It returns when what it did has settled; what the lists show
afterwards is looked at by the caller.
"""
import json
import threading
import time

from house import MULTIPART, METADATA, RECORD, multipart, table
from wire import head, is_readable, push, receive, wait_until


def check(condition, about):
    if not condition:
        raise AssertionError(about)


def request(house, method, target, body, more=(), kind="application/json"):
    return head(method, target, house.headers(length=len(body), kind=kind, more=more)) + body


# --- clients that leave ---

def leave_upload(house):
    data = request(house, "POST", "/v1/datasets", multipart(json.dumps(METADATA).encode(), table(20000)), kind=MULTIPART)
    for n in sorted({1, 20, 200, 500, 700, 900, 1500, 5000, 65536, 262144, len(data) // 2, len(data) - 4, len(data) - 1}):
        for abrupt in (False, True):
            house.wire.leave(data[:n], abrupt)
            house.wire.leave(data[:n], abrupt, linger=0.02)


def leave_prediction(house):
    data = request(house, "POST", "/v1/models/risk:predict", json.dumps({"instances": [RECORD] * 900}).encode())
    for n in (10, 100, len(data) // 2, len(data) - 1, len(data), len(data), len(data)):
        for abrupt in (False, True):
            house.wire.leave(data[:n], abrupt)
    for _ in range(50):
        house.wire.leave(data, True)


def leave_submission(house):
    """Half a job is none; a whole one may have been taken though nobody read the answer, so only halves are sent."""
    body = json.dumps({"type": "train", "model": "risk", "dataset": house.dataset, "target": "risk"}).encode()
    data = request(house, "POST", "/v1/jobs", body)
    for n in (len(data) - len(body), len(data) - len(body) + 1, len(data) - 10, len(data) - 1):
        for abrupt in (False, True):
            house.wire.leave(data[:n], abrupt)


def leave_lists(house):
    for target in ("/v1/jobs?limit=1000", "/v1/models?limit=1000", "/openapi.json"):
        for _ in range(20):
            house.wire.leave(head("GET", target, house.headers()), True)


def leave_pipelined(house):
    one = head("GET", "/v1/models", house.headers())
    house.wire.leave(one * 50, False)
    house.wire.leave(one * 50, True)


def leave_streams(house):
    """Watchers of a job that runs go away; their places are free again."""
    job = long_job(house)
    ask = head("GET", "/v1/jobs/%s/events" % job, house.headers(more=[("Accept", "text/event-stream")]))
    for turn in range(3):
        socks = []
        for _ in range(8):
            wait_until(lambda: stream_is_free(house, ask, socks), 30, "the places of watchers that left (turn %d)" % turn)
        with house.wire.connect() as late:
            push(late, [ask])
            reply = receive(late)[0]
            check(reply.status == 429 and reply.json["code"] == "rate_limited", reply)
        for sock in socks:
            sock.close()
    house.must("POST", "/v1/jobs/%s/cancel" % job)
    check(house.ended(job)["status"] == "cancelled", "the watched job is cancelled")


def open_stream(house, ask):
    sock = house.wire.connect()
    push(sock, [ask])
    check(b"200 OK" in sock.recv(4096), "a stream was refused")
    return sock


def stream_is_free(house, ask, socks):
    sock = house.wire.connect()
    push(sock, [ask])
    given = b"200 OK" in sock.recv(4096)
    socks.append(sock) if given else sock.close()
    return given


# --- clients that are silent ---

class Silent:
    """Connections that say half a thing and wait. They are opened early and looked at late."""
    KINDS = ("nothing", "half a line", "headers without their end", "a body without its end", "an upload without its end", "a chunk without its end")

    def __init__(self, house):
        whole = request(house, "POST", "/v1/jobs", b"{" + b" " * 100)
        upload = request(house, "POST", "/v1/datasets", multipart(json.dumps(METADATA).encode(), table(200)), kind=MULTIPART)
        chunk = head("POST", "/v1/jobs", house.headers(more=[("Transfer-Encoding", "chunked")], kind="application/json")) + b"ff\r\n{"
        self.begin, self.socks = time.monotonic(), []
        for data in (b"", b"GET /v1/mod", whole[:60], whole[:-50], upload[:-500], chunk):
            sock = house.wire.connect()
            sock.sendall(data)
            self.socks.append(sock)

    def check(self, i):
        """Closed, or told, within its time and some."""
        left = 45 - (time.monotonic() - self.begin)
        sock = self.socks[i]
        try:
            check(is_readable(sock, max(left, 1)), "%s: still open after 45 s" % self.KINDS[i])
            sock.recv(65536)
        except ConnectionError:
            pass
        finally:
            sock.close()


def dripping(house):
    """A byte now and then keeps no connection beyond its time; it costs no other client anything."""
    with house.wire.connect() as sock:
        data = request(house, "POST", "/v1/jobs", b" " * 200)
        sock.sendall(data[:-190])
        begin = time.monotonic()
        while time.monotonic() - begin < 0.5:
            sock.sendall(b" ")
            check(house.ask("GET", "/v2/health/live").status == 200, "alive")


# --- two at once ---

def together(*calls):
    """Runs them at the same time, each on a thread of its own; gives what they returned, or raises what one raised."""
    out, gate = [None] * len(calls), threading.Barrier(len(calls))

    def run(i):
        gate.wait()
        try:
            out[i] = calls[i]()
        except Exception as error:  # told below
            out[i] = error
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in out:
        if isinstance(one, Exception):
            raise one
    return out


def alone(house, method, target, body=None, kind="application/json"):
    """A request on a connection of its own."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()

    def call():
        return house.wire.once(head(method, target, house.headers(length=len(data) if body is not None else None, kind=kind if body is not None else None)) + data)
    return call


def long_job(house, **more):
    """A job that runs for as long as one wants, and does run."""
    job = house.submit(epochs=10000, **more)
    check(job.status == 202, job)
    wait_until(lambda: house.must("GET", "/v1/jobs/" + job.json["id"])["status"] == "running", 60, "a job that runs")
    return job.json["id"]


def version_of(house):
    return int(house.ask("POST", "/v1/models/risk:predict", {"instances": [RECORD]}).header("X-Model-Version"))


def label_and_label(house):
    """Two move a label at once: what is shown is what answers."""
    for _ in range(30):
        replies = together(*[alone(house, "PUT", "/v1/models/risk/labels/production", {"version": 1 + i % 2}) for i in range(4)])
        check(all(reply.status == 200 for reply in replies), replies)
        shown = house.must("GET", "/v1/models/risk")["labels"]["production"][0]["version"]
        check(shown == version_of(house), "the label shows %d, %d answers" % (shown, version_of(house)))
    house.must("PUT", "/v1/models/risk/labels/production", {"version": 1})


def label_and_erase(house):
    """A label is set on a version while it is erased: one of the two is refused."""
    for turn in range(6):
        job = house.submit(seed=100 + turn, model="brief")
        version = house.ended(job.json["id"])["version"]
        put, erase = together(alone(house, "PUT", "/v1/models/brief/labels/canary", {"version": version}), alone(house, "DELETE", "/v1/models/brief/versions/%d" % version))
        model = house.must("GET", "/v1/models/brief")
        kept = version in [v["version"] for v in model["versions"]]
        named = any(share["version"] == version for shares in model["labels"].values() for share in shares)
        check((put.status, erase.status) in ((200, 409), (404, 204)), (put, erase))
        check(kept == named == (put.status == 200), model)
        asked = house.ask("POST", "/v1/models/brief/versions/%d:predict" % version, {"instances": [RECORD]})
        check(asked.status == (200 if kept else 404), asked)


def predict_and_erase(house):
    """Predictions of a version while it is erased are answered or refused, and afterwards refused."""
    for turn in range(4):
        version = house.ended(house.submit(seed=200 + turn, model="brief").json["id"])["version"]
        target = "/v1/models/brief/versions/%d" % version
        replies = together(alone(house, "DELETE", target), *[alone(house, "POST", target + ":predict", {"instances": [RECORD] * 300}) for _ in range(6)])
        check(replies[0].status == 204 and all(reply.status in (200, 404) for reply in replies[1:]), replies)
        after = house.ask("POST", target + ":predict", {"instances": [RECORD]})
        check(after.status == 404, "an erased version answers: %r" % after)


def erase_and_erase(house):
    version = house.ended(house.submit(seed=300, model="brief").json["id"])["version"]
    replies = together(*[alone(house, "DELETE", "/v1/models/brief/versions/%d" % version) for _ in range(4)])
    check(sorted(reply.status for reply in replies) == [204, 404, 404, 404], replies)


def cancel_and_pause(house):
    """Who was told that it is cancelled finds it cancelled, whatever else was asked."""
    for turn in range(8):
        job = long_job(house, model="never")
        cancel, pause = together(alone(house, "POST", "/v1/jobs/%s/cancel" % job), alone(house, "POST", "/v1/jobs/%s/pause" % job))
        check(cancel.status == 200 and pause.status in (200, 409), (cancel, pause))
        check(house.ended(job, 10)["status"] == "cancelled", "turn %d: %s" % (turn, house.must("GET", "/v1/jobs/" + job)["status"]))


def pause_and_resume(house):
    """Many at once; in the end the job runs, is cancelled once, and its watcher hears of it."""
    job = long_job(house, model="never")
    for _ in range(5):
        replies = together(*[alone(house, "POST", "/v1/jobs/%s/%s" % (job, verb)) for verb in ("pause", "resume", "pause", "resume")])
        check(all(reply.status in (200, 409) for reply in replies), replies)
    stream = open_stream(house, head("GET", "/v1/jobs/%s/events" % job, house.headers(more=[("Accept", "text/event-stream")])))
    house.must("POST", "/v1/jobs/%s/cancel" % job)
    check(house.ended(job, 10)["status"] == "cancelled", "cancelled")
    told = b""
    while b"event: done" not in told:
        check(is_readable(stream, 20), "the watcher hears no end: %r" % told[-200:])
        piece = stream.recv(65536)
        check(piece, "the stream ends without done: %r" % told[-200:])
        told += piece
    stream.close()


def cancel_a_paused_one(house):
    """Paused and cancelled in the same breath, again and again: none is left over, its dataset is free."""
    dataset = house.upload(table(80)).json["id"]
    for _ in range(10):
        job = long_job(house, model="never", dataset=dataset)
        house.must("POST", "/v1/jobs/%s/pause" % job)
        wait_until(lambda: house.must("GET", "/v1/jobs/" + job)["status"] == "paused", 20, "pausing")
        house.must("POST", "/v1/jobs/%s/cancel" % job)
        check(house.must("GET", "/v1/jobs/" + job)["status"] == "cancelled", "cancelled")
    check(house.ask("DELETE", "/v1/datasets/" + dataset).status == 200, "the dataset is free")


def erase_while_training(house):
    """A dataset in use is not erased; when its job is cancelled, it is."""
    dataset = house.upload(table(100)).json["id"]
    job = long_job(house, model="never", dataset=dataset)
    replies = together(*[alone(house, "DELETE", "/v1/datasets/" + dataset) for _ in range(3)])
    check(all(reply.status == 409 and reply.json["code"] == "conflict" and reply.header("x-should-retry") == "false" for reply in replies), replies)
    house.must("POST", "/v1/jobs/%s/cancel" % job)
    house.ended(job, 10)
    replies = [wait_until(lambda: erased_or_none(house, dataset), 20, "a dataset that nobody uses")]
    check(replies[0].status == 200, replies)
    check(house.ask("GET", "/v1/datasets/" + dataset).status == 410, "erased")


def erased_or_none(house, dataset):
    reply = house.ask("DELETE", "/v1/datasets/" + dataset)
    return reply if reply.status != 409 else None


def submit_and_erase(house):
    """A job is submitted while its dataset is erased: it is refused, or the erasing is, or the job fails with words."""
    for turn in range(5):
        dataset = house.upload(table(60)).json["id"]
        body = {"type": "train", "model": "never", "dataset": dataset, "target": "risk", "epochs": 1, "seed": turn}
        submit, erase = together(alone(house, "POST", "/v1/jobs", body), alone(house, "DELETE", "/v1/datasets/" + dataset))
        check(submit.status in (202, 410) and erase.status in (200, 409) and (submit.status == 202 or erase.status == 200), (submit, erase))
        if submit.status == 202:
            end = house.ended(submit.json["id"])
            check(end["status"] == "succeeded" or end["error"]["code"] == "gone", end)
        if erase.status == 409:
            wait_until(lambda: erased_or_none(house, dataset), 20, "a dataset that nobody uses")


def two_uploads(house):
    """The same file twice at once: two datasets."""
    body = multipart(json.dumps(METADATA).encode(), table(3000))
    replies = together(*[alone(house, "POST", "/v1/datasets", body, MULTIPART) for _ in range(4)])
    check(all(reply.status == 201 for reply in replies) and len({reply.json["id"] for reply in replies}) == 4, replies)
    for reply in replies:
        house.must("DELETE", "/v1/datasets/" + reply.json["id"])


def one_name_two_cases(house):
    """Names are unique ignoring case: of two jobs that make the model, one fails with words or is refused."""
    replies = together(*[alone(house, "POST", "/v1/jobs", {"type": "train", "model": name, "dataset": house.dataset, "target": "risk", "network": {"layers": [{"type": "dense", "units": 1, "activation": "sigmoid"}]}, "epochs": 1}) for name in ("Twin", "tWin")])
    ends = [house.ended(reply.json["id"]) for reply in replies if reply.status == 202]
    check(all(reply.status in (202, 409) for reply in replies), replies)
    check(sorted(end["status"] for end in ends)[-1] == "succeeded" and sum(end["status"] == "succeeded" for end in ends) == 1, ends)


def revoke_and_use(house):
    """A token is revoked while it is used: afterwards it is good for nothing, nor is its child."""
    made = house.must("POST", "/v1/tokens", {"name": "x", "scopes": ["token:write", "model:read"], "expires_in": 600})
    child = house.must("POST", "/v1/tokens", {"name": "y", "scopes": ["model:read"], "expires_in": 600}, token=made["token"])
    replies = together(*[lambda: house.wire.once(head("GET", "/v1/models", house.headers(token=made["token"])))] * 5, alone(house, "DELETE", "/v1/tokens/" + made["id"]))
    check(replies[-1].status == 204 and all(reply.status in (200, 401) for reply in replies[:-1]), replies)
    for token in (made, child):
        check(house.ask("GET", "/v1/models", token=token["token"]).status == 401, "revoked")


def submit_and_stop_of_queue(house):
    """More jobs than run at once wait, in order, and can all be cancelled at once."""
    running = long_job(house, model="never")
    jobs = [house.submit(epochs=10000, model="never").json["id"] for _ in range(6)]
    replies = together(*[alone(house, "POST", "/v1/jobs/%s/cancel" % job) for job in jobs + [running]])
    check(all(reply.status == 200 for reply in replies), replies)
    for job in jobs + [running]:
        check(house.ended(job, 20)["status"] == "cancelled", job)


LEAVING = [leave_upload, leave_prediction, leave_submission, leave_lists, leave_pipelined, dripping]
RACES = [leave_streams, label_and_label, label_and_erase, predict_and_erase, erase_and_erase, cancel_and_pause, pause_and_resume, cancel_a_paused_one,
         erase_while_training, submit_and_erase, two_uploads, one_name_two_cases, revoke_and_use, submit_and_stop_of_queue]
