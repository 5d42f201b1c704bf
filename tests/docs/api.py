# SPDX-License-Identifier: Apache-2.0
"""docs/api.md from the OpenAPI document, which comes from the route table and the field tables.

    python3 tests/docs/api.py OPENAPI_PROGRAM > docs/api.md     writes it
    python3 tests/docs/api.py OPENAPI_PROGRAM docs/api.md       a test: is it what the code says? (TAP)
"""
import difflib
import json
import pathlib
import subprocess
import sys

HEAD = """# The API, operation by operation

Made from the server's own tables (`tests/docs/api.py`); the same in machine-readable form is `GET /openapi.json`.
Requests carry `Authorization: Bearer <token>`, but for those marked *open*. Every reply carries `X-Request-Id`.
Errors are `application/problem+json` (RFC 9457), see [errors.md](errors.md); `:predict` answers errors as TensorFlow
Serving does, `{"error": "..."}`. Lists take `?limit=` (1 to 1000, 20) and `?after=<id>`, newest first. Times are Unix
seconds. An unknown key in a request is an error that names it.
"""


def name_of(schema):
    return schema["$ref"].rsplit("/", 1)[1]


def link(name):
    return f"[{name}](#{name.lower()})"


def kind(schema):
    if "$ref" in schema:
        return link(name_of(schema))
    if "oneOf" in schema:
        return " or ".join(link(name_of(s)) for s in schema["oneOf"])
    if "enum" in schema:
        return ", ".join(f"`{v}`" for v in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return "list of " + kind(schema["items"])
    if "data" in schema.get("properties", {}):
        return "list of " + kind(schema["properties"]["data"]["items"])
    if "metadata" in schema.get("properties", {}):
        return "parts `metadata`: " + kind(schema["properties"]["metadata"]) + ", and `file`"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return "object of " + kind(schema["additionalProperties"])
    return schema.get("type", "any")


def number(n):
    return f"{n:g}" if isinstance(n, float) else str(n)


def bounds(schema):
    words = []
    for low, high, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " bytes"), ("minItems", "maxItems", " items")):
        if high in schema and "exclusiveMinimum" not in schema and (unit != " bytes" or schema.get(low, 0) > 0 or schema[high] != 1024):
            words.append(f"{number(schema.get(low, 0))} to {number(schema[high])}{unit}")
    if "exclusiveMinimum" in schema:
        words.append(f"above {number(schema['exclusiveMinimum'])}, at most {number(schema['maximum'])}")
    return "; ".join(words)


def operation(method, path, op):
    out = [f"### {method.upper()} {path}\n"]
    out.append(op["description"] + "\n")
    rows = ["*open*"]
    for need in op["security"]:
        rows = ["scope `" + ", ".join(next(iter(need.values()))) + "`"]
    body = op.get("requestBody", {}).get("content", {})
    for media, content in body.items():
        rows.append(f"takes `{media}`: {kind(content['schema'])}" if "schema" in content else f"takes `{media}`")
    for status, reply in sorted(op["responses"].items()):
        if status[0] == "2":
            shown = [f"`{media}`" + (f": {kind(c['schema'])}" if c.get("schema") else "")
                     for media, c in reply.get("content", {}).items()]
            rows.append(f"gives {status}" + (" " + ", ".join(shown) if shown else ""))
    refusals = sorted(s for s in op["responses"] if s[0] in "45")
    if refusals:
        rows.append("refuses with " + ", ".join(refusals))
    return "\n".join(out) + "\n" + "\n".join(f"- {row}" for row in rows) + "\n"


def schema_section(name, schema):
    lines = [f"### {name}\n", schema.get("description", "") + "\n", "| key | value | |", "| --- | --- | --- |"]
    required = schema.get("required", [])
    for key, value in schema.get("properties", {}).items():
        notes = []
        if key in required:
            notes.append("required")
        if "default" in value:
            notes.append(f"default `{json.dumps(value['default'])}`")
        if bounds(value):
            notes.append(bounds(value))
        text = value.get("description", "")
        note = "; ".join(notes)
        lines.append(f"| `{key}` | {kind(value)} | {text}{' ' if text and note else ''}{'(' + note + ')' if note else ''} |")
    return "\n".join(lines) + "\n"


def page(document):
    parts = [HEAD, "## Operations\n"]
    for path, item in document["paths"].items():
        for method, op in item.items():
            if method in ("get", "post", "put", "delete"):
                parts.append(operation(method, path, op))
    parts.append("## Bodies\n")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(schema_section(name, schema))
    return "\n".join(parts)


def main():
    text = page(json.loads(subprocess.run([sys.argv[1]], capture_output=True, check=True, text=True).stdout))
    if len(sys.argv) == 2:
        sys.stdout.write(text)
        return
    there = pathlib.Path(sys.argv[2]).read_text()
    print("1..1")
    if there == text:
        print("ok 1 - docs/api.md says what the tables say")
        return
    print("not ok 1 - docs/api.md differs: python3 tests/docs/api.py BUILD/tests/docs/print_openapi > docs/api.md")
    for line in list(difflib.unified_diff(there.splitlines(), text.splitlines(), "docs/api.md", "made", lineterm=""))[:40]:
        print("# " + line)
    sys.exit(1)


main()
