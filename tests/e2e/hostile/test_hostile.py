# SPDX-License-Identifier: Apache-2.0
"""Bad inputs against a real licitd: a table of (input, status, code, path), one line of TAP a row.

No row ends the process, leaks what is inside, or touches what is stored. usage: test_hostile.py LICITD [SANITIZER] [GROUP...]
"""
import re
import sys
import tempfile
import time

import accepted
import behind
import crowd
import drip
import leaving
import raw
import table_csv
import table_flood
import table_head
import table_http
import table_json
import table_predict
import table_raw
import tls
from house import House
from wire import Closed, wait_until

LICITD, SANITIZER, ONLY = sys.argv[1], (sys.argv[2:3] or ["none"])[0], set(sys.argv[3:])
GROWTH_MAX = 1  # MiB that a whole pass of the table may add once it has been run twice
PEAK_MAX = 100  # MiB
TABLES = (table_json, table_csv, table_http, table_predict, table_raw, table_head, table_flood)


class Tap:
    def __init__(self):
        self.count, self.failed, self.begin = 0, 0, time.monotonic()

    def row(self, name, function, *words):
        self.count += 1
        name = re.sub(r"[^ -~]|#", "?", name)  # one printable line, whatever the input holds
        try:
            function(*words)
            print("ok %d - %s" % (self.count, name))
        except Exception as error:  # a row that breaks is a row that fails
            self.failed += 1
            print("not ok %d - %s" % (self.count, name))
            print("# " + ("%s: %s" % (type(error).__name__, error))[:1500].encode("ascii", "backslashreplace").decode().replace("\n", "\n# "))
        sys.stdout.flush()

    def note(self, text):
        print("# %.1f s: %s" % (time.monotonic() - self.begin, text))


def check(condition, about):
    if not condition:
        raise AssertionError(about)


def same(before, after):
    """What the lists show, thing by thing."""
    for kind in before:
        check(list(before[kind]) == list(after[kind]), "%s: gone %s, new %s" % (kind, set(before[kind]) - set(after[kind]), set(after[kind]) - set(before[kind])))
        for name in before[kind]:
            check(before[kind][name] == after[kind][name], "%s changed:\n%s\n%s" % (name, before[kind][name], after[kind][name]))


def run_tables(tap, house):
    for module in TABLES:
        if module is table_raw:
            house.watch = raw.Watch(house)
        for row in module.rows(house):
            if not ONLY or row.group in ONLY:
                tap.row(str(row), row.run, house)
            if not house.is_alive():
                raise SystemExit("Bail out! licitd ended with %s" % house.process.returncode)


def behind_nginx(tap, folder):
    """The rows of raw bytes through nginx, to a daemon of its own. One that waits for the rest of a request shows nothing there."""
    program = behind.find()
    if program is None:
        tap.note("nginx is not installed (tests/packages names it): the rows were not sent through it")
        return
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        house = House(LICITD, inner, "--plain").start()
        nginx = behind.Nginx(program, house.port, inner)
        try:
            house.furnish()
            house.watch = raw.Watch(house)
            nginx.seen()
            for row in (row for module in (table_raw, table_head, table_flood) for row in module.raw_rows(house)):
                if not row.waits and not row.parts:
                    tap.row("behind nginx: " + row.name[:90], behind.run, row, house, nginx)
            nginx.stop()
            tap.row("behind nginx: SIGTERM ends it with 0", lambda: check(house.stop() == 0, house.process.returncode))
            tap.row("behind nginx: the log tells of no fault", errors_in, house.log)
        finally:
            if house.is_alive():
                house.process.kill()
            nginx.stop()


def repeat_tables(house):
    """Once more in silence, for what grows with every request."""
    for module in TABLES:
        for row in module.rows(house):
            try:
                row.send(house)
            except (OSError, Closed, AssertionError):
                pass  # it has been judged in the first pass


def run_functions(tap, house, group, functions):
    for function in functions:
        if not ONLY or group in ONLY:
            failed = tap.failed
            tap.row("%s: %s" % (group, function.__name__.replace("_", " ")), function, house)
            if tap.failed > failed and house.is_alive() and group != "tls":
                house.quiet()  # what one leaves behind is not the next one's fault


def nothing_half_done(house):
    """Every job has ended, every dataset is ready or erased."""
    now = house.snapshot()
    check({job["status"] for job in now["jobs"].values()} <= {"succeeded", "failed", "cancelled"}, "a job has not ended")
    check({dataset["status"] for dataset in now["datasets"].values()} <= {"ready", "erased"}, "a dataset is neither ready nor erased")


def no_more_files(house, before):
    files = wait_until(lambda: house.files() if house.files() <= before else None, 10, "extra files to go: %s" % (house.files() - before))
    check(files == before, "files are gone: %s" % (before - files))


def no_file_without_a_row(house, files):
    """After another start nothing was swept away or found lost."""
    check(house.files() == files, "swept: %s, new: %s" % (files - house.files(), house.files() - files))
    check(not any(name.startswith("lost/") for name in house.files()), "lost files")


def growth(house, tap):
    repeat_tables(house)
    before = house.resident()
    repeat_tables(house)
    now = house.resident()
    tap.note("resident %.1f MiB after the second pass, %.1f after the third" % (before, now))
    check(now - before < GROWTH_MAX, "resident memory grew from %.1f to %.1f MiB" % (before, now))


def peak(house, tap):
    """Nothing was allocated for a network of 16 GiB, nor kept of a field of 1 GB."""
    most = house.resident("VmHWM")
    tap.note("resident at most %.1f MiB" % most)
    check(most < PEAK_MAX, "%.1f MiB were resident at a time" % most)


def errors_in(log):
    """Lines that only a fault of ours writes."""
    bad = [line for line in log if re.search(r"level=error|runtime error|Sanitizer|must_failed|\"status\":5(?!01)\d\d", line)]
    check(not bad, "".join(bad[:10]))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="licit-hostile-") as folder:
        house = House(LICITD, folder, "--plain").start()
        try:
            house.furnish()
            house.openapi = house.must("GET", "/openapi.json")
            time.sleep(max(0, house.tokens["expired"]["expires_at"] - time.time() + 0.1))
            story(tap, house, folder)
            if not ONLY or "tls" in ONLY:
                over_tls(tap, folder)
            if SANITIZER == "none" and (not ONLY or "nginx" in ONLY):  # the same bytes reach licitd a second time
                behind_nginx(tap, folder)
        finally:
            if house.is_alive():
                house.process.kill()
            if tap.failed:
                print("# log:\n# " + "".join(house.log[-30:]).replace("\n", "\n# "))
    tap.note("%d rows, %d failed" % (tap.count, tap.failed))
    print("1..%d" % tap.count)
    return tap.failed > 0


def over_tls(tap, folder):
    """The same daemon as people run it: what is hostile below HTTP, and a refusal in the middle of a body."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        house = House(LICITD, inner).start()
        try:
            run_functions(tap, house, "tls", tls.TLS)
            tap.row("tls: SIGTERM ends it with 0", lambda: check(house.stop() == 0, house.process.returncode))
            tap.row("tls: the log tells of no fault", errors_in, house.log)
        finally:
            if house.is_alive():
                house.process.kill()


def story(tap, house, folder):
    process, before, files = house.process.pid, house.snapshot(), house.files()
    silent, drips = leaving.Silent(house), drip.Drips(house)
    run_tables(tap, house)
    tap.note("the table is done")
    run_functions(tap, house, "leaving", leaving.LEAVING)
    for i, kind in enumerate(silent.KINDS):
        tap.row("silent: " + kind, silent.check, i)
    for i, kind in enumerate(drip.KINDS):
        tap.row("too slow: " + kind, drips.check, i)
    drips.close()
    run_functions(tap, house, "crowd", crowd.CROWD)
    tap.row("after: the lists show the same", lambda: same(before, house.snapshot()))
    tap.row("after: no file more, no file less", no_more_files, house, files)
    if SANITIZER == "none" and not ONLY:  # a sanitizer keeps what was freed
        tap.row("after: memory never went beyond what was needed", peak, house, tap)
        tap.row("after: memory does not grow", growth, house, tap)
    tap.note("what is taken, and two at once")
    run_functions(tap, house, "accepted", accepted.ACCEPTED)
    run_functions(tap, house, "at once", leaving.RACES)
    tap.row("after: nothing is half done", nothing_half_done, house)
    tap.row("after: the same answer", lambda: check(house.predict() == house.answer, (house.predict(), house.answer)))
    tap.row("after: the same process", lambda: check(house.is_alive() and house.process.pid == process, "it ended"))
    end(tap, house)


def end(tap, house):
    """Stop, look at what is left, start again."""
    state, files = house.snapshot(), house.files()
    tap.row("after: SIGTERM ends it with 0", lambda: check(house.stop() == 0, house.process.returncode))
    tap.row("after: the log tells of no fault", errors_in, house.log)
    house.start()
    tap.row("after: another start shows the same", lambda: same(state, house.snapshot()))
    tap.row("after: no file without a row", no_file_without_a_row, house, files)
    tap.row("after: another start, the same answer", lambda: check(house.predict() == house.answer, house.answer))
    tap.row("after: SIGTERM ends it again with 0", lambda: check(house.stop() == 0, house.process.returncode))


sys.exit(main())
