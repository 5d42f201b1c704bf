/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/body.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

#define PATH_PARTS_MAX 8
#define LAYERS_MAX     256

static enum rc no_memory(struct why *why)
{
    return why_fail(why, RC_NO_MEMORY, NULL, "out of memory");
}

/* Nested objects are copied, changed and put back: documents are only written at the top. */
static enum rc put_deep(struct doc *object, const char *path, struct doc *value, int depth, struct why *why)
{
    char key[64];
    const size_t n = strcspn(path, ".");
    if (n == 0 || n >= sizeof(key) || depth == PATH_PARTS_MAX) {
        doc_destroy(value);
        return why_fail(why, RC_INVALID, NULL, "\"%s\" is not the path of a key", path);
    }
    memcpy(key, path, n);
    key[n] = '\0';
    if (path[n] == '\0') {
        return doc_put(object, key, value) == RC_OK ? RC_OK : no_memory(why);
    }
    const struct doc *there = doc_get(object, key);
    if (there != NULL && doc_kind(there) != DOC_OBJECT) {
        doc_destroy(value);
        return why_fail(why, RC_INVALID, NULL, "\"%s\" is not an object, so it holds no \"%s\"", key, path + n + 1);
    }
    struct doc *inner = there == NULL ? doc_new_object() : doc_copy(there);
    if (inner == NULL) {
        doc_destroy(value);
        return no_memory(why);
    }
    const enum rc rc = put_deep(inner, path + n + 1, value, depth + 1, why);
    if (rc != RC_OK) {
        doc_destroy(inner);
        return rc;
    }
    return doc_put(object, key, inner) == RC_OK ? RC_OK : no_memory(why);
}

enum rc body_put(struct doc *object, const char *path, struct doc *value, struct why *why)
{
    return value == NULL ? no_memory(why) : put_deep(object, path, value, 0, why);
}

enum rc body_set(struct doc *object, const char *assignment, struct why *why)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || equals == assignment) {
        return why_fail(why, RC_INVALID, NULL, "\"%.100s\" must be key=value", assignment);
    }
    AUTO_FREE char *path = mem_strndup(assignment, (size_t)(equals - assignment));
    if (path == NULL) {
        return no_memory(why);
    }
    struct doc *value = NULL;
    if (doc_parse(equals + 1, strlen(equals + 1), &value, NULL) != RC_OK) {
        value = doc_new_string(equals + 1); /* what is not JSON is meant as it stands: loss=mae */
    }
    return body_put(object, path, value, why);
}

/* Adds the parts between commas to the list. */
static enum rc add_parts(struct doc *list, const char *text)
{
    while (*text != '\0') {
        const size_t n = strcspn(text, ",");
        AUTO_FREE char *part = mem_strndup(text, n);
        if (part == NULL || doc_add(list, doc_new_string(part)) != RC_OK) {
            return RC_NO_MEMORY;
        }
        text += n + (text[n] == ',');
    }
    return RC_OK;
}

static struct doc *list_of(const struct args *args, const char *name)
{
    struct doc *list = doc_new_list();
    const char *value;
    for (size_t i = 0; (value = args_next(args, name, &i)) != NULL;) {
        if (list == NULL || add_parts(list, value) != RC_OK) {
            doc_destroy(list);
            return NULL;
        }
    }
    return list;
}

static struct doc *value_of(const struct args *args, const struct given *given)
{
    int64_t n = 0;
    double x = 0.0;
    switch (given->option->kind) {
    case OPTION_FLAG: return doc_new_boolean(true);
    case OPTION_LIST: return list_of(args, given->option->name);
    case OPTION_INTEGER: return str_to_int64(given->value, &n) ? doc_new_integer(n) : NULL;
    case OPTION_NUMBER: return args_number(given->value, &x) ? doc_new_number(x) : NULL;
    case OPTION_SECONDS: return str_to_ms(given->value, &n) ? doc_new_integer(n / 1000) : NULL;
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_MANY: break;
    }
    return doc_new_string(given->value);
}

enum rc body_add_options(struct doc *object, const struct args *args, struct why *why)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const struct given *given = &args->given[i];
        if (given->option->key == NULL) {
            continue;
        }
        if (given->value != NULL && !str_is_utf8(given->value, strlen(given->value))) {
            return why_fail(why, RC_INVALID, NULL, "--%s is not valid UTF-8", given->option->name);
        }
        const enum rc rc = body_put(object, given->option->key, value_of(args, given), why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    return RC_OK;
}

/* "128:relu" */
static enum rc add_layer(struct doc *list, const char *text, size_t n, struct why *why)
{
    AUTO_FREE char *part = mem_strndup(text, n);
    struct doc *layer = doc_new_object();
    if (part == NULL || doc_add(list, layer) != RC_OK) {
        return no_memory(why);
    }
    char *colon = strchr(part, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
    int64_t units = 0;
    if (!str_to_int64(part, &units)) {
        return why_fail(why, RC_INVALID, NULL, "a layer must be UNITS or UNITS:ACTIVATION, such as 128:relu, got \"%.*s\"", (int)n, text);
    }
    const bool good = doc_put_string(layer, "type", "dense") == RC_OK &&
                      doc_put_integer(layer, "units", units) == RC_OK &&
                      (colon == NULL || doc_put_string(layer, "activation", colon + 1) == RC_OK);
    return good ? RC_OK : no_memory(why);
}

enum rc body_layers(const char *text, struct doc **ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *network = doc_new_object();
    struct doc *list = doc_new_list();
    if (doc_put(network, "layers", list) != RC_OK) {
        return no_memory(why);
    }
    for (int i = 0; i == 0 || *text != '\0'; i++) {
        const size_t n = strcspn(text, ",");
        if (i == LAYERS_MAX) {
            return why_fail(why, RC_INVALID, NULL, "more than %d layers", LAYERS_MAX);
        }
        const enum rc rc = add_layer(list, text, n, why);
        if (rc != RC_OK) {
            return rc;
        }
        text += n + (text[n] == ',');
    }
    *ret = TAKE(network);
    return RC_OK;
}

enum rc body_read_text(const char *file, size_t max, struct buf *out, struct why *why)
{
    const bool standard = strcmp(file, "-") == 0;
    FILE *in = standard ? stdin : fopen(file, "re");
    if (in == NULL) {
        return why_fail(why, RC_INVALID, NULL, "the file \"%.100s\" cannot be read: %s", file, strerror(errno));
    }
    buf_init(out, max);
    char chunk[16384];
    size_t n;
    enum rc rc = RC_OK;
    while (rc == RC_OK && (n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        rc = buf_append(out, chunk, n);
    }
    if (rc == RC_OK && ferror(in)) {
        rc = why_fail(why, RC_INVALID, NULL, "the file \"%.100s\" cannot be read: %s", file, strerror(errno));
    } else if (rc == RC_TOO_LARGE) {
        (void)why_fail(why, rc, NULL, "the file \"%.100s\" is larger than %zu bytes", file, max);
    } else if (rc != RC_OK) {
        (void)no_memory(why);
    }
    if (!standard) {
        (void)fclose(in); /* it was only read */
    }
    return rc;
}

enum rc body_read(const char *file, struct doc **ret, struct why *why)
{
    AUTO(buf) struct buf text;
    buf_init(&text, BODY_FILE_MAX);
    enum rc rc = body_read_text(file, BODY_FILE_MAX, &text, why);
    if (rc != RC_OK) {
        return rc;
    }
    AUTO_PTR(doc) struct doc *doc = NULL;
    rc = doc_parse(text.data == NULL ? "" : text.data, text.len, &doc, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (doc_kind(doc) != DOC_OBJECT) {
        return why_fail(why, RC_INVALID, NULL, "\"%.100s\" must hold a JSON object, got %s", file, doc_kind_name(doc_kind(doc)));
    }
    *ret = TAKE(doc);
    return RC_OK;
}
