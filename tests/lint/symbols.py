# SPDX-License-Identifier: Apache-2.0
"""python3 symbols.py ROOT BUILD: no name of ours is defined twice, or by a library that we link.

libopenblas calls a program's blas_memory_alloc() if there is one: a clash is no error of the linker.
"""
import os
import subprocess
import sys

from common import finish

LIBRARIES = ("libc.so.6", "libm.so.6", "libcmocka.so", "libcrypto.so", "libcsv.so", "libcurl.so", "libgnutls.so.30", "libinih.so",
             "libjansson.so", "libmicrohttpd.so", "libopenblas.so", "libsqlite3.so", "libz.so.1")


def nm(arguments):
    done = subprocess.run(["nm", *arguments], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {row[-1].split("@")[0] for row in rows if len(row) >= 3 and row[-2] in "TDBRVWi"}


def archives(build):
    found = []
    for where, names, files in os.walk(build):
        names[:] = [n for n in names if n not in ("meson-private", "meson-logs")]
        found += [os.path.join(where, f) for f in files if f.startswith("liblicit-") and f.endswith(".a")]
    return sorted(found)


def main(build):
    ours, complaints = {}, []
    for archive in archives(build):
        for name in sorted(nm(["--extern-only", "--defined-only", archive])):
            if name in ours:
                complaints.append(f"{name} is in {ours[name]} and in {os.path.basename(archive)}")
            ours[name] = os.path.basename(archive)
    for library in LIBRARIES:
        path = subprocess.run(["gcc", f"-print-file-name={library}"], capture_output=True, text=True, check=True).stdout.strip()
        if not os.path.isabs(path):
            complaints.append(f"{library} is not found")
            continue
        theirs = nm(["--dynamic", "--defined-only", path])
        complaints += [f"{name} ({ours[name]}) is a name of {library}" for name in sorted(theirs & ours.keys())]
    finish({"no name of ours clashes": complaints if ours else ["no library of ours in " + build]})


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[2]))
