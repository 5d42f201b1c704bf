/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/field.h"

#include <stdio.h>
#include <string.h>

/*
 * DESIGN. The second half of field.h: tables as JSON Schema. It stands apart from
 * field.c because reading and writing values know nothing of it. A schema is put
 * into `schemas` before its fields are described, so that recursion ends.
 */

static enum rc refer(const struct schema *schema, struct doc *out)
{
    char text[160];
    (void)snprintf(text, sizeof(text), "#/components/schemas/%s", schema->name); /* names are short */
    return doc_put_string(out, "$ref", text);
}

struct doc *schema_reference(const struct schema *schema)
{
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    return refer(schema, out) == RC_OK ? TAKE(out) : NULL;
}

static struct doc *describe_value(const struct field *field, struct doc *schemas);

static bool is_nullable(const struct field *field)
{
    return (field->flags & FIELD_NULLABLE) != 0;
}

static enum rc describe_choices(const struct field *field, struct doc *out)
{
    AUTO_PTR(doc) struct doc *list = doc_new_list();
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && field->choices[i] != NULL; i++) {
        rc = doc_add(list, doc_new_string(field->choices[i]));
    }
    if (rc == RC_OK && is_nullable(field)) {
        rc = doc_add(list, doc_new_null());
    }
    return rc != RC_OK ? rc : doc_put(out, "enum", TAKE(list));
}

/* {"type":"null"}, the last of several schemas of which one must hold. */
static enum rc add_null(struct doc *list)
{
    AUTO_PTR(doc) struct doc *null = doc_new_object();
    const enum rc rc = doc_put_string(null, "type", "null");
    return rc != RC_OK ? rc : doc_add(list, TAKE(null));
}

/* "type":"string", or "type":["string","null"]. */
static enum rc describe_type(const char *type, bool nullable, struct doc *out)
{
    if (!nullable) {
        return doc_put_string(out, "type", type);
    }
    AUTO_PTR(doc) struct doc *types = doc_new_list();
    enum rc rc = doc_add(types, doc_new_string(type));
    rc = rc != RC_OK ? rc : doc_add(types, doc_new_string("null"));
    return rc != RC_OK ? rc : doc_put(out, "type", TAKE(types));
}

static enum rc describe_object(const struct field *field, struct doc *schemas, struct doc *out)
{
    const enum rc rc = schema_describe(field->schema, schemas);
    if (rc != RC_OK || !is_nullable(field)) {
        return rc != RC_OK ? rc : refer(field->schema, out);
    }
    AUTO_PTR(doc) struct doc *either = doc_new_list();
    if (doc_add(either, schema_reference(field->schema)) != RC_OK || add_null(either) != RC_OK) {
        return RC_NO_MEMORY;
    }
    return doc_put(out, "anyOf", TAKE(either));
}

/* A bound of a row as a number of the document; whole ones are written without a fraction. */
static struct doc *bound(const struct field *field, double x)
{
    const bool whole = field->kind != FIELD_NUMBER && fabs(x) <= 0x1p53;
    return whole ? doc_new_integer((int64_t)x) : doc_new_number(x);
}

static enum rc describe_bounds(const struct field *field, const char *low, const char *high, double ceiling, struct doc *out)
{
    const double max = field->max > 0 || ceiling == 0 ? field->max : ceiling;
    enum rc rc = RC_OK;
    if (field_is_bounded(field) || ceiling > 0) {
        rc = doc_put(out, low, bound(field, field->min));
        rc = rc != RC_OK ? rc : doc_put(out, high, bound(field, max));
    }
    return rc;
}

/* The schema of one option: its fields and the constant "type". */
static enum rc describe_option(const struct field_option *option, struct doc *schemas)
{
    enum rc rc = schema_describe(option->schema, schemas);
    struct doc *object = (struct doc *)doc_get(schemas, option->schema->name); /* ours: made just above */
    struct doc *properties = (struct doc *)doc_get(object, "properties");
    if (rc == RC_OK) { /* two options cannot share a schema: its constant can be one of them only */
        MUST(strcmp(doc_get_string(doc_get(properties, "type"), "const", option->type), option->type) == 0);
    }
    if (rc != RC_OK || doc_get(properties, "type") != NULL) {
        return rc;
    }
    AUTO_PTR(doc) struct doc *type = doc_new_object();
    rc = doc_put_string(type, "const", option->type);
    if (rc == RC_OK) {
        rc = doc_put(properties, "type", TAKE(type));
    }
    struct doc *required = (struct doc *)doc_get(object, "required");
    if (rc == RC_OK && required == NULL) {
        rc = doc_put(object, "required", doc_new_list());
        required = (struct doc *)doc_get(object, "required");
    }
    return rc != RC_OK ? rc : doc_add(required, doc_new_string("type"));
}

static enum rc describe_variant(const struct field *field, struct doc *schemas, struct doc *out)
{
    AUTO_PTR(doc) struct doc *options = doc_new_list();
    for (const struct field_option *option = field->options; option->type != NULL; option++) {
        if (describe_option(option, schemas) != RC_OK ||
            doc_add(options, schema_reference(option->schema)) != RC_OK) {
            return RC_NO_MEMORY;
        }
    }
    if (is_nullable(field) && add_null(options) != RC_OK) {
        return RC_NO_MEMORY;
    }
    return doc_put(out, "oneOf", TAKE(options));
}

static enum rc describe_kind(const struct field *field, struct doc *schemas, struct doc *out)
{
    static const char *const types[] = {
        [FIELD_STRING] = "string",
        [FIELD_INTEGER] = "integer",
        [FIELD_NUMBER] = "number",
        [FIELD_BOOLEAN] = "boolean",
        [FIELD_CHOICE] = "string",
        [FIELD_LIST] = "array",
        [FIELD_MAP] = "object",
        [FIELD_OBJECT] = NULL,
        [FIELD_VARIANT] = NULL,
        [FIELD_ANY] = NULL,
    };
    enum rc rc = RC_OK;
    if (types[field->kind] != NULL) {
        rc = describe_type(types[field->kind], is_nullable(field), out);
    }
    if (rc != RC_OK) {
        return rc;
    }
    switch (field->kind) {
    case FIELD_STRING: return describe_bounds(field, "minLength", "maxLength", FIELD_STRING_MAX, out);
    case FIELD_INTEGER:
    case FIELD_NUMBER:
        return describe_bounds(field, (field->flags & FIELD_ABOVE_MIN) != 0 ? "exclusiveMinimum" : "minimum", "maximum", 0, out);
    case FIELD_CHOICE: return describe_choices(field, out);
    case FIELD_LIST:
        rc = describe_bounds(field, "minItems", "maxItems", FIELD_LIST_MAX, out);
        return rc != RC_OK ? rc : doc_put(out, "items", describe_value(field->item, schemas));
    case FIELD_MAP:
        rc = describe_bounds(field, "minProperties", "maxProperties", FIELD_LIST_MAX, out);
        return rc != RC_OK ? rc : doc_put(out, "additionalProperties", describe_value(field->item, schemas));
    case FIELD_VARIANT: return describe_variant(field, schemas, out);
    case FIELD_OBJECT: return describe_object(field, schemas, out);
    case FIELD_BOOLEAN:
    case FIELD_ANY: break;
    }
    return rc;
}

static struct doc *describe_value(const struct field *field, struct doc *schemas)
{
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    enum rc rc = out == NULL ? RC_NO_MEMORY : describe_kind(field, schemas, out);
    if (rc == RC_OK && field->about != NULL) {
        rc = doc_put_string(out, "description", field->about);
    }
    if (rc == RC_OK && field->fallback != NULL) {
        struct doc *value = NULL;
        rc = doc_parse(field->fallback, strlen(field->fallback), &value, NULL);
        rc = rc != RC_OK ? rc : doc_put(out, "default", value);
    }
    return rc == RC_OK ? TAKE(out) : NULL;
}

enum rc schema_describe(const struct schema *schema, struct doc *schemas)
{
    if (doc_get(schemas, schema->name) != NULL) {
        return RC_OK;
    }
    AUTO_PTR(doc) struct doc *properties = doc_new_object();
    AUTO_PTR(doc) struct doc *required = doc_new_list();
    enum rc rc = doc_put(schemas, schema->name, doc_new_object()); /* first, so that recursion ends */
    for (const struct field *field = schema->fields; rc == RC_OK && field->name != NULL; field++) {
        rc = doc_put(properties, field->name, describe_value(field, schemas));
        if (rc == RC_OK && (field->flags & FIELD_REQUIRED) != 0) {
            rc = doc_add(required, doc_new_string(field->name));
        }
    }
    struct doc *out = (struct doc *)doc_get(schemas, schema->name); /* ours: made above */
    rc = rc != RC_OK ? rc : doc_put_string(out, "type", "object");
    rc = rc != RC_OK ? rc : doc_put_string(out, "description", schema->about);
    rc = rc != RC_OK ? rc : doc_put(out, "properties", TAKE(properties));
    if (rc == RC_OK && doc_count(required) > 0) {
        rc = doc_put(out, "required", TAKE(required));
    }
    return rc != RC_OK || schema->open ? rc : doc_put_boolean(out, "additionalProperties", false);
}
