# SPDX-License-Identifier: Apache-2.0
"""Counts sub-tests in meson's testlog.json files: python3 tests/tally.py STAGE LOG...

Prints "# stage: test: what failed" for every failure and at last "PASSED FAILED".
A program that prints TAP counts by its lines. One that ended badly without a
failed line (a crash, a leak found at the end, a timeout, sub-tests that never came)
counts as one failure more; one without TAP lines counts as one test.
"""
import json
import re
import sys

LINE = re.compile(r"^(not ok|ok)\b(.*)$", re.MULTILINE)
PLAN = re.compile(r"^1\.\.(\d+)", re.MULTILINE)


def count(test):
    """(passed, names of the failed) of one entry of the log."""
    passed, failed, seen = 0, [], 0
    text = test.get("stdout") or ""
    for verdict, rest in LINE.findall(text):
        seen += 1
        if re.search(r"#\s*SKIP", rest, re.IGNORECASE):
            continue
        if verdict == "ok":
            passed += 1
        else:
            failed.append(rest.strip())
    plan = PLAN.search(text)
    if plan and int(plan.group(1)) > seen:
        failed.append(f"{int(plan.group(1)) - seen} sub-tests never came")
    result = test.get("result")
    if result in ("SKIP", "IGNORED"):
        return passed, failed
    if result not in ("OK", "EXPECTEDFAIL"):
        if not failed:
            failed.append(f"{result}, exit status {test.get('returncode')}")
    elif seen == 0:
        passed = 1
    return passed, failed


def main(stage, logs):
    passed, failed, tests = 0, 0, 0
    for log in logs:
        with open(log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                test = json.loads(line)
                good, bad = count(test)
                tests += 1
                passed += good
                failed += len(bad)
                for what in bad:
                    print(f"# {stage}: {test['name']}: {what}")
    if tests == 0:
        print(f"# {stage}: no test ran")
        failed += 1
    print(passed, failed)


main(sys.argv[1], sys.argv[2:])
