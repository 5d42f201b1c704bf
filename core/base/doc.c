/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/doc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/doc_memory.h"
#include "core/base/str.h"

/* struct doc is never defined: a document is jansson's value under our own name. */
static json_t *raw(const struct doc *doc)
{
    return (json_t *)doc;
}

static struct doc *cooked(json_t *value)
{
    return (struct doc *)value;
}

__attribute__((constructor)) static void use_our_memory(void)
{
    json_set_alloc_funcs(doc_memory_allocate, doc_memory_free);
}

/* Counts values and depth before the tree is built: the text bounds the tree's cost. */
static enum rc check_size(const char *text, size_t n, struct why *why)
{
    size_t depth = 0, values = 1;
    bool quoted = false;
    const char *nul = n == 0 ? NULL : memchr(text, '\0', n);
    if (nul != NULL) { /* jansson passes over one behind a number */
        return why_fail(why, RC_SYNTAX, "", "not valid JSON: byte %zu is NUL", (size_t)(nul - text));
    }
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        values += c == ',' || c == '[' || c == '{';
        depth += c == '[' || c == '{';
        depth -= (c == ']' || c == '}') && depth > 0;
        if (depth > DOC_DEPTH_MAX) {
            return why_fail(why, RC_TOO_LARGE, "", "nested deeper than %d levels", DOC_DEPTH_MAX);
        }
        if (values > DOC_VALUES_MAX) {
            return why_fail(why, RC_TOO_LARGE, "", "holds more than %d values", DOC_VALUES_MAX);
        }
    }
    return RC_OK;
}

static enum rc translate(const json_error_t *error, bool starved, struct why *why)
{
    const enum json_error_code code = json_error_code(error);
    if (starved || code == json_error_out_of_memory) {
        return why_fail(why, RC_NO_MEMORY, "", "out of memory");
    }
    if (code == json_error_duplicate_key) {
        return why_fail(why, RC_DUPLICATE_KEY, "", "line %d, column %d: %s", error->line, error->column, error->text);
    }
    if (code == json_error_numeric_overflow) {
        return why_fail(why, RC_INVALID, "", "line %d, column %d: the number is too large", error->line, error->column);
    }
    return why_fail(why, RC_SYNTAX, "", "not valid JSON at line %d, column %d: %s", error->line, error->column, error->text);
}

struct load {
    const char *text;
    size_t n;
    json_t *value; /* NULL: error says why */
    json_error_t error;
};

static void run_load(void *arg)
{
    struct load *load = arg;
    load->value = json_loadb(load->text, load->n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &load->error);
}

enum rc doc_parse(const char *text, size_t n, struct doc **ret, struct why *why)
{
    const enum rc rc = check_size(text, n, why);
    if (rc != RC_OK) {
        return rc;
    }
    struct load load = { .text = text, .n = n };
    const bool starved = !doc_memory_guard(run_load, &load);
    if (starved || load.value == NULL) {
        return translate(&load.error, starved, why);
    }
    *ret = cooked(load.value);
    return RC_OK;
}

void doc_destroy(struct doc *doc)
{
    json_decref(raw(doc));
}

struct doc *doc_copy(const struct doc *doc)
{
    return cooked(json_deep_copy(raw(doc)));
}

enum doc_kind doc_kind(const struct doc *doc)
{
    if (doc == NULL) {
        return DOC_NULL;
    }
    switch (json_typeof(raw(doc))) {
    case JSON_OBJECT: return DOC_OBJECT;
    case JSON_ARRAY: return DOC_LIST;
    case JSON_STRING: return DOC_STRING;
    case JSON_INTEGER: return DOC_INTEGER;
    case JSON_REAL: return DOC_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return DOC_BOOLEAN;
    case JSON_NULL: break;
    }
    return DOC_NULL;
}

const char *doc_kind_name(enum doc_kind kind)
{
    static const char *const names[] = {
        "null",
        "true or false",
        "an integer",
        "a number",
        "a string",
        "a list",
        "an object",
    };
    return names[kind];
}

size_t doc_count(const struct doc *doc)
{
    return doc_kind(doc) == DOC_LIST ? json_array_size(raw(doc)) : json_object_size(raw(doc));
}

const struct doc *doc_get(const struct doc *object, const char *key)
{
    return cooked(json_object_get(raw(object), key));
}

const struct doc *doc_at(const struct doc *list, size_t i)
{
    return cooked(json_array_get(raw(list), i));
}

const char *doc_string(const struct doc *doc)
{
    return json_string_value(raw(doc));
}

bool doc_integer(const struct doc *doc, int64_t *ret)
{
    if (doc_kind(doc) == DOC_NUMBER) {
        const double x = json_real_value(raw(doc));
        if (x != floor(x) || fabs(x) > 9007199254740992.0) { /* 2^53: above, doubles skip integers */
            return false;
        }
        *ret = (int64_t)x;
        return true;
    }
    if (doc_kind(doc) != DOC_INTEGER) {
        return false;
    }
    *ret = json_integer_value(raw(doc));
    return true;
}

bool doc_number(const struct doc *doc, double *ret)
{
    const enum doc_kind kind = doc_kind(doc);
    if (kind != DOC_INTEGER && kind != DOC_NUMBER) {
        return false;
    }
    *ret = json_number_value(raw(doc));
    return true;
}

bool doc_boolean(const struct doc *doc, bool *ret)
{
    if (doc_kind(doc) != DOC_BOOLEAN) {
        return false;
    }
    *ret = json_is_true(raw(doc));
    return true;
}

const char *doc_get_string(const struct doc *object, const char *key, const char *fallback)
{
    const char *text = doc_string(doc_get(object, key));
    return text == NULL ? fallback : text;
}

int64_t doc_get_integer(const struct doc *object, const char *key, int64_t fallback)
{
    int64_t n;
    return doc_integer(doc_get(object, key), &n) ? n : fallback;
}

double doc_get_number(const struct doc *object, const char *key, double fallback)
{
    double x;
    return doc_number(doc_get(object, key), &x) ? x : fallback;
}

bool doc_next(const struct doc *object, struct doc_pair *pair)
{
    pair->_iter = pair->key == NULL ? json_object_iter(raw(object))
                                    : json_object_iter_next(raw(object), pair->_iter);
    if (pair->_iter == NULL) {
        return false;
    }
    pair->key = json_object_iter_key(pair->_iter);
    pair->value = cooked(json_object_iter_value(pair->_iter));
    return true;
}

struct doc *doc_new_object(void)
{
    return cooked(json_object());
}

struct doc *doc_new_list(void)
{
    return cooked(json_array());
}

struct doc *doc_new_string(const char *text)
{
    return cooked(text == NULL ? json_null() : json_string(text));
}

struct doc *doc_new_integer(int64_t n)
{
    return cooked(json_integer(n));
}

struct doc *doc_new_number(double x)
{
    return cooked(isfinite(x) ? json_real(x) : json_null());
}

struct doc *doc_new_boolean(bool yes)
{
    return cooked(json_boolean(yes));
}

struct doc *doc_new_null(void)
{
    return cooked(json_null());
}

enum rc doc_put(struct doc *object, const char *key, struct doc *value)
{
    return json_object_set_new(raw(object), key, raw(value)) == 0 ? RC_OK : RC_NO_MEMORY;
}

enum rc doc_add(struct doc *list, struct doc *value)
{
    return json_array_append_new(raw(list), raw(value)) == 0 ? RC_OK : RC_NO_MEMORY;
}

enum rc doc_put_string(struct doc *object, const char *key, const char *text)
{
    return doc_put(object, key, doc_new_string(text));
}

enum rc doc_put_integer(struct doc *object, const char *key, int64_t n)
{
    return doc_put(object, key, doc_new_integer(n));
}

enum rc doc_put_number(struct doc *object, const char *key, double x)
{
    return doc_put(object, key, doc_new_number(x));
}

enum rc doc_put_boolean(struct doc *object, const char *key, bool yes)
{
    return doc_put(object, key, doc_new_boolean(yes));
}

enum rc doc_remove(struct doc *object, const char *key)
{
    return json_object_del(raw(object), key) == 0 ? RC_OK : RC_NOT_FOUND;
}

/* What stands for the byte c (control, quote, backslash or a stray byte) in a string literal. */
static void write_escape(unsigned char c, struct buf *out)
{
    const char *pair = strchr("\"\"\\\\\nn\tt\rr\bb\ff", c);
    if (c >= 0x80) {
        (void)buf_text(out, "\\ufffd");
    } else if (c == 0x7f || pair == NULL) {
        (void)buf_printf(out, "\\u%04x", c);
    } else {
        (void)buf_char(out, '\\');
        (void)buf_char(out, pair[1]);
    }
}

enum rc doc_write_string(const char *text, struct buf *out)
{
    if (text == NULL) {
        return buf_text(out, "null");
    }
    (void)buf_char(out, '"'); /* out->failed is looked at below, once */
    const char *from = text;
    for (size_t n = strlen(text); n > 0;) {
        const unsigned char c = (unsigned char)*text;
        const size_t len = str_utf8_sequence(text, n);
        const bool plain = len > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
        if (!plain) {
            (void)buf_append(out, from, (size_t)(text - from));
            write_escape(c, out);
            from = text + 1;
        }
        text += len == 0 ? 1 : len;
        n -= len == 0 ? 1 : len;
    }
    (void)buf_append(out, from, (size_t)(text - from));
    return buf_char(out, '"');
}

static enum rc write_number(double x, struct buf *out)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, x); /* 17 digits and an exponent fit */
        if (strtod(text, NULL) == x) {
            break;
        }
    }
    return buf_printf(out, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

static void indent(enum doc_style style, int depth, struct buf *out)
{
    if (style == DOC_PRETTY) {
        (void)buf_printf(out, "\n%*s", 2 * depth, "");
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct doc_pair *)a)->key, ((const struct doc_pair *)b)->key);
}

static enum rc write_value(const struct doc *doc, enum doc_style style, int depth, struct buf *out);

static enum rc write_object(const struct doc *doc, enum doc_style style, int depth, struct buf *out)
{
    const size_t n = doc_count(doc);
    AUTO_FREE struct doc_pair *pairs = mem_array(n, sizeof(*pairs));
    if (pairs == NULL) {
        return RC_NO_MEMORY;
    }
    size_t i = 0;
    for (struct doc_pair p = { 0 }; doc_next(doc, &p);) {
        pairs[i++] = p;
    }
    if (style == DOC_CANONICAL) {
        qsort(pairs, n, sizeof(*pairs), by_key);
    }
    (void)buf_char(out, '{');
    for (i = 0; i < n; i++) {
        (void)buf_text(out, i == 0 ? "" : ",");
        indent(style, depth + 1, out);
        (void)doc_write_string(pairs[i].key, out);
        (void)buf_text(out, style == DOC_PRETTY ? ": " : ":");
        const enum rc rc = write_value(pairs[i].value, style, depth + 1, out);
        if (rc != RC_OK) {
            return rc;
        }
    }
    if (n > 0) {
        indent(style, depth, out);
    }
    return buf_char(out, '}');
}

static enum rc write_list(const struct doc *doc, enum doc_style style, int depth, struct buf *out)
{
    const size_t n = doc_count(doc);
    (void)buf_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        (void)buf_text(out, i == 0 ? "" : ",");
        indent(style, depth + 1, out);
        const enum rc rc = write_value(doc_at(doc, i), style, depth + 1, out);
        if (rc != RC_OK) {
            return rc;
        }
    }
    if (n > 0) {
        indent(style, depth, out);
    }
    return buf_char(out, ']');
}

/* Recursion is bounded: parsed documents by DOC_DEPTH_MAX, made ones by our own code. */
static enum rc write_value(const struct doc *doc, enum doc_style style, int depth, struct buf *out)
{
    switch (doc_kind(doc)) {
    case DOC_OBJECT: return write_object(doc, style, depth, out);
    case DOC_LIST: return write_list(doc, style, depth, out);
    case DOC_STRING: return doc_write_string(doc_string(doc), out);
    case DOC_INTEGER: return buf_printf(out, "%lld", (long long)json_integer_value(raw(doc)));
    case DOC_NUMBER: return write_number(json_real_value(raw(doc)), out);
    case DOC_BOOLEAN: return buf_text(out, json_is_true(raw(doc)) ? "true" : "false");
    case DOC_NULL: break;
    }
    return buf_text(out, "null");
}

enum rc doc_write(const struct doc *doc, enum doc_style style, struct buf *out)
{
    enum rc rc = write_value(doc, style, 0, out);
    if (rc == RC_OK && style == DOC_PRETTY) {
        rc = buf_char(out, '\n');
    }
    return rc;
}
