# SPDX-License-Identifier: Apache-2.0
"""Wrong values for every key of a body, made from its JSON Schema in /openapi.json.

For each property, at any depth, there is one body that is right but for this one value, and the path
that the answer must name. What a schema cannot say (a form beyond the length) is given as an example.
"""
import copy

WRONG = {  # JSON type: values of every other type
    "string": [None, True, 7, 1.5, [], {}],
    "integer": [None, True, "7", 1.5, [], {}],
    "number": [None, True, "1.5", [], {}],
    "boolean": [None, 0, 1, "true", [], {}],
    "array": [None, True, 7, 1.5, "x", {}],
    "object": [None, True, 7, 1.5, "x", []],
}
HUGE = 2 ** 62


class Shapes:
    def __init__(self, schemas, examples):
        """examples: right values by property name, where the schema alone does not give one."""
        self.schemas, self.examples = schemas, examples

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    # --- right values ---

    def right(self, schema, name=""):
        if name in self.examples:
            return copy.deepcopy(self.examples[name])
        schema = self.resolve(schema)
        if "oneOf" in schema:
            return self.right(schema["oneOf"][0])
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema["type"]
        if kind == "object":
            if "properties" not in schema:
                return {}
            return {key: self.right(schema["properties"][key], key) for key in schema.get("required", [])}
        if kind == "array":
            return [self.right(schema["items"], name + "[]") for _ in range(max(1, schema.get("minItems", 0)))]
        if kind == "string":
            return "x" * max(1, schema.get("minLength", 0))
        if kind == "boolean":
            return False
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", low + 1)
        return low if "minimum" in schema else (low + high) / 2 if kind == "number" else low + 1

    # --- wrong values ---

    def wrong(self, schema, name=""):
        """(value, path below, what is wrong) for one place."""
        schema = self.resolve(schema)
        if "oneOf" in schema:
            yield from self.wrong_variant(schema, name)
            return
        if "const" in schema:
            for value in WRONG["string"] + ["no-such-" + schema["const"], schema["const"].upper(), ""]:
                yield value, "", "type"
            return
        kind = schema["type"]
        for value in WRONG[kind]:
            yield value, "", "type"
        yield from getattr(self, "wrong_" + kind)(schema, name)

    def wrong_string(self, schema, name):
        if "enum" in schema:
            for value in ("no-such-choice", schema["enum"][0].upper() + " ", ""):
                yield value, "", "choice"
            return
        if "maxLength" in schema:
            yield "x" * (schema["maxLength"] + 1), "", "longer"
        if schema.get("minLength", 0) > 0:
            yield "", "", "empty"

    def wrong_integer(self, schema, name):
        if "maximum" not in schema:
            return
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        for value in (low - 1, -HUGE, schema["maximum"] + 1, HUGE, -2 ** 63, 2 ** 63 - 1, 1e300, low + 0.5):
            yield value, "", "bound"

    def wrong_number(self, schema, name):
        if "maximum" not in schema:
            return
        if "exclusiveMinimum" in schema:
            yield schema["exclusiveMinimum"], "", "bound"
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        for value in (low - 1e-9 * (1 + abs(low)), -1e308, schema["maximum"] * (1 + 1e-9) + 1e-9, 1e308, HUGE, -HUGE):
            yield value, "", "bound"

    def wrong_boolean(self, schema, name):
        return ()

    def wrong_array(self, schema, name):
        if schema.get("minItems", 0) > 0:
            yield [], "", "empty"
        good = self.right(schema["items"], name + "[]")
        if "maxItems" in schema:
            yield [good] * (schema["maxItems"] + 1), "", "longer"
        for value, path, what in self.wrong(schema["items"], name + "[]"):
            yield [value], "[0]" + join(path), what
            if "maxItems" not in schema or schema["maxItems"] > 1:
                yield [good, value], "[1]" + join(path), what

    def wrong_object(self, schema, name):
        if "properties" not in schema:
            yield from self.wrong_map(schema, name)
            return
        good = self.right(schema, name)
        for key, value, path, what in self.wrong_properties(schema):
            yield dict(good, **{key: value}), path, what
        for key in schema.get("required", []):
            yield {k: v for k, v in good.items() if k != key}, key, "missing"

    def wrong_properties(self, schema):
        for key, below in schema["properties"].items():
            for value, path, what in self.wrong(below, key):
                yield key, value, key + join(path), what

    def wrong_map(self, schema, name):
        below = schema["additionalProperties"]
        if "maxProperties" in schema:
            yield {"k%d" % i: self.right(below) for i in range(schema["maxProperties"] + 1)}, "", "longer"
        for value, path, what in self.wrong(below):
            yield {"k": value}, "k" + join(path), what

    def wrong_variant(self, schema, name):
        for value in WRONG["object"]:
            yield value, "", "type"
        yield {}, "type", "missing"
        for option in schema["oneOf"]:
            yield from self.wrong_object(self.resolve(option), "")


def join(path):
    """A path that goes on below a key."""
    return path if not path or path.startswith("[") else "." + path


def properties(shapes, schema, seen=()):
    """Every path of a property that a body may have, [] for items and {} for values of a map."""
    schema = shapes.resolve(schema)
    for option in schema.get("oneOf", []):
        yield from properties(shapes, option, seen)
    for key, below in schema.get("properties", {}).items():
        yield key
        yield from (key + join(path) for path in properties(shapes, below, seen))
    if "items" in schema:
        yield "[0]"
        yield from ("[0]" + join(path) for path in properties(shapes, schema["items"], seen))
    if isinstance(schema.get("additionalProperties"), dict):
        yield "k"
        yield from ("k" + join(path) for path in properties(shapes, schema["additionalProperties"], seen))
