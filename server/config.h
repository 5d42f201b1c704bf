/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/address.h"
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

#define CONFIG_LINE_MAX      198 /* bytes of one line: what libinih reads whole */
#define CONFIG_TEXT_MAX      170 /* bytes of a text: with its key it fits into the line that config_print() makes */
#define CONFIG_NAME_MAX      32  /* bytes of a listener's name */
#define CONFIG_LISTENERS_MAX 16
#define CONFIG_KEYS_MAX      64

/* Of client certificates, on one listener. */
enum config_client {
    CONFIG_CLIENT_NONE,    /* not asked for */
    CONFIG_CLIENT_REQUEST, /* asked for; a client without one may still bring a token */
    CONFIG_CLIENT_REQUIRE, /* no request without one */
};

/* Of a switch that may be left to another one. */
enum config_choice {
    CONFIG_AS_OTHERS,
    CONFIG_NO,
    CONFIG_YES,
};

/* One [listener NAME]. */
struct config_listener {
    char name[CONFIG_NAME_MAX + 1];
    const char *listen;            /* of "main": empty, it is http_listen */
    int64_t tls;                   /* an enum config_choice; the other one is tls_enabled */
    const char *certificate, *key; /* empty: those of [tls] */
    const char *client_ca;
    int64_t client_certificates; /* an enum config_client */
    const char *client_tokens;
    const char *proxies;       /* ranges separated by blanks, or "unix" */
    const char *default_token; /* empty: none */
    int64_t mode;              /* of a Unix socket's file */
};

struct config {
    const char *http_listen;
    int64_t http_threads;
    const char *http_prefix;
    const char *http_cors_origins;
    int64_t http_connections;
    int64_t http_per_address; /* connections of one address; 0: as many as there are */
    int64_t http_idle_ms;
    int64_t http_drain_ms;
    bool tls_enabled;
    bool tls_hsts;
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
    const char *log_requests;
    int64_t log_client;                                     /* an enum reqlog_address */
    struct config_listener listeners[CONFIG_LISTENERS_MAX]; /* the first is "main" */
    size_t listener_count;
    struct region _region;
};

/* What a value looks like. */
enum config_kind {
    CONFIG_TEXT,
    CONFIG_COUNT,
    CONFIG_BYTES,
    CONFIG_TIME,
    CONFIG_SWITCH,
    CONFIG_CHOICE, /* one of the row's words; its number is kept */
    CONFIG_MODE,   /* permissions of a file, in octal digits */
};

struct config_key {
    const char *section, *name;
    enum config_kind kind;
    size_t offset;        /* of the value in struct config or struct config_listener: const char *, bool or int64_t */
    const char *fallback; /* the default, as it would be written */
    int64_t min, max;
    const char *about;                                    /* one sentence */
    const char *const *words;                             /* of a choice; closed by NULL */
    enum rc (*check)(const char *value, struct why *why); /* of a text; NULL: any */
};

/* The section of the keys that each [listener NAME] may hold. */
#define CONFIG_LISTENER "listener"

extern const struct config_key config_keys[]; /* closed by a row whose section is NULL */

/* All defaults. RC_NO_MEMORY. */
enum rc config_init(struct config *config) MUST_CHECK;
void config_finish(struct config *config);
DEFINE_AUTO(config)

/* One value: config_set(config, "http.threads", "4", why), or "listener.NAME.key". RC_UNKNOWN_KEY, RC_INVALID; why->path is the key. */
enum rc config_set(struct config *config, const char *name, const char *value, struct why *why) MUST_CHECK;

/* Reads a file over what is there; name is for the words. RC_IO, RC_INVALID ... with why->path "name:line". */
enum rc config_read(struct config *config, FILE *file, const char *name, struct why *why) MUST_CHECK;

/*
 * The ranges of a listener's proxies into out (NULL: only counted and checked), at most max; *ret_unix: the word
 * unix stood there. RC_INVALID; RC_TOO_LARGE: more than CONFIG_PROXIES_MAX.
 */
#define CONFIG_PROXIES_MAX 32
enum rc config_read_proxies(const char *text, struct address_range *out, size_t *ret_count, bool *ret_unix, struct why *why) MUST_CHECK;

/* Does this listener speak TLS? */
bool config_is_secure(const struct config *config, const struct config_listener *listener);

/* Writes the present values as a file that config_read() takes, each key with its sentence. */
void config_print(const struct config *config, FILE *out);

#endif
