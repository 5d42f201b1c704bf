# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the list of sources, C text without comments and strings, and TAP."""
import os
import re
import sys

FOLDERS = ("core", "api", "server", "cli", "tests")
TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def sources(root, endings=(".c", ".h"), folders=FOLDERS):
    """Paths from the root, sorted; a file that git ignores does not lie in these folders."""
    found = []
    for folder in folders:
        for where, names, files in os.walk(os.path.join(root, folder)):
            names[:] = [n for n in names if not n.startswith(".") and n != "__pycache__"]
            found += [os.path.relpath(os.path.join(where, f), root) for f in files if f.endswith(endings)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def bare(text, keep_strings=False, keep_comments=False):
    """The text with comments and strings blanked out; line numbers and columns stay."""

    def blank(match):
        token = match.group(0)
        if keep_strings and token[0] in "\"'":
            return token
        if keep_comments and token[0] == "/":
            return token
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)


def finish(rules):
    """rules: {name: [complaint]}; TAP on stdout, complaints on stderr (where meson shows them); 1 if there are any."""
    print(f"1..{len(rules)}")
    for number, (name, complaints) in enumerate(rules.items(), 1):
        print(f"{'not ok' if complaints else 'ok'} {number} - {name}")
        for complaint in complaints:
            print(complaint, file=sys.stderr)
    sys.exit(1 if any(rules.values()) else 0)


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)
