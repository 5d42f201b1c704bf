/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_DOC_H
#define CORE_BASE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * JSON documents: the one door to jansson.
 *
 * For control messages and what is stored; bulk numbers do not come through
 * here. Parsing is strict RFC 8259: UTF-8, no duplicate keys, no NaN, bounded
 * depth and number of values (a tree costs up to 80 times its text).
 * Reading never fails half-way: an accessor of the wrong kind answers "absent".
 * Usually one does not walk a document by hand: core/base/field.h reads and
 * writes C structs from a table.
 *
 * Threads: a document belongs to one thread at a time. Memory: doc_destroy()
 * frees a document that the caller made or parsed; what doc_get(), doc_at()
 * and doc_string() give is borrowed from it. Logs: no.
 */

#define DOC_DEPTH_MAX  32
#define DOC_VALUES_MAX 200000

struct doc;

enum doc_kind {
    DOC_NULL,
    DOC_BOOLEAN,
    DOC_INTEGER,
    DOC_NUMBER,
    DOC_STRING,
    DOC_LIST,
    DOC_OBJECT
};

enum doc_style {
    DOC_COMPACT,   /* keys in the order in which they were put */
    DOC_PRETTY,    /* the same, two spaces of indentation, a newline at the end */
    DOC_CANONICAL, /* compact with sorted keys: the form that is digested and signed */
};

/* n bytes, not NUL-terminated. RC_SYNTAX, RC_DUPLICATE_KEY, RC_TOO_LARGE (depth, number of values), RC_INVALID (a number
 * that no double holds), RC_NO_MEMORY; why says line and column. Any value may be the top. */
enum rc doc_parse(const char *text, size_t n, struct doc **ret, struct why *why) MUST_CHECK;
void doc_destroy(struct doc *doc);
DEFINE_AUTO_PTR(doc)

/* A deep copy; NULL: no memory. */
struct doc *doc_copy(const struct doc *doc);

/* Reading. NULL is an allowed document everywhere and counts as null. */
enum doc_kind doc_kind(const struct doc *doc);
const char *doc_kind_name(enum doc_kind kind);
size_t doc_count(const struct doc *doc);                              /* items or keys; else 0 */
const struct doc *doc_get(const struct doc *object, const char *key); /* NULL: absent */
const struct doc *doc_at(const struct doc *list, size_t i);           /* NULL: absent */
const char *doc_string(const struct doc *doc);                        /* NULL: not a string */
bool doc_integer(const struct doc *doc, int64_t *ret);                /* also 3.0, as JSON Schema has it */
bool doc_number(const struct doc *doc, double *ret);                  /* integers too */
bool doc_boolean(const struct doc *doc, bool *ret);

/* Shorthands on a key: what stands there, or the fallback. */
const char *doc_get_string(const struct doc *object, const char *key, const char *fallback);
int64_t doc_get_integer(const struct doc *object, const char *key, int64_t fallback);
double doc_get_number(const struct doc *object, const char *key, double fallback);

/* Visits every pair in order: for (struct doc_pair p = { 0 }; doc_next(object, &p);) */
struct doc_pair {
    const char *key;
    const struct doc *value;
    void *_iter;
};

bool doc_next(const struct doc *object, struct doc_pair *pair);

/* Making. Each gives NULL when memory is gone; doc_put() and doc_add() notice that. */
struct doc *doc_new_object(void);
struct doc *doc_new_list(void);
struct doc *doc_new_string(const char *text); /* NULL gives null; must be UTF-8, else NULL */
struct doc *doc_new_integer(int64_t n);
struct doc *doc_new_number(double x); /* NaN and infinities give null */
struct doc *doc_new_boolean(bool yes);
struct doc *doc_new_null(void);

/* The value is handed over also on failure. RC_NO_MEMORY when anything is NULL. */
enum rc doc_put(struct doc *object, const char *key, struct doc *value);
enum rc doc_add(struct doc *list, struct doc *value);
enum rc doc_put_string(struct doc *object, const char *key, const char *text);
enum rc doc_put_integer(struct doc *object, const char *key, int64_t n);
enum rc doc_put_number(struct doc *object, const char *key, double x);
enum rc doc_put_boolean(struct doc *object, const char *key, bool yes);
enum rc doc_remove(struct doc *object, const char *key);

/* Appends the text. Numbers are the shortest text that reads back the same double. */
enum rc doc_write(const struct doc *doc, enum doc_style style, struct buf *out) MUST_CHECK;

/* A JSON string literal, quotes and escapes included, for lines that are put together by hand.
 * NULL gives null; a byte that is not UTF-8 gives U+FFFD, so that the line is valid whatever came in. */
enum rc doc_write_string(const char *text, struct buf *out);

#endif
