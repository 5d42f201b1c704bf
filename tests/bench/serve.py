# SPDX-License-Identifier: Apache-2.0
"""What a prediction costs: licitd beside a bare libmicrohttpd, in one run, round by round.

    python3 tests/bench/serve.py BUILD [--rounds 7] [--seconds 2] [--connections 1,16,64] [--set log.requests=no] [--limited]

Trains the mission's network (100 -> 128 relu -> 64 relu -> 1 sigmoid) on a made table, then
asks both servers with wrk for one record of 100 numbers. Prints the server's CPU microseconds
a request, requests a second and latency, and the ratios of each round's pair. With --limited also
what it costs a token with every limit, made by another one with every limit. Needs wrk.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

COLUMNS = 100
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Daemon:
    """licitd on a state directory of its own, plain HTTP, with one trained and deployed model."""

    def __init__(self, build, state, cpus, settings):
        self.port = free_port()
        self.log = pathlib.Path(state + ".log")
        self.process = subprocess.Popen(
            cpus + [f"{build}/server/licitd", "--state", state, "--listen", f"127.0.0.1:{self.port}", "--plain",
                    "--set", "http.threads=1"] + [word for setting in settings for word in ("--set", setting)], stderr=self.log.open("w"))
        for _ in range(200):
            if "event=ready" in self.log.read_text():
                break
            time.sleep(0.05)
        else:
            sys.exit("licitd did not start:\n" + self.log.read_text())
        self.token = pathlib.Path(state, "first-token").read_text().strip()

    def ask(self, method, path, body=None, kind="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, body, {"Authorization": f"Bearer {self.token}", "Content-Type": kind})
        reply = connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            sys.exit(f"{method} {path}: {reply.status} {text[:300]}")
        return json.loads(text) if text else None

    def make_limited(self):
        """A token that has every limit, as has the one that made it, and none that it comes to."""
        limits = dict.fromkeys(("requests_per_second", "concurrent"), 10**6)
        limits.update(dict.fromkeys(("rows_per_day", "bytes_per_day", "bits_per_day"), 10**15 - 1))
        body = {"name": "bench", "scopes": ["model:predict", "token:write"], "expires_in": 3600, "limits": limits, "uses": 10**15 - 1}
        mine, self.token = self.token, self.ask("POST", "/v1/tokens", json.dumps(body))["token"]
        child, self.token = self.ask("POST", "/v1/tokens", json.dumps(body))["token"], mine
        return child

    def train(self):
        random.seed(7)
        rows = [",".join([f"x{i}" for i in range(COLUMNS)] + ["y"])]
        for _ in range(300):
            x = [random.gauss(0, 1) for _ in range(COLUMNS)]
            rows.append(",".join([f"{v:.4f}" for v in x] + ["yes" if sum(x[:9]) > 0 else "no"]))
        metadata = {"name": "bench", "licence": "CC0-1.0", "purposes": ["bench"], "personal_data": False}
        boundary = "licit-bench"
        body = (f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n'
                f'{json.dumps(metadata)}\r\n--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n'
                + "\n".join(rows) + f"\r\n--{boundary}--\r\n")
        dataset = self.ask("POST", "/v1/datasets", body, f"multipart/form-data; boundary={boundary}")["id"]
        job = self.ask("POST", "/v1/jobs", json.dumps(
            {"type": "train", "model": "bench", "dataset": dataset, "target": "y", "epochs": 3, "label": "production"}))["id"]
        while self.ask("GET", f"/v1/jobs/{job}")["status"] in ("queued", "running"):
            time.sleep(0.05)


def wrk(port, connections, seconds, script, cpus):
    out = subprocess.run(cpus + ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script,
                                 f"http://127.0.0.1:{port}/v1/models/bench:predict"],
                         capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        sys.exit("a request failed:\n" + out)
    unit = {"us": 1, "ms": 1000, "s": 1000000}
    p50 = re.search(r"50%\s+([\d.]+)(us|ms|s)", out)
    return int(re.search(r"(\d+) requests in", out).group(1)), float(p50.group(1)) * unit[p50.group(2)]


def measure(pid, port, connections, seconds, script, cpus):
    before = cpu_seconds(pid)
    requests, p50 = wrk(port, connections, seconds, script, cpus)
    return {"cpu": (cpu_seconds(pid) - before) * 1e6 / requests, "rate": requests / seconds, "p50": p50}


def report(connections, rounds):
    print(f"\n{connections} connections, median of {len(rounds)} rounds"
          f"\n{'':10}{'CPU us/request':>16}{'requests/s':>14}{'p50 us':>10}")
    for name in rounds[0]:
        print(f"{name:10}" + "".join(f"{statistics.median(r[name][k] for r in rounds):{w}.{d}f}"
                                     for k, w, d in (("cpu", 16, 1), ("rate", 14, 0), ("p50", 10, 0))))
    for key, word in (("cpu", "CPU"), ("p50", "p50")):
        ratios = sorted(r["licitd"][key] / r["bare"][key] for r in rounds)
        print(f"{word} licitd / bare: {statistics.median(ratios):.2f} (min {ratios[0]:.2f}, max {ratios[-1]:.2f})")
    extra = statistics.median(r["licitd"]["cpu"] - r["bare"]["cpu"] for r in rounds)
    print(f"CPU licitd - bare: {extra:.1f} us")
    if "limited" in rounds[0]:
        print(f"CPU limited - licitd: {statistics.median(r['limited']['cpu'] - r['licitd']['cpu'] for r in rounds):.1f} us")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", help="of licitd; log.requests=no without any")
    parser.add_argument("--limited", action="store_true", help="also with a token that has every limit")
    options = parser.parse_args()
    server_cpu, client_cpu = ["taskset", "-c", "0"], ["taskset", "-c", "1"]
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(options.build, folder + "/state", server_cpu, options.set or ["log.requests=no"])
        port = free_port()
        bare = subprocess.Popen(server_cpu + [f"{options.build}/tests/bench/bench_bare", str(port), "1"], stdin=subprocess.PIPE)
        try:
            daemon.train()
            random.seed(1)
            body = json.dumps({"instances": [[round(random.gauss(0, 1), 4) for _ in range(COLUMNS)]]})
            tokens = {"licitd": daemon.token, **({"limited": daemon.make_limited()} if options.limited else {})}
            scripts = {name: f"{folder}/{name}.lua" for name in tokens}
            for name, token in tokens.items():
                pathlib.Path(scripts[name]).write_text(
                    f"wrk.method='POST'\nwrk.body='{body}'\nwrk.headers['Content-Type']='application/json'\n"
                    f"wrk.headers['Authorization']='Bearer {token}'\n")
            print(f"one record of {COLUMNS} numbers, {len(body)} bytes of JSON; server on one core, client on the other")
            for connections in map(int, options.connections.split(",")):
                rounds = [{"bare": measure(bare.pid, port, connections, options.seconds, scripts["licitd"], client_cpu),
                           **{name: measure(daemon.process.pid, daemon.port, connections, options.seconds, script, client_cpu)
                              for name, script in scripts.items()}}
                          for _ in range(options.rounds)]
                report(connections, rounds)
        finally:
            bare.stdin.close()
            daemon.process.send_signal(signal.SIGTERM)
            bare.wait(10)
            status = daemon.process.wait(30)
        if status != 0:
            sys.exit(f"licitd ended with {status}")


main()
