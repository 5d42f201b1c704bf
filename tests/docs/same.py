# SPDX-License-Identifier: Apache-2.0
"""Holds a page to a program that prints it: same.py PROGRAM PAGE, or a part of it: same.py PROGRAM PAGE --part (TAP)."""
import difflib
import pathlib
import subprocess
import sys

program, page = sys.argv[1:3]
made = subprocess.run([program], capture_output=True, check=True, text=True).stdout
there = pathlib.Path(page).read_text(encoding="utf-8")
name = pathlib.Path(page).name
print("1..1")
if made and (made == there or ("--part" in sys.argv and made in there)):
    print("ok 1 - docs/%s says what the tables say" % name)
    sys.exit(0)
print("not ok 1 - docs/%s differs from what %s prints" % (name, program))
for line in list(difflib.unified_diff(there.splitlines(), made.splitlines(), name, "made", lineterm=""))[:40]:
    print("# " + line)
sys.exit(1)
