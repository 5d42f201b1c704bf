# SPDX-License-Identifier: Apache-2.0
"""docs/security.md names files and tests: they exist, and every row of OWASP's list names a test (TAP). usage: security.py ROOT"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
FOLDERS = ("api", "cli", "config", "core", "deploy", "docs", "server", "tests")
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
done = []


def row(name, reason):
    done.append((name, reason))


def paths():
    """Words in backquotes that look like paths of this repository, and the targets of links."""
    words = re.findall(r"`([^`]+)`", TEXT)
    yield from sorted({w for w in words if re.fullmatch(r"(%s)/[\w./-]+" % "|".join(FOLDERS), w)})
    yield from sorted({"docs/" + w for w in re.findall(r"\]\(([\w./-]+)\)", TEXT)})


def functions():
    """`test_pool_submit_refuses_when_full`: a function of some test."""
    sources = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("test_*") if p.suffix in (".c", ".py"))
    for name in sorted(set(re.findall(r"`(test_\w+)`", TEXT))):
        row("the test %s exists" % name, "" if re.search(r"\b%s\(" % name, sources) else "no such function in tests/")


def owasp():
    for n in range(1, 11):
        lines = [line for line in TEXT.splitlines() if line.startswith("| API%d " % n)]
        cells = lines[0].strip("|").split("|") if len(lines) == 1 else ["", "", ""]
        held = re.findall(r"`(tests/[\w./-]+)`", cells[2]) if len(cells) == 3 else []
        row("API%d has one row with a control and a test" % n, "" if held and cells[1].strip() else "rows: %s" % lines)


for path in paths():
    row("%s exists" % path, "" if (ROOT / path).exists() else "docs/security.md names it")
functions()
owasp()
print("1..%d" % len(done))
for n, (name, reason) in enumerate(done, 1):
    print("%s %d - %s" % ("not ok" if reason else "ok", n, name))
    if reason:
        print("# " + reason)
sys.exit(any(reason for _, reason in done))
