# SPDX-License-Identifier: Apache-2.0
"""python3 selftest.py CLANG_FORMAT_FILE: every lint accepts a clean tree and refuses each planted fault."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def header(path, body):
    guard = path.upper().replace("/", "_").replace(".", "_")
    return f"{SPDX}#ifndef {guard}\n#define {guard}\n\n{body}\n\n#endif\n"


def source(line):
    return SPDX + '#include "core/base/a.h"\n\n' + line + "\n\nint a_one(void)\n{\n    return 1;\n}\n"


def function(statement):
    return SPDX + '#include "core/base/a.h"\n\nint a_one(void)\n{\n    ' + statement + "\n    return 1;\n}\n"


CLEAN = {
    "core/base/a.h": header("core/base/a.h", "int a_one(void);"),
    "core/base/a.c": SPDX + '#include "core/base/a.h"\n\nint a_one(void)\n{\n    return 1;\n}\n',
    "core/nn/n.h": header("core/nn/n.h", '#include "core/base/a.h"'),
    "core/nn/long.c": function("\n".join(["    a_one();"] * 70).strip()).replace("a_one(void)", "n_one(void)"),
    "core/store/s.h": header("core/store/s.h", '#include <stddef.h>\n\n#include "core/base/a.h"'),
    "api/r.h": header("api/r.h", '#include "core/store/s.h"'),
    "tests/check.h": header("tests/check.h", "#define CHECK 1"),
}


# lint, file that gets it, its text
FAULTS = [
    ("layers", "core/base/a.c", source('#include "core/nn/n.h"')),
    ("layers", "core/nn/n.h", header("core/nn/n.h", '#include "core/store/s.h"')),
    ("layers", "core/store/s.h", header("core/store/s.h", '#include "core/nn/n.h"')),
    ("layers", "core/store/s.h", header("core/store/s.h", '#include "api/r.h"')),
    ("layers", "cli/c.h", header("cli/c.h", '#include "core/store/s.h"')),
    ("layers", "core/nn/n.h", header("core/nn/n.h", '#include "a.h"')),
    ("layers", "core/new/n.h", header("core/new/n.h", '#include "core/base/a.h"')),
    ("layers", "core/base/a.c", source("#include <jansson.h>")),
    ("layers", "api/r.h", header("api/r.h", "#  include <microhttpd.h>")),
    ("layers", "core/base/a.c", source("#include <zstd.h>")),
    ("layers", "tests/t.c", source("#include <cmocka.h>")),
    ("layers", "core/base/a.c", function("free (0);")),
    ("layers", "core/nn/n.c", function('char *p = strdup("x");')),
    ("names", "core/base/a.c", source("").replace(SPDX, "\n")),
    ("names", "core/base/a.h", header("core/base/b.h", "int a_one(void);")),
    ("names", "core/base/a.c", function("int x = 0; // why")),
    ("names", "core/base/a.c", function("/* TO" + "DO */")),
    ("names", "core/base/a.c", function("return " + "1 + " * 40 + "1;")),
    ("names", "core/base/a.c", function("int x = 0; ")),
    ("names", "core/base/a.c", function("\tint x = 0;")),
    ("names", "core/base/a.c", source("int x;").rstrip("\n")),
    ("names", "tests/t.py", "print(1)\n"),
    ("functions", "core/base/a.c", function("\n".join(["a_one();"] * 60))),
    ("functions", "core/nn/n.c", function("\n".join(["a_one();"] * 80))),
    ("format", "core/base/a.c", function("int x=0;")),
    ("headers", "core/base/a.h", header("core/base/a.h", "size_t a_one(void);")),
    ("headers", "core/base/a.h", SPDX + "enum a { A };\n"),
    ("symbols", "core/base/a.c", SPDX + "int json_object(void);\n\nint json_object(void)\n{\n    return 1;\n}\n"),
    ("symbols", "core/nn/n.c", SPDX + "int a_one(void)\n{\n    return 1;\n}\n"),
]


def plant(root, files, style):
    shutil.copyfile(style, os.path.join(root, ".clang-format"))
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def compile_tree(root, files, archives):
    """What headers.py and symbols.py want: compile_commands.json, and one archive for each folder."""
    build = os.path.join(root, "build")
    os.makedirs(build)
    with open(os.path.join(build, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump([{"command": "gcc -Wall -Werror -o x.o -c ../core/base/a.c"}], file)
    for path in (p for p in files if archives and p.endswith(".c")):
        name = os.path.join(build, "liblicit-" + path.split("/")[1])
        subprocess.run(["gcc", "-w", "-I", root, "-c", os.path.join(root, path), "-o", name + ".o"], check=True)
        subprocess.run(["ar", "rcs", name + ".a", name + ".o"], check=True)


def verdict(lint, files, style):
    """(accepted, what it printed)"""
    with tempfile.TemporaryDirectory() as root:
        plant(root, files, style)
        arguments = [root]
        if lint in ("headers", "symbols"):
            compile_tree(root, files, lint == "symbols")
            arguments.append(os.path.join(root, "build"))
        done = subprocess.run([sys.executable, os.path.join(HERE, lint + ".py"), *arguments], capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout + done.stderr


def main(style):
    results = []
    for lint in ("layers", "names", "functions", "format", "headers", "symbols"):
        accepted, said = verdict(lint, CLEAN, style)
        results.append((accepted, f"{lint} accepts a clean tree", said))
    for number, (lint, path, text) in enumerate(FAULTS):
        accepted, said = verdict(lint, {**CLEAN, path: text}, style)
        refused = not accepted and "\nnot ok" in "\n" + said and "Traceback" not in said
        skipped = " # SKIP" if "# SKIP" in said else ""
        results.append((refused or skipped, f"{lint} refuses fault {number} in {path}{skipped}", said))
    print(f"1..{len(results)}")
    for number, (good, name, said) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            print("# " + said.strip().replace("\n", "\n# "))
    sys.exit(0 if all(good for good, _, _ in results) else 1)


main(sys.argv[1])
