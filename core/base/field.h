/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_FIELD_H
#define CORE_BASE_FIELD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/doc.h"
#include "core/base/region.h"

/*
 * Field tables: one table says what a JSON object holds, and from it come the
 * reading into a C struct, the check of every value with its path, the defaults,
 * the writing of replies, and the JSON Schema of the OpenAPI document.
 *
 *     struct point { int64_t x; const char *name; };
 *     static const struct field point_fields[] = {
 *         { .name = "x", .kind = FIELD_INTEGER, .offset = offsetof(struct point, x),
 *           .flags = FIELD_REQUIRED, .min = 0, .max = 9, .about = "Column, from the left." },
 *         { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct point, name),
 *           .max = 63, .about = "Shown to people." },
 *         { .name = NULL },
 *     };
 *     static const struct schema point = { "Point", "A place.", sizeof(struct point), point_fields };
 *
 * What is absent and has no default holds the kind's "absent" value below.
 * An unknown key is an error that names it, unless the schema is open.
 *
 * Threads: any (tables are constant). Memory: strings, lists and objects come
 * from the region; documents of FIELD_ANY are borrowed from the parsed one. Logs: no.
 */

enum field_kind {
    FIELD_STRING,  /* const char *;                         absent: NULL */
    FIELD_INTEGER, /* int64_t;                              absent: FIELD_ABSENT */
    FIELD_NUMBER,  /* double;                               absent: NaN */
    FIELD_BOOLEAN, /* bool;                                 absent: false */
    FIELD_CHOICE,  /* int, an index into choices;           absent: -1 */
    FIELD_OBJECT,  /* pointer to the struct of schema;      absent: NULL */
    FIELD_VARIANT, /* struct field_variant;                 absent: index -1 */
    FIELD_LIST,    /* struct field_list;                    absent: count 0, items NULL */
    FIELD_MAP,     /* struct field_map, keys as they come;  absent: count 0, keys NULL */
    FIELD_ANY,     /* const struct doc *;                   absent: NULL */
};

#define FIELD_ABSENT INT64_MIN

enum field_flag {
    FIELD_REQUIRED = 1,
    FIELD_ABOVE_MIN = 2, /* the lower bound itself is not allowed */
    FIELD_BOUNDED = 4,   /* min and max hold although both are 0 */
    FIELD_NULLABLE = 8,  /* null is allowed and gives the absent value, not the default */
    FIELD_SECRET = 16,   /* a reply shows it once; never logged */
};

/* Ceilings where a row names no bound of its own. */
#define FIELD_STRING_MAX 1024
#define FIELD_LIST_MAX   1024

struct field;

struct schema {
    const char *name;           /* its name in the OpenAPI document: "TrainJob" */
    const char *about;          /* one sentence */
    size_t size;                /* of the C struct */
    const struct field *fields; /* closed by a row whose name is NULL */
    bool open;                  /* unknown keys are ignored */
};

/* One of several objects told apart by the value of "type". */
struct field_option {
    const char *type; /* closed by NULL; each with a schema of its own, which gets the constant "type" */
    const struct schema *schema;
};

struct field {
    const char *name;
    enum field_kind kind;
    unsigned flags;
    size_t offset;
    double min, max;                    /* value; bytes of a string; count of a list or map. Both 0: none */
    const char *fallback;               /* the default as JSON text: "10", "\"relu\"" */
    const char *const *choices;         /* FIELD_CHOICE: closed by NULL */
    const struct schema *schema;        /* FIELD_OBJECT */
    const struct field_option *options; /* FIELD_VARIANT */
    const struct field *item;           /* FIELD_LIST, FIELD_MAP: the item's row (name "", offset 0) */
    bool (*check)(const char *text);    /* FIELD_STRING: its form, beyond the length */
    const char *form;                   /* the form in words: "a name: letters, digits, ..." */
    const char *about;                  /* one sentence; units where there are any */
};

static inline bool field_is_bounded(const struct field *field)
{
    return field->min != 0 || field->max != 0 || (field->flags & FIELD_BOUNDED) != 0;
}

/* items is an array of the item kind's C type: const char **, double *, struct x ** ... */
struct field_list {
    void *items;
    size_t count;
};

struct field_map {
    const char **keys;
    void *values; /* as items above */
    size_t count;
};

struct field_variant {
    int index;   /* into options */
    void *value; /* the struct of that option's schema */
};

/* Fills *out (the struct of the schema) from an object. RC_INVALID (wrong kind, out of bounds, a
 * required key missing), RC_UNKNOWN_KEY, RC_TOO_LARGE (the region is full), RC_NO_MEMORY; why->path is
 * the place, from this object on. */
enum rc schema_read(const struct schema *schema, const struct doc *object, struct region *region,
                    void *out, struct why *why) MUST_CHECK;

/* One value by its row alone, e.g. an optimizer outside an object; same errors. */
enum rc field_read(const struct field *field, const struct doc *value, struct region *region,
                   void *out, struct why *why) MUST_CHECK;

/* The object of a struct, absent values left out; NULL: no memory. */
struct doc *schema_write(const struct schema *schema, const void *in);

/* (describe.c) Adds the JSON Schema (OpenAPI 3.1) of this schema and of all it names to `schemas` (components/schemas). */
enum rc schema_describe(const struct schema *schema, struct doc *schemas);

/* {"$ref":"#/components/schemas/<name>"}; NULL: no memory. */
struct doc *schema_reference(const struct schema *schema);

#endif
