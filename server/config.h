/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/base/region.h"
#include "core/base/why.h"

/*
 * The configuration: one table of keys (config.c) from which come the defaults,
 * the check of every value, `licitd --print-config`, and the test that
 * config/licitd.conf explains each of them.
 *
 * A file is read by libinih; this is its one door. What is not exactly right is
 * refused with the file and the line: an unknown section or key, a key given
 * twice, a long line, a value out of bounds.
 *
 * Threads: one; constant afterwards. Memory: config_finish(). Logs: no.
 */

#define CONFIG_LINE_MAX 198 /* bytes of one line: what libinih reads whole */

struct config {
    const char *http_listen;
    int64_t http_threads;
    const char *http_prefix;
    int64_t http_connections;
    int64_t http_idle_ms;
    int64_t http_drain_ms;
    bool tls_enabled;
    const char *tls_certificate; /* empty: DIR/tls/ */
    const char *tls_key;
    int64_t pool_workers; /* 0: one a core */
    int64_t pool_io;
    int64_t pool_queue;
    int64_t train_trainers;
    int64_t train_threads; /* 0: one a core */
    int64_t train_memory;
    int64_t train_queue;
    int64_t limit_body;
    int64_t limit_predict;
    int64_t limit_upload;
    int64_t limit_rows;
    int64_t limit_model;
    int64_t limit_models;
    int64_t limit_deadline_ms;
    int64_t limit_streams;
    int64_t limit_token_ms;
    int64_t limit_anonymous;
    int64_t log_level; /* an enum log_level */
    bool log_requests;
    struct region _region;
};

/* What a value looks like. */
enum config_kind {
    CONFIG_TEXT,
    CONFIG_COUNT,
    CONFIG_BYTES,
    CONFIG_TIME,
    CONFIG_SWITCH,
    CONFIG_LEVEL,
};

struct config_key {
    const char *section, *name;
    enum config_kind kind;
    size_t offset;        /* of the value in struct config: const char *, bool or int64_t */
    const char *fallback; /* the default, as it would be written */
    int64_t min, max;
    const char *about; /* one sentence */
};

extern const struct config_key config_keys[]; /* closed by a row whose section is NULL */

/* All defaults. RC_NO_MEMORY. */
enum rc config_init(struct config *config) MUST_CHECK;
void config_finish(struct config *config);
DEFINE_AUTO(config)

/* One value: config_set(config, "http.threads", "4", why). RC_UNKNOWN_KEY, RC_INVALID; why->path is the key. */
enum rc config_set(struct config *config, const char *name, const char *value, struct why *why) MUST_CHECK;

/* Reads a file over what is there; name is for the words. RC_IO, RC_INVALID ... with why->path "name:line". */
enum rc config_read(struct config *config, FILE *file, const char *name, struct why *why) MUST_CHECK;

/* Writes the present values as a file that config_read() takes, each key with its sentence. */
void config_print(const struct config *config, FILE *out);

#endif
