# SPDX-License-Identifier: Apache-2.0
"""python3 functions.py ROOT: no function is longer than 60 lines, 80 for kernels and tests (the aim is 15)."""
import json
import shutil
import subprocess
import sys

from common import finish, skip, sources

LINES = 60
LINES_LONG = 80
LONG = ("core/math/", "core/nn/", "tests/")


def main(root):
    if shutil.which("ctags") is None:
        skip("universal-ctags is not installed")
    files = sources(root, (".c", ".h"))
    ctags = subprocess.run(
        ["ctags", "--options=NONE", "--output-format=json", "--languages=C", "--map-C=+.h", "--c-kinds=f", "--fields=+ne", "-L", "-", "-f", "-"],
        input="\n".join(files), cwd=root, capture_output=True, text=True, check=True)
    long = []
    for line in ctags.stdout.splitlines():
        tag = json.loads(line)
        length = tag.get("end", tag["line"]) - tag["line"] + 1
        if length > (LINES_LONG if tag["path"].startswith(LONG) else LINES):
            long.append(f"{tag['path']}:{tag['line']}: {tag['name']}() has {length} lines")
    finish({f"functions of at most {LINES} lines, {LINES_LONG} in kernels and tests": long})


main(sys.argv[1])
