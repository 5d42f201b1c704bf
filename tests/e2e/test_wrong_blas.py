# SPDX-License-Identifier: Apache-2.0
"""python3 test_wrong_blas.py LICITD: a BLAS that would give wrong numbers or collapse under threads is refused at start,
and the words name the package to install."""
import glob
import os
import subprocess
import sys
import tempfile

PACKAGE = "libopenblas0-pthread"


def refusal(licitd, folder, state):
    environment = dict(os.environ, LD_LIBRARY_PATH=folder)
    done = subprocess.run([licitd, "--state", state, "--listen", "127.0.0.1:0"], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if done.returncode == 0:
        return "it served"
    if PACKAGE not in done.stderr:
        return f"status {done.returncode}, but no word of {PACKAGE}: {done.stderr[-300:]}"
    left = os.listdir(state) if os.path.isdir(state) else []
    return f"it left {left} behind" if left else ""


def main():
    print("1..2")
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, build in enumerate(("openblas-serial", "openblas-openmp"), 1):
            folders = glob.glob(f"/usr/lib/*/{build}")
            if not folders:
                print(f"ok {number} - {build} is refused # SKIP not installed: see tests/packages")
                continue
            problem = refusal(sys.argv[1], folders[0], os.path.join(scratch, build))
            failed += problem != ""
            print(f"{'not ok' if problem else 'ok'} {number} - {build} is refused{': ' + problem if problem else ''}")
    sys.exit(failed > 0)


main()
