# SPDX-License-Identifier: Apache-2.0
"""A server that answers as the contract says, for the tests of the command: what it does wrong, it does on purpose."""
import http.server
import json
import threading

DATASET = {"id": "ds-00000000000000000001", "object": "dataset", "name": "wine", "version": 1, "rows": 178, "bytes": 11157,
           "sha256": "ab" * 32, "created_at": 1700000000, "status": "ready", "licence": "CC-BY-4.0", "purposes": ["research"],
           "personal_data": False, "target": "cultivar",
           "columns": [{"name": "alcohol", "type": "number", "missing": 0, "distinct": 126, "min": 11.03, "max": 14.83,
                        "mean": 13.0006, "std": 0.8118},
                       {"name": "cultivar", "type": "category", "missing": 0, "distinct": 3, "categories": ["a", "b", "\x1b[2Jc"]}]}
HISTORY = [{"epoch": n, "loss": 1.0 / n, "val_loss": 1.1 / n, "accuracy": 1 - 0.5 / n} for n in range(1, 6)]
MODEL = {"id": "wine", "object": "model", "created": 1700000000, "owned_by": "licit", "name": "wine", "ready": True,
         "versions": [{"version": 1, "created_at": 1700000000, "dataset": DATASET["id"], "job": "job-1", "weights_digest": "cd" * 32,
                       "version_digest": "ef" * 32, "parameters": 12289, "metrics": {"accuracy": 0.98, "auc": 0.999}}],
         "labels": {"production": [{"version": 1, "weight": 100}]},
         "inputs": [{"name": "alcohol", "type": "number"}, {"name": "zip", "type": "category"}], "outputs": []}


def job(name, status="succeeded"):
    return {"id": name, "object": "job", "type": "train", "status": status, "model": "wine", "version": 1, "dataset": DATASET["id"],
            "created_at": 1700000000, "progress": {"epoch": 5, "epochs": 5, "fraction": 1.0, "rows_per_second": 12345, "eta_seconds": 0},
            "history": HISTORY, "metrics": {"accuracy": 0.9821, "val_loss": 0.22, "confusion_matrix": {"classes": ["a", "b"], "counts": [[50, 1], [2, 1060]]}}, "weights_digest": "cd" * 32, "spec": {"epochs": 5}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, status, body, kind="application/json"):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-Id", "req-header")
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, code, detail, path=None):
        body = {"type": "urn:licit:error:" + code, "title": code, "status": status, "detail": detail, "code": code, "request_id": "req-body"}
        if path:
            body["path"] = path
        self.answer(status, body, "application/problem+json")

    def take_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while True:
                n = int(self.rfile.readline(), 16)
                body += self.rfile.read(n)
                self.rfile.readline()
                if n == 0:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def handle_any(self):
        body = self.take_body()
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        if self.headers.get("Authorization") != "Bearer secret":
            return self.refuse(401, "unauthenticated", "a bearer token is required", "header:Authorization")
        parts = self.path.split("?")[0].strip("/").split("/")[1:]
        getattr(self, self.command + "_" + parts[0].split(":")[0], lambda *_: self.refuse(404, "not_found", "no such thing"))(parts, body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def GET_datasets(self, parts, body):
        if len(parts) == 1:
            return self.answer(200, {"object": "list", "data": [DATASET], "has_more": True})
        self.answer(200, DATASET)

    def POST_datasets(self, parts, body):
        self.answer(201, DATASET)

    def DELETE_datasets(self, parts, body):
        self.answer(204, None)

    DELETE_models = DELETE_datasets

    def POST_jobs(self, parts, body):
        if len(parts) > 1:
            return self.answer(200, job(parts[1], "cancelled"))
        spec = json.loads(body)
        if spec.get("epochs") == 0:
            return self.refuse(400, "invalid_value", "must be 1 to 100000, got 0\x1b[31m", "epochs")
        self.answer(202, job("job-good", "queued"))

    def GET_jobs(self, parts, body):
        if len(parts) == 3:
            return self.events(parts[1])
        if len(parts) == 1:
            return self.answer(200, {"object": "list", "data": [job("job-1")], "has_more": False})
        self.answer(200, job(parts[1], "failed" if parts[1] == "job-bad" else "succeeded"))

    def events(self, name):
        if name == "job-plain":
            return self.answer(200, {"object": "list", "data": [], "has_more": False})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        after = int(self.headers.get("Last-Event-ID") or 0)
        text = ": hello\n\nevent: progress\ndata: {\"epoch\":0,\"epochs\":5,\"fraction\":0.0}\n\n"
        for row in HISTORY[after:]:
            text += "id: %d\nevent: epoch\ndata: %s\n\n" % (row["epoch"], json.dumps(row))
            if row["epoch"] == 2 and name != "job-quiet":
                self.wfile.write((text + "event: epoch\nda").encode())  # the connection breaks in the middle of an event
                self.close_connection = True
                return
        text += "event: progress\ndata: {\"status\":\"paused\"}\n\n"
        self.wfile.write((text + "event: done\ndata: {\"status\":\"succeeded\"}\n\n").encode())
        self.close_connection = True

    def GET_models(self, parts, body):
        if parts[-1] == "endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 1048576)
            except OSError:  # the client had enough
                self.close_connection = True
                return
        if len(parts) == 1:
            return self.answer(200, {"object": "list", "data": [MODEL], "has_more": False})
        self.answer(200, MODEL)

    def PUT_models(self, parts, body):
        self.answer(200, MODEL)

    def POST_models(self, parts, body):
        rows = json.loads(body).get("instances", [])
        self.answer(200, {"predictions": [{"label": "a", "probability": 0.9} for _ in rows]})

    def POST_tokens(self, parts, body):
        self.answer(201, {"id": "tok-1", "token": "licit_secret"})


class Server:
    """A server on a free port of this machine: with Server() as s: s.url, s.seen."""

    def __enter__(self):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.seen = self.seen = []
        self.url = "http://127.0.0.1:%d" % self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


if __name__ == "__main__":
    with Server() as server:
        print(server.url, flush=True)
        threading.Event().wait()
