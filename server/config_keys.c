/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "core/base/id.h"
#include "core/base/str.h"

#define K (INT64_C(1) << 10)
#define M (INT64_C(1) << 20)
#define G (INT64_C(1) << 30)

#define SECOND INT64_C(1000)
#define DAY    (86400 * SECOND)

#define AT(member) offsetof(struct config, member)
#define OF(member) offsetof(struct config_listener, member)

static const char *const level_words[] = { "error", "warn", "info", "debug", NULL }; /* enum log_level */
static const char *const choice_words[] = { "", "no", "yes", NULL };                 /* enum config_choice */
static const char *const address_words[] = { "truncated", "full", "none", NULL };    /* enum reqlog_address */
static const char *const client_words[] = { "none", "request", "require", NULL };    /* enum config_client */

enum rc config_read_proxies(const char *text, struct address_range *out, size_t *ret_count, bool *ret_unix, struct why *why)
{
    static const char blanks[] = " \t";
    size_t count = 0;
    bool is_unix = false;
    for (const char *at = text + strspn(text, blanks); *at != '\0'; at += strspn(at, blanks)) {
        const size_t n = strcspn(at, blanks);
        struct address_range range;
        if (n == 4 && memcmp(at, "unix", 4) == 0) {
            is_unix = true;
        } else if (!address_range_read(at, n, &range)) {
            return why_fail(why, RC_INVALID, NULL, "must be addresses, ranges like 10.0.0.0/8, or unix, got \"%.*s\"", (int)n, at);
        } else if (count == CONFIG_PROXIES_MAX) {
            return why_fail(why, RC_TOO_LARGE, NULL, "must be at most %d ranges", CONFIG_PROXIES_MAX);
        } else if (out != NULL) {
            out[count++] = range;
        } else {
            count++;
        }
        at += n;
    }
    *ret_count = count;
    *ret_unix = is_unix;
    return RC_OK;
}

static enum rc check_proxies(const char *value, struct why *why)
{
    size_t count;
    bool is_unix;
    return config_read_proxies(value, NULL, &count, &is_unix, why);
}

static enum rc check_requests(const char *value, struct why *why)
{
    bool on;
    if (value[0] != '/' && strcmp(value, "stderr") != 0 && !str_to_bool(value, &on)) {
        return why_fail(why, RC_INVALID, NULL, "must be no, stderr or the absolute path of a file, got \"%s\"", value);
    }
    return RC_OK;
}

static enum rc check_token(const char *value, struct why *why)
{
    if (value[0] != '\0' && !id_is(value, "tok")) {
        return why_fail(why, RC_INVALID, NULL, "must be the id of a token, tok-..., not its text");
    }
    return RC_OK;
}

const struct config_key config_keys[] = {
    { "http", "listen", CONFIG_TEXT, AT(http_listen), "127.0.0.1:8443", 0, 0, "Where to listen: ADDRESS:PORT, [ADDRESS]:PORT, unix:PATH or systemd:NAME; port 0 takes any." },
    { "http", "threads", CONFIG_COUNT, AT(http_threads), "2", 1, 64, "Threads that speak HTTP and TLS." },
    { "http", "prefix", CONFIG_TEXT, AT(http_prefix), "", 0, 0, "Path below which a proxy serves licit, as /licit; empty: none." },
    { "http", "cors_origins", CONFIG_TEXT, AT(http_cors_origins), "", 0, 0, "Origins whose pages may read answers, separated by blanks: https://app.example; * is any; empty: none." },
    { "http", "connections", CONFIG_COUNT, AT(http_connections), "4096", 2, 100000, "Connections at a time." },
    { "http", "connections_per_address", CONFIG_COUNT, AT(http_per_address), "0", 0, 100000, "Connections of one address at a time; 0: no such limit." },
    { "http", "idle", CONFIG_TIME, AT(http_idle_ms), "60s", SECOND, 3600 * SECOND, "How long a connection may be silent." },
    { "http", "drain", CONFIG_TIME, AT(http_drain_ms), "10s", 0, 600 * SECOND, "How long a stop waits for requests in flight." },
    { "tls", "enabled", CONFIG_SWITCH, AT(tls_enabled), "yes", 0, 0, "Speak TLS 1.2 and 1.3; --plain is the same as no." },
    { "tls", "certificate", CONFIG_TEXT, AT(tls_certificate), "", 0, 0, "PEM file of the certificate chain; empty: one made at first start." },
    { "tls", "key", CONFIG_TEXT, AT(tls_key), "", 0, 0, "PEM file of its private key." },
    { "tls", "hsts", CONFIG_SWITCH, AT(tls_hsts), "no", 0, 0, "Tell browsers that came over TLS to never come without it (Strict-Transport-Security)." },
    { "pool", "workers", CONFIG_COUNT, AT(pool_workers), "0", 0, 64, "Threads that compute predictions; 0: one a core." },
    { "pool", "io", CONFIG_COUNT, AT(pool_io), "4", 1, 64, "Threads that read and write files." },
    { "pool", "queue", CONFIG_COUNT, AT(pool_queue), "1024", 1, 1000000, "Requests that may wait for each kind of thread." },
    { "train", "trainers", CONFIG_COUNT, AT(train_trainers), "1", 1, 16, "Jobs that run at a time." },
    { "train", "threads", CONFIG_COUNT, AT(train_threads), "0", 0, 64, "Threads of one job; 0: one a core." },
    { "train", "memory", CONFIG_BYTES, AT(train_memory), "2G", M, 1024 * G, "Memory that one job may need." },
    { "train", "queue", CONFIG_COUNT, AT(train_queue), "1000", 1, 100000, "Jobs that may wait." },
    { "limits", "body", CONFIG_BYTES, AT(limit_body), "256k", K, 16 * M, "Size of a JSON body of the native API." },
    { "limits", "predict", CONFIG_BYTES, AT(limit_predict), "8M", K, 256 * M, "Size of the body of a prediction." },
    { "limits", "upload", CONFIG_BYTES, AT(limit_upload), "1G", K, 1024 * G, "Size of an uploaded dataset." },
    { "limits", "rows", CONFIG_COUNT, AT(limit_rows), "10000", 1, 65536, "Rows of one prediction." },
    { "limits", "model", CONFIG_BYTES, AT(limit_model), "1G", M, 1024 * G, "Memory that one loaded version may need." },
    { "limits", "models", CONFIG_BYTES, AT(limit_models), "4G", M, 1024 * G, "Memory that all loaded versions may need together." },
    { "limits", "deadline", CONFIG_TIME, AT(limit_deadline_ms), "30s", 100, 3600 * SECOND, "How long a request may wait before it is worked on." },
    { "limits", "streams", CONFIG_COUNT, AT(limit_streams), "64", 0, 10000, "Event streams at a time." },
    { "limits", "token_life", CONFIG_TIME, AT(limit_token_ms), "365d", 60 * SECOND, 3650 * DAY, "The longest life that a token may be given." },
    { "limits", "anonymous", CONFIG_COUNT, AT(limit_anonymous), "100", 0, 100000, "Requests a second from one address without a valid token; 0: no limit." },
    { CONFIG_LISTENER, "listen", CONFIG_TEXT, OF(listen), "", 0, 0, "Where this one listens, as http.listen, which is the address of main." },
    { CONFIG_LISTENER, "tls", CONFIG_CHOICE, OF(tls), "", 0, 0, "yes or no; empty: as tls.enabled.", choice_words },
    { CONFIG_LISTENER, "certificate", CONFIG_TEXT, OF(certificate), "", 0, 0, "PEM file of its certificate chain; empty: as tls.certificate." },
    { CONFIG_LISTENER, "key", CONFIG_TEXT, OF(key), "", 0, 0, "PEM file of its private key; empty: as tls.key." },
    { CONFIG_LISTENER, "client_ca", CONFIG_TEXT, OF(client_ca), "", 0, 0, "PEM file of the authorities that sign client certificates." },
    { CONFIG_LISTENER, "client_certificates", CONFIG_CHOICE, OF(client_certificates), "none", 0, 0, "none, request or require.", client_words },
    { CONFIG_LISTENER, "client_tokens", CONFIG_TEXT, OF(client_tokens), "", 0, 0, "File that says which token a client certificate stands for." },
    { CONFIG_LISTENER, "proxies", CONFIG_TEXT, OF(proxies), "", 0, 0, "Proxies whose word on the client's address is believed: addresses, ranges, or unix.", NULL, check_proxies },
    { CONFIG_LISTENER, "default_token", CONFIG_TEXT, OF(default_token), "", 0, 0, "Id of the token of requests that bring none; loopback and Unix sockets only.", NULL, check_token },
    { CONFIG_LISTENER, "mode", CONFIG_MODE, OF(mode), "0660", 0, 0777, "Permissions of a Unix socket's file." },
    { "log", "level", CONFIG_CHOICE, AT(log_level), "info", 0, 0, "error, warn, info or debug.", level_words },
    { "log", "requests", CONFIG_TEXT, AT(log_requests), "stderr", 0, 0, "Where one JSON line a request goes: no, stderr or the absolute path of a file.", NULL, check_requests },
    { "log", "client_address", CONFIG_CHOICE, AT(log_client), "truncated", 0, 0, "What of a client's address stands there: truncated, full or none.", address_words },
    { .section = NULL },
};

static_assert(COUNT_OF(config_keys) <= CONFIG_KEYS_MAX, "a reader notes which keys it has seen");
