/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CORE_DATA_SAMPLE_H
#define TESTS_CORE_DATA_SAMPLE_H

/* Helpers of the data tests: a real file's text, and text to profile to table. */

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/data/profile.h"
#include "core/data/table.h"
#include "tests/check.h"

static inline void sample_file(const char *name, struct buf *out)
{
    char path[4096], piece[8192];
    (void)snprintf(path, sizeof(path), "%s/%s", getenv("LICIT_TEST_DATA"), name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
        return;
    }
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;) {
        check_rc(buf_append(out, piece, n), RC_OK);
    }
    (void)fclose(file); /* only read */
}

/* The whole text in pieces; on success *ret is the caller's. */
static inline enum rc sample_profile(const char *text, size_t n, size_t piece, const struct profile_options *options,
                                     struct profile **ret, struct why *why)
{
    AUTO_PTR(profile) struct profile *profile = NULL;
    struct profile_options given = *options;
    enum rc rc = profile_create(&given, &profile);
    memset(&given, 0xff, sizeof(given)); /* the profile has its own copy */
    for (size_t i = 0; rc == RC_OK && i < n; i += piece) {
        rc = profile_push(profile, text + i, n - i < piece ? n - i : piece, why);
    }
    rc = rc != RC_OK ? rc : profile_end(profile, why);
    if (rc == RC_OK) {
        *ret = TAKE(profile);
    }
    return rc;
}

static inline enum rc sample_table(const char *text, size_t n, size_t piece, const struct profile_options *options, size_t bytes_max,
                                   struct table **ret, struct why *why)
{
    AUTO_PTR(profile) struct profile *profile = NULL;
    enum rc rc = sample_profile(text, n, piece, options, &profile, why);
    AUTO_PTR(table_reader) struct table_reader *reader = NULL;
    rc = rc != RC_OK ? rc : table_reader_create(profile_columns(profile), &options->missing, bytes_max, &reader);
    for (size_t i = 0; rc == RC_OK && i < n; i += piece) {
        rc = table_reader_push(reader, text + i, n - i < piece ? n - i : piece, why);
    }
    return rc != RC_OK ? rc : table_reader_end(reader, ret, why);
}

/* A table that must be good, with the default options. */
static inline struct table *sample_good(const char *text)
{
    const struct profile_options options = { 0 };
    struct table *table = NULL;
    struct why why = { 0 };
    check_ok(sample_table(text, strlen(text), 1000, &options, 1 << 30, &table, &why), &why);
    return table;
}

#endif
