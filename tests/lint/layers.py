# SPDX-License-Identifier: Apache-2.0
"""python3 layers.py ROOT: includes point down only, every library has one door, memory has one source."""
import os
import re
import sys

from common import bare, finish, read, sources

# What a folder may include beside itself; what these may include follows.
DOWN = {
    "core/base": [],
    "core/math": ["core/base"],
    "core/nn": ["core/math"],
    "core/privacy": ["core/nn"],
    "core/data": ["core/base"],
    "core/vault": ["core/base"],
    "core/store": ["core/vault"],
    "core/auth": ["core/store"],
    "core/audit": ["core/vault"],
    "core/ip": ["core/nn", "core/vault"],
    "core/work": ["core/base"],
    "core/service": ["core/privacy", "core/data", "core/auth", "core/audit", "core/ip", "core/work"],
    "api": ["core/service"],
    "server": ["api"],
    "cli": ["core/audit"],
}

# Third-party header -> where it may be included: a folder, or one file.
DOORS = [
    (r"(f77blas|cblas|lapacke|openblas\w*)\.h", "core/math"),
    (r"openssl/.*", "core/vault"),
    (r"sqlite3\.h", "core/store"),
    (r"jansson\.h", "core/base/doc.c"),
    (r"(csv|zlib)\.h", "core/data"),
    (r"ini\.h", "server/config.c"),
    (r"(microhttpd\.h|gnutls/.*)", "server"),
    (r"curl/.*", "cli"),
    (r"cmocka\.h", "tests/check.h"),
]
SYSTEM = re.compile(
    r"(arpa|linux|net|netinet|sys)/\w+\.h|(assert|complex|ctype|dirent|dlfcn|errno|fcntl|fenv|float|fnmatch|ftw|getopt|glob|grp"
    r"|inttypes|limits|locale|malloc|math|netdb|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic"
    r"|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|termios|threads|time|unistd|wchar|cpuid|immintrin|link)\.h")
ALLOCATION = re.compile(
    r"\b(malloc|calloc|realloc|reallocarray|free|strdup|strndup|aligned_alloc|posix_memalign|memalign|v?asprintf)\s*\(")
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.MULTILINE)


def below(layer):
    """The layer and everything under it."""
    found, waiting = set(), [layer]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += DOWN[one]
    return found


def layer_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "core" else parts[0]


def ours(root, path, name):
    """A complaint about #include "name", or None."""
    if not os.path.isfile(os.path.join(root, name)):
        return f'"{name}" is not a path from the root'
    mine, theirs = layer_of(path), layer_of(name)
    if mine == "tests":
        return None
    if mine not in DOWN:
        return f"{mine} is not in the table of layers"
    if theirs not in below(mine):
        return f'{mine} must not include "{name}"'
    return None


def foreign(path, name):
    """A complaint about #include <name>, or None. Tests may use any library, but cmocka."""
    for pattern, door in DOORS:
        if re.fullmatch(pattern, name):
            inside = path == door or path.startswith(door + "/")
            free = path.startswith("tests/") and name != "cmocka.h"
            return None if inside or free else f"<{name}> may be included by {door} only"
    return None if SYSTEM.fullmatch(name) else f"<{name}> is of no library that has a door"


def main(root):
    rules = {"includes point down": [], "every library has one door": [], "memory comes from core/base/mem.c": []}
    for path in sources(root):
        text = read(root, path)
        for match in INCLUDE.finditer(bare(text, keep_strings=True)):
            at = f"{path}:{text.count(chr(10), 0, match.start(2)) + 1}"
            if match.group(1) == '"':
                complaint, rule = ours(root, path, match.group(2)), "includes point down"
            else:
                complaint, rule = foreign(path, match.group(2)), "every library has one door"
            if complaint:
                rules[rule].append(f"{at}: {complaint}")
        if path != "core/base/mem.c" and not path.startswith("tests/"):
            for match in ALLOCATION.finditer(bare(text)):
                at = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
                rules["memory comes from core/base/mem.c"].append(f"{at}: {match.group(1)}()")
    finish(rules)


main(sys.argv[1])
