#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares core/data/csv.c with Python's csv module on small random files.

usage: differential.py <test_data_csv binary> [count] [seed]

The files are built of cells that both readers accept (a quote only where RFC 4180 allows it), with
every line ending, quoted line breaks, blanks and blank lines. Every file must give the same rows.
"""
import csv
import io
import random
import subprocess
import sys

PLAIN = ["", "1", "-2.5e3", "abc", "x y", "=cmd", "é€😀", "'", "a\tb"]
QUOTED = ["", "1", "a,b", 'say "hi"', " padded ", "two\nlines", "two\r\nlines", "é"]


def make_file(rng):
    columns = rng.randint(1, 4)
    end = rng.choice(["\n", "\r\n", "\r"])
    lines = [",".join(f"c{i}" for i in range(columns))]
    for _ in range(rng.randint(0, 6)):
        if rng.random() < 0.15:
            lines.append("")
            continue
        texts = []
        for _ in range(columns):
            if rng.random() < 0.4:
                cell = rng.choice(QUOTED)
                texts.append(rng.choice(["", " "]) * (rng.random() < 0.2) + '"' + cell.replace('"', '""') + '"')
            else:
                texts.append(rng.choice(PLAIN))
        lines.append(",".join(texts))
    text = end.join(lines) + (end if rng.random() < 0.7 else "")
    return text, columns


def theirs(text, columns):
    """Python's rows, with the two rules of ours that differ: blank lines, and no blank before a quote."""
    rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    return [row or [""] for row in rows if row or columns == 1]


def ours(binary, text):
    out = subprocess.run([binary, "rows"], input=text.encode(), capture_output=True, check=True).stdout.decode()
    status, _, rest = out.partition("\n")
    return status, rest


def main():
    binary = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    for i in range(count):
        text, columns = make_file(rng)
        status, rest = ours(binary, text)
        want = "".join("".join(f"[{cell}]" for cell in row) + "\n" for row in theirs(text, columns))
        got = "".join(split_rows(rest))
        if status != "ok" or got != want:
            sys.exit(f"file {i}: {text!r}\nours   {status} {got!r}\ntheirs {want!r}")
    print(f"1..1\nok 1 - {count} random files read alike")


def split_rows(rest):
    """Takes the line number off each printed row: <line>:[a][b] newline."""
    rows, text = [], rest
    while text:
        number, _, text = text.partition(":")
        end = text.find("]\n")
        while end + 2 < len(text) and not text[end + 2].isdigit():
            end = text.find("]\n", end + 1)
        rows.append(text[:end + 2])
        text = text[end + 2:]
    return rows


main()
