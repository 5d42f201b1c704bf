/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_TRANSFORM_CODEC_H
#define CORE_DATA_TRANSFORM_CODEC_H

#include "core/data/transform.h"

/*
 * What a transform is made of, and its form as JSON; for core/data/transform.c alone.
 *
 * Threads: any. Memory: all of a transform lies in its region. Logs: no.
 */

/* One input as it is stored. */
struct transform_column {
    const char *name;
    int type;                     /* enum column_type, never ignored */
    double min, max, mean, std;   /* numbers; else NaN */
    double fill;                  /* numbers, booleans; NaN: none */
    const char *fill_category;    /* categories; NULL: none */
    struct field_list categories; /* const char *, in the order of their bytes */
};

struct transform_file {
    int64_t version;
    struct field_list missing; /* const char * */
    struct field_list columns; /* struct transform_column * */
};

struct transform {
    struct transform_file file;
    struct transform_input *inputs;
    const struct transform_input **by_name; /* the same, sorted by their names */
    size_t features;
    struct region region;
};

extern const struct schema transform_schema;

/* An empty one; NULL: no memory. */
struct transform *transform_start(void);

/* Checks the columns of the file and makes the inputs of them. Errors as transform_read(). */
enum rc transform_lay_out(struct transform *transform, struct why *why) MUST_CHECK;

#endif
