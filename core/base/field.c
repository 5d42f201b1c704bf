/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/field.h"

#include <string.h>

#include "core/base/str.h"

static const size_t kind_size[] = {
    [FIELD_STRING] = sizeof(const char *),
    [FIELD_INTEGER] = sizeof(int64_t),
    [FIELD_NUMBER] = sizeof(double),
    [FIELD_BOOLEAN] = sizeof(bool),
    [FIELD_CHOICE] = sizeof(int),
    [FIELD_OBJECT] = sizeof(void *),
    [FIELD_VARIANT] = sizeof(struct field_variant),
    [FIELD_LIST] = sizeof(struct field_list),
    [FIELD_MAP] = sizeof(struct field_map),
    [FIELD_ANY] = sizeof(const struct doc *),
};

static void set_absent(const struct field *field, void *out)
{
    memset(out, 0, kind_size[field->kind]);
    switch (field->kind) {
    case FIELD_INTEGER: *(int64_t *)out = FIELD_ABSENT; break;
    case FIELD_NUMBER: *(double *)out = (double)NAN; break;
    case FIELD_CHOICE: *(int *)out = -1; break;
    case FIELD_VARIANT: ((struct field_variant *)out)->index = -1; break;
    case FIELD_STRING:
    case FIELD_BOOLEAN:
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_MAP:
    case FIELD_ANY: break;
    }
}

static bool is_absent(const struct field *field, const void *in)
{
    switch (field->kind) {
    case FIELD_STRING:
    case FIELD_OBJECT:
    case FIELD_ANY: return *(void *const *)in == NULL;
    case FIELD_INTEGER: return *(const int64_t *)in == FIELD_ABSENT;
    case FIELD_NUMBER: return isnan(*(const double *)in);
    case FIELD_BOOLEAN: return false;
    case FIELD_CHOICE: return *(const int *)in < 0;
    case FIELD_VARIANT: return ((const struct field_variant *)in)->index < 0;
    case FIELD_LIST: return ((const struct field_list *)in)->items == NULL;
    case FIELD_MAP: return ((const struct field_map *)in)->keys == NULL;
    }
    return true;
}

static enum rc wrong_kind(const struct doc *value, const char *wanted, struct why *why)
{
    return why_fail(why, RC_INVALID, "", "must be %s, got %s", wanted, doc_kind_name(doc_kind(value)));
}

/* The region did not give what was asked. */
static enum rc no_room(const struct region *region, struct why *why)
{
    const bool full = region->failed == RC_TOO_LARGE;
    return why_fail(why, region->failed, "", full ? "needs more memory than a request may have" : "out of memory");
}

static enum rc check_bounds(const struct field *field, double x, const char *what, struct why *why)
{
    const bool above = (field->flags & FIELD_ABOVE_MIN) != 0;
    if (!field_is_bounded(field) || (x <= field->max && (above ? x > field->min : x >= field->min))) {
        return RC_OK;
    }
    if (above) {
        return why_fail(why, RC_INVALID, "", "%smust be above %.15g and at most %.15g, got %.15g", what, field->min, field->max, x);
    }
    return why_fail(why, RC_INVALID, "", "%smust be %.15g to %.15g, got %.15g", what, field->min, field->max, x);
}

static enum rc read_string(const struct field *field, const struct doc *value, struct region *region, void *out, struct why *why)
{
    const char *text = doc_string(value);
    if (text == NULL) {
        return wrong_kind(value, "a string", why);
    }
    const double n = (double)strlen(text);
    const struct field bounds = { .min = field->min, .max = field->max > 0 ? field->max : FIELD_STRING_MAX };
    const enum rc rc = check_bounds(&bounds, n, "its length ", why);
    if (rc != RC_OK) {
        return rc;
    }
    if (field->check != NULL && !field->check(text)) {
        return why_fail(why, RC_INVALID, "", "must be %s, got \"%.80s\"", field->form, text);
    }
    char *copy = region_strdup(region, text);
    *(const char **)out = copy;
    return copy == NULL ? no_room(region, why) : RC_OK;
}

static enum rc read_integer(const struct field *field, const struct doc *value, void *out, struct why *why)
{
    int64_t n;
    if (!doc_integer(value, &n)) {
        return wrong_kind(value, "an integer", why);
    }
    if (n == FIELD_ABSENT) {
        return why_fail(why, RC_INVALID, "", "must be above %lld", (long long)FIELD_ABSENT);
    }
    *(int64_t *)out = n;
    return check_bounds(field, (double)n, "", why);
}

static enum rc read_number(const struct field *field, const struct doc *value, void *out, struct why *why)
{
    double x;
    if (!doc_number(value, &x)) {
        return wrong_kind(value, "a number", why);
    }
    *(double *)out = x;
    return check_bounds(field, x, "", why);
}

static void list_choices(const char *const *choices, struct buf *out)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        (void)buf_printf(out, "%s%s", i == 0 ? "" : ", ", choices[i]); /* cut at the ceiling */
    }
}

static enum rc not_a_choice(const char *got, const char *const *choices, struct why *why)
{
    AUTO(buf) struct buf names;
    buf_init(&names, WHY_TEXT_MAX);
    list_choices(choices, &names);
    return why_fail(why, RC_INVALID, "", "must be one of %s; got \"%.80s\"", names.data == NULL ? "" : names.data, got);
}

static enum rc read_choice(const struct field *field, const struct doc *value, void *out, struct why *why)
{
    const char *text = doc_string(value);
    if (text == NULL) {
        return wrong_kind(value, "a string", why);
    }
    for (int i = 0; field->choices[i] != NULL; i++) {
        if (strcmp(text, field->choices[i]) == 0) {
            *(int *)out = i;
            return RC_OK;
        }
    }
    return not_a_choice(text, field->choices, why);
}

static enum rc read_struct(const struct schema *schema, const struct doc *value, const char *also_known,
                           struct region *region, void *out, struct why *why);

static enum rc read_object(const struct schema *schema, const struct doc *value, const char *also_known,
                           struct region *region, void **out, struct why *why)
{
    void *it = region_alloc(region, 1, schema->size);
    if (it == NULL) {
        return no_room(region, why);
    }
    *out = it;
    return read_struct(schema, value, also_known, region, it, why);
}

static enum rc read_variant(const struct field *field, const struct doc *value, struct region *region, void *out, struct why *why)
{
    struct field_variant *variant = out;
    if (doc_kind(value) != DOC_OBJECT) {
        return wrong_kind(value, "an object", why);
    }
    const char *type = doc_string(doc_get(value, "type"));
    if (type == NULL) {
        return why_fail(why, RC_INVALID, "type", "is required and must be a string");
    }
    const char *names[64] = { NULL };
    for (int i = 0; field->options[i].type != NULL && i < 63; i++) {
        if (strcmp(type, field->options[i].type) == 0) {
            variant->index = i;
            return read_object(field->options[i].schema, value, "type", region, &variant->value, why);
        }
        names[i] = field->options[i].type;
    }
    return why_under(why, not_a_choice(type, names, why), "type");
}

static enum rc read_list(const struct field *field, const struct doc *value, struct region *region, void *out, struct why *why)
{
    struct field_list *list = out;
    if (doc_kind(value) != DOC_LIST) {
        return wrong_kind(value, "a list", why);
    }
    const size_t n = doc_count(value);
    const struct field bounds = { .min = field->min, .max = field->max > 0 ? field->max : FIELD_LIST_MAX };
    enum rc rc = check_bounds(&bounds, (double)n, "the number of items ", why);
    if (rc != RC_OK) {
        return rc;
    }
    const size_t size = kind_size[field->item->kind];
    char *items = region_alloc(region, n, size);
    if (items == NULL) {
        return no_room(region, why);
    }
    for (size_t i = 0; i < n; i++) {
        rc = field_read(field->item, doc_at(value, i), region, items + i * size, why);
        if (rc != RC_OK) {
            return why_under(why, rc, "[%zu]", i);
        }
    }
    *list = (struct field_list){ items, n };
    return RC_OK;
}

static enum rc read_map(const struct field *field, const struct doc *value, struct region *region, void *out, struct why *why)
{
    struct field_map *map = out;
    if (doc_kind(value) != DOC_OBJECT) {
        return wrong_kind(value, "an object", why);
    }
    const size_t n = doc_count(value);
    const struct field bounds = { .min = field->min, .max = field->max > 0 ? field->max : FIELD_LIST_MAX };
    enum rc rc = check_bounds(&bounds, (double)n, "the number of keys ", why);
    if (rc != RC_OK) {
        return rc;
    }
    const size_t size = kind_size[field->item->kind];
    const char **keys = region_alloc(region, n, sizeof(*keys));
    char *values = region_alloc(region, n, size);
    if (keys == NULL || values == NULL) {
        return no_room(region, why);
    }
    size_t i = 0;
    for (struct doc_pair pair = { 0 }; doc_next(value, &pair); i++) {
        keys[i] = region_strdup(region, pair.key);
        rc = keys[i] == NULL ? no_room(region, why) : field_read(field->item, pair.value, region, values + i * size, why);
        if (rc != RC_OK) {
            return why_under(why, rc, "%.80s", pair.key);
        }
    }
    *map = (struct field_map){ keys, values, n };
    return RC_OK;
}

enum rc field_read(const struct field *field, const struct doc *value, struct region *region, void *out, struct why *why)
{
    set_absent(field, out);
    if (value != NULL && doc_kind(value) == DOC_NULL && (field->flags & FIELD_NULLABLE) != 0) {
        return RC_OK;
    }
    switch (field->kind) {
    case FIELD_STRING: return read_string(field, value, region, out, why);
    case FIELD_INTEGER: return read_integer(field, value, out, why);
    case FIELD_NUMBER: return read_number(field, value, out, why);
    case FIELD_BOOLEAN: return doc_boolean(value, out) ? RC_OK : wrong_kind(value, "true or false", why);
    case FIELD_CHOICE: return read_choice(field, value, out, why);
    case FIELD_OBJECT: return read_object(field->schema, value, NULL, region, out, why);
    case FIELD_VARIANT: return read_variant(field, value, region, out, why);
    case FIELD_LIST: return read_list(field, value, region, out, why);
    case FIELD_MAP: return read_map(field, value, region, out, why);
    case FIELD_ANY: *(const struct doc **)out = value; return RC_OK;
    }
    return RC_INTERNAL;
}

/* A default is JSON text in the table; FIELD_ANY has none, since nothing would own its document. */
static enum rc read_fallback(const struct field *field, struct region *region, void *out, struct why *why)
{
    AUTO_PTR(doc) struct doc *value = NULL;
    const enum rc rc = doc_parse(field->fallback, strlen(field->fallback), &value, why);
    MUST(rc != RC_SYNTAX && field->kind != FIELD_ANY);
    return rc != RC_OK ? rc : field_read(field, value, region, out, why);
}

static const struct field *find(const struct schema *schema, const char *key)
{
    for (const struct field *field = schema->fields; field->name != NULL; field++) {
        if (strcmp(field->name, key) == 0) {
            return field;
        }
    }
    return NULL;
}

static enum rc check_keys(const struct schema *schema, const struct doc *object, const char *also_known, struct why *why)
{
    for (struct doc_pair pair = { 0 }; !schema->open && doc_next(object, &pair);) {
        const bool known = find(schema, pair.key) != NULL ||
                           (also_known != NULL && strcmp(pair.key, also_known) == 0);
        if (!known) {
            char path[81];
            (void)str_copy(path, sizeof(path), strlen(pair.key) <= 80 ? pair.key : "");
            AUTO(buf) struct buf names;
            buf_init(&names, WHY_TEXT_MAX);
            for (const struct field *field = schema->fields; field->name != NULL; field++) {
                (void)buf_printf(&names, "%s%s", names.len == 0 ? "" : ", ", field->name); /* cut at the ceiling */
            }
            return why_fail(why, RC_UNKNOWN_KEY, path, "is not a key here; known keys: %s", names.data == NULL ? "none" : names.data);
        }
    }
    return RC_OK;
}

static enum rc read_struct(const struct schema *schema, const struct doc *value, const char *also_known,
                           struct region *region, void *out, struct why *why)
{
    if (doc_kind(value) != DOC_OBJECT) {
        return wrong_kind(value, "an object", why);
    }
    enum rc rc = check_keys(schema, value, also_known, why);
    for (const struct field *field = schema->fields; rc == RC_OK && field->name != NULL; field++) {
        void *place = (char *)out + field->offset;
        const struct doc *given = doc_get(value, field->name);
        if (given != NULL) {
            rc = why_under(why, field_read(field, given, region, place, why), "%s", field->name);
        } else if ((field->flags & FIELD_REQUIRED) != 0) {
            rc = why_fail(why, RC_INVALID, field->name, "is required");
        } else if (field->fallback != NULL) {
            rc = read_fallback(field, region, place, why);
        } else {
            set_absent(field, place);
        }
    }
    return rc;
}

enum rc schema_read(const struct schema *schema, const struct doc *object, struct region *region, void *out, struct why *why)
{
    return read_struct(schema, object, NULL, region, out, why);
}

static struct doc *write_value(const struct field *field, const void *in);

static struct doc *write_list(const struct field *item, const struct field_list *list)
{
    AUTO_PTR(doc) struct doc *out = doc_new_list();
    for (size_t i = 0; i < list->count; i++) {
        if (doc_add(out, write_value(item, (const char *)list->items + i * kind_size[item->kind])) != RC_OK) {
            return NULL;
        }
    }
    return TAKE(out);
}

static struct doc *write_map(const struct field *item, const struct field_map *map)
{
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    for (size_t i = 0; i < map->count; i++) {
        struct doc *value = write_value(item, (const char *)map->values + i * kind_size[item->kind]);
        if (doc_put(out, map->keys[i], value) != RC_OK) {
            return NULL;
        }
    }
    return TAKE(out);
}

static enum rc write_fields(const struct schema *schema, const void *in, struct doc *out)
{
    for (const struct field *field = schema->fields; field->name != NULL; field++) {
        const void *place = (const char *)in + field->offset;
        if (!is_absent(field, place) && doc_put(out, field->name, write_value(field, place)) != RC_OK) {
            return RC_NO_MEMORY;
        }
    }
    return RC_OK;
}

static struct doc *write_variant(const struct field *field, const struct field_variant *variant)
{
    const struct field_option *option = &field->options[variant->index];
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    if (doc_put_string(out, "type", option->type) != RC_OK ||
        write_fields(option->schema, variant->value, out) != RC_OK) {
        return NULL;
    }
    return TAKE(out);
}

static struct doc *write_value(const struct field *field, const void *in)
{
    switch (field->kind) {
    case FIELD_STRING: return doc_new_string(*(const char *const *)in);
    case FIELD_INTEGER: return doc_new_integer(*(const int64_t *)in);
    case FIELD_NUMBER: return doc_new_number(*(const double *)in);
    case FIELD_BOOLEAN: return doc_new_boolean(*(const bool *)in);
    case FIELD_CHOICE: return doc_new_string(field->choices[*(const int *)in]);
    case FIELD_OBJECT: return schema_write(field->schema, *(void *const *)in);
    case FIELD_VARIANT: return write_variant(field, in);
    case FIELD_LIST: return write_list(field->item, in);
    case FIELD_MAP: return write_map(field->item, in);
    case FIELD_ANY: return doc_copy(*(const struct doc *const *)in);
    }
    return NULL;
}

struct doc *schema_write(const struct schema *schema, const void *in)
{
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    return out == NULL || write_fields(schema, in, out) != RC_OK ? NULL : TAKE(out);
}
