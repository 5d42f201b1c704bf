# SPDX-License-Identifier: Apache-2.0
"""python3 headers.py ROOT BUILD: each header compiles alone, and twice, with the flags of the build."""
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from common import finish, sources


def flags_of(build):
    """The compiler and flags of the first source of ours, with the include folders of all."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = [shlex.split(entry["command"]) for entry in json.load(file)]
    kept, skip_next = [], False
    for word in commands[0]:
        if skip_next or word in ("-c", "-MD") or word.endswith(".c"):
            skip_next = False
        elif word in ("-o", "-MQ", "-MF"):
            skip_next = True
        else:
            kept.append(word)
    folders = sorted({w for c in commands for w in c if w.startswith(("-I/", "-isystem/"))})
    return kept + folders


def main(root, build):
    flags = flags_of(build)

    def alone(header):
        text = f'#include "{header}"\n#include "{header}"\n'
        done = subprocess.run([*flags, "-I", root, "-fsyntax-only", "-fmax-errors=3", "-fdiagnostics-color=never", "-x", "c", "-"], input=text, cwd=build, capture_output=True, text=True, check=False)
        return f"{header}: {done.stderr.strip()}" if done.returncode != 0 else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [c for c in pool.map(alone, sources(root, (".h",))) if c]
    finish({"each header compiles alone": complaints})


main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
