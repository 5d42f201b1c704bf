# SPDX-License-Identifier: Apache-2.0
"""python3 run.py PROGRAM NAME CORPUS LOGS SECONDS: lets one fuzz target run, as one test.

Starts from the kept inputs and throws away what it finds, unless an input breaks the target: that
one is left as LOGS/fuzz-NAME-*, and LOGS/fuzz-NAME.log has the words. Prints TAP with the number of executions.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

INPUT_SECONDS = 10
MEMORY_MB = 1024


def statistic(log, name):
    found = re.search(rf"^stat::{name}:\s*(\d+)", log, re.MULTILINE)
    return int(found.group(1)) if found else 0


def dictionary(corpus, name):
    path = os.path.join(os.path.dirname(corpus), "..", f"{name}.dict")
    return [f"-dict={path}"] if os.path.exists(path) else []


def main(program, name, corpus, logs, seconds):
    os.makedirs(logs, exist_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="licit-fuzz-") as found:
        inputs = os.path.join(found, "inputs")
        os.mkdir(inputs)
        done = subprocess.run(
            [program, f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}",
             "-print_final_stats=1", f"-artifact_prefix={logs}/fuzz-{name}-", *dictionary(corpus, name), inputs, corpus],
            env={**os.environ, "TMPDIR": found}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    took = time.monotonic() - start
    with open(f"{logs}/fuzz-{name}.log", "w", encoding="utf-8") as out:
        out.write(done.stdout)
    executions = statistic(done.stdout, "number_of_executed_units")
    good = done.returncode == 0 and executions > 0
    print("1..1")
    print(f"{'ok' if good else 'not ok'} 1 - {name}: {executions} executions in {took:.0f} s")
    if not good:
        print(done.stdout[-4000:], file=sys.stderr)
    sys.exit(0 if good else 1)


main(*sys.argv[1:])
