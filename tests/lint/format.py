# SPDX-License-Identifier: Apache-2.0
"""python3 format.py ROOT: every source is as clang-format leaves it (.clang-format at the root)."""
import re
import shutil
import subprocess
import sys

from common import finish, skip, sources


def main(root):
    if shutil.which("clang-format") is None:
        skip("clang-format is not installed")
    done = subprocess.run(["clang-format", "--dry-run", "--Werror", *sources(root)], cwd=root, capture_output=True, text=True, check=False)
    places = re.findall(r"^(\S+?:\d+):\d+: error", done.stderr, re.MULTILINE)
    if done.returncode != 0 and not places:
        places = [done.stderr.strip()]
    finish({"clang-format has nothing to change": sorted(set(places))})


main(sys.argv[1])
