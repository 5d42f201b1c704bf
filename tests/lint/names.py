# SPDX-License-Identifier: Apache-2.0
"""python3 names.py ROOT: the form of the text: first line, guard, comments, columns, words, blanks."""
import re
import sys

from common import bare, finish, read, sources

COLUMNS = 140
FIRST = "/* SPDX-License-Identifier: Apache-2.0 */"
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SCRIPTS = (".py", ".sh", ".bash")


def columns(line):
    """The length that counts: rows of tables, compound literals and one-line cases may be long; a string is not broken up."""
    if re.match(r"\s*(\{|\.\w|X\(|ROW\(|case )", line) or "){ ." in line:
        return 0
    return len(re.sub(r'"(\\.|[^"\\])*"', '""', line))


def check_c(path, text, rules):
    lines = text.split("\n")
    if lines[0] != FIRST:
        rules["SPDX line first"].append(f"{path}:1: must be {FIRST}")
    if path.endswith(".h"):
        guard = re.sub(r"[^A-Z0-9]", "_", path.upper())
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            rules["header guard is the path"].append(f"{path}: wants {guard}")
    for number, line in enumerate(bare(text, keep_comments=True).split("\n"), 1):
        if re.match(r"(?:[^/]|/(?![/*])|/\*.*?\*/)*//", line) and not re.match(r"\s*(/?\*|[^*]*https?://)", line):
            rules["/* */ comments only"].append(f"{path}:{number}")
    for number, line in enumerate(lines, 1):
        if columns(line) > COLUMNS:
            rules[f"at most {COLUMNS} columns"].append(f"{path}:{number}: {columns(line)}")


def main(root):
    rules = {
        "SPDX line first": [],
        "header guard is the path": [],
        "/* */ comments only": [],
        f"at most {COLUMNS} columns": [],
        "nothing left to do": [],
        "no tabs, no blanks at line ends, a final newline": [],
    }
    for path in sources(root):
        check_c(path, read(root, path), rules)
    for path in sources(root, (".c", ".h", "meson.build") + SCRIPTS):
        text = read(root, path)
        if path.endswith(SCRIPTS) and "SPDX-License-Identifier: Apache-2.0" not in "".join(text.split("\n")[:3]):
            rules["SPDX line first"].append(f"{path}: no SPDX line in the first three")
        if text and not text.endswith("\n"):
            rules["no tabs, no blanks at line ends, a final newline"].append(f"{path}: no final newline")
        for number, line in enumerate(text.split("\n"), 1):
            if WORDS.search(line) and not path.startswith("tests/lint/"):
                rules["nothing left to do"].append(f"{path}:{number}: {WORDS.search(line).group(0)}")
            if "\t" in line or line != line.rstrip():
                rules["no tabs, no blanks at line ends, a final newline"].append(f"{path}:{number}")
    finish(rules)


main(sys.argv[1])
