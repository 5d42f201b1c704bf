/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cors.h"
#include "api/handlers.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/service/caller.h"
#include "core/service/service.h"
#include "core/service/token.h"
#include "core/work/pool.h"
#include "server/config.h"
#include "server/files.h"
#include "server/http.h"
#include "server/listeners.h"
#include "server/logfile.h"
#include "server/signals.h"
#include "server/tls.h"

#define NAME_MAX_BYTES 100

/* In the order of start; NULL or -1: not yet. */
struct server {
    struct config config;
    const struct options *options;
    struct listeners listeners;
    struct logfile *requests; /* NULL also without a request log */
    struct service *service;
    struct pool *compute, *io;
    struct api *api;
    struct tls *tls[CONFIG_LISTENERS_MAX]; /* one for each [listener] that speaks TLS */
    size_t tls_count;
    int64_t connections; /* that fit */
    struct http *http;
};

static enum rc read_config(const char *path, struct config *config, struct why *why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return why_fail(why, RC_IO, path, "cannot be opened: %s", strerror(errno));
    }
    const enum rc rc = config_read(config, file, path, why);
    (void)fclose(file); /* only read */
    return rc;
}

static enum rc apply_set(struct config *config, const char *text, struct why *why)
{
    char name[NAME_MAX_BYTES];
    const size_t n = strcspn(text, "=");
    if (n >= sizeof(name)) {
        return why_fail(why, RC_UNKNOWN_KEY, text, "is not a key; licitd --print-config lists them");
    }
    memcpy(name, text, n);
    name[n] = '\0';
    return config_set(config, name, text + n + 1, why);
}

enum rc server_configure(const struct options *options, struct config *config, struct why *why)
{
    enum rc rc = options->config == NULL ? RC_OK : read_config(options->config, config, why);
    for (int i = 0; i < options->set_count && rc == RC_OK; i++) {
        rc = apply_set(config, options->sets[i], why);
    }
    if (rc == RC_OK && options->listen != NULL) {
        rc = config_set(config, "http.listen", options->listen, why);
    }
    if (rc == RC_OK && options->plain) {
        config->tls_enabled = false;
    }
    log_set_level((enum log_level)config->log_level);
    return rc;
}

static int cores(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > POOL_THREADS_MAX ? POOL_THREADS_MAX
                                            : (int)n;
}

static enum rc open_service(struct server *server, struct why *why)
{
    const struct config *config = &server->config;
    struct service_config settings = service_defaults;
    settings.state = server->options->state;
    settings.trainers = (int)config->train_trainers;
    settings.train_threads = config->train_threads == 0 ? cores() : (int)config->train_threads;
    settings.train_memory = (size_t)config->train_memory;
    settings.model_memory = (size_t)config->limit_model;
    settings.resident_memory = (size_t)config->limit_models;
    settings.dataset_bytes = (size_t)config->limit_upload;
    settings.jobs_waiting = (int)config->train_queue;
    settings.token_seconds = config->limit_token_ms / 1000;
    bool made = false;
    enum rc rc = service_open(&settings, &server->service, why);
    rc = rc != RC_OK ? rc : service_first_token(server->service, &made, why);
    if (made) {
        log_info("first_token", "file=%s/first-token scope=* days=30", settings.state);
    }
    return rc;
}

static enum rc open_pools(struct server *server, struct why *why)
{
    const struct config *config = &server->config;
    const struct pool_spec compute = {
        .name = "w",
        .threads = config->pool_workers == 0 ? cores() : (int)config->pool_workers,
        .queue_max = (size_t)config->pool_queue,
    };
    const struct pool_spec io = { .name = "io", .threads = (int)config->pool_io, .queue_max = (size_t)config->pool_queue };
    enum rc rc = pool_create(&compute, &server->compute);
    rc = rc != RC_OK ? rc : pool_create(&io, &server->io);
    return rc == RC_OK ? rc : why_fail(why, rc, "pool", "the threads cannot be made");
}

static enum rc open_requests(struct server *server, struct why *why)
{
    const char *target = server->config.log_requests;
    bool on = target[0] == '/' || strcmp(target, "stderr") == 0;
    if (!on && !str_to_bool(target, &on)) { /* the configuration has let only these words in */
        return why_fail(why, RC_INVALID, "log.requests", "must be no, stderr or the absolute path of a file");
    }
    return on ? logfile_open(target[0] == '/' ? target : NULL, &server->requests, why) : RC_OK;
}

static enum rc open_api(struct server *server)
{
    const struct config *config = &server->config;
    const struct api_settings settings = {
        .routes = api_routes,
        .auth = handlers_auth(server->service),
        .service = server->service,
        .limits = {
            .json_bytes = (uint64_t)config->limit_body,
            .predict_bytes = (uint64_t)config->limit_predict,
            .upload_bytes = (uint64_t)config->limit_upload,
            .predict_rows = config->limit_rows,
            .deadline_ms = config->limit_deadline_ms,
            .streams = config->limit_streams,
            .anonymous = config->limit_anonymous,
        },
        .prefix = config->http_prefix,
        .cors_origins = config->http_cors_origins,
        .hsts = config->tls_hsts,
        .version = LICIT_VERSION,
        .log = {
            .arg = server->requests,
            .write = server->requests == NULL ? NULL : logfile_write,
            .address = (enum reqlog_address)config->log_client,
        },
    };
    return api_create(&settings, &server->api);
}

static_assert((int)CONFIG_CLIENT_NONE == (int)TLS_CLIENTS_NONE && (int)CONFIG_CLIENT_REQUEST == (int)TLS_CLIENTS_REQUEST &&
                  (int)CONFIG_CLIENT_REQUIRE == (int)TLS_CLIENTS_REQUIRE,
              "the words of the configuration are those of tls.h");

static bool judges_clients(const struct config_listener *it)
{
    return it->client_ca[0] != '\0' || it->client_tokens[0] != '\0' || it->client_certificates != CONFIG_CLIENT_NONE;
}

/* Who asks for certificates would believe that they are looked at. */
static enum rc check_plain(const struct config_listener *it, struct why *why)
{
    if (judges_clients(it)) {
        (void)why_fail(why, RC_INVALID, "client_certificates", "need TLS, which this listener does not speak");
        return why_under(why, RC_INVALID, "listener.%s", it->name);
    }
    return RC_OK;
}

/* The TLS of one [listener], for all its sockets. */
static enum rc open_tls_of(struct server *server, const struct config_listener *it, struct why *why)
{
    const struct config *config = &server->config;
    char section[TLS_SECTION_MAX];
    const bool shared = it->certificate[0] == '\0' && it->key[0] == '\0';
    const bool own = !shared || judges_clients(it);
    (void)snprintf(section, sizeof(section), "%s%s", own ? "listener." : "tls", own ? it->name : ""); /* fits */
    const struct tls_files files = {
        .section = section,
        .state = server->options->state,
        .certificate = shared ? config->tls_certificate : it->certificate,
        .key = shared ? config->tls_key : it->key,
        .client_ca = it->client_ca,
        .client_tokens = it->client_tokens,
        .clients = (enum tls_clients)it->client_certificates,
    };
    struct tls *tls = NULL;
    const enum rc rc = tls_create(&files, &tls, why);
    if (rc != RC_OK) {
        return rc;
    }
    server->tls[server->tls_count++] = tls;
    for (size_t i = 0; i < server->listeners.count; i++) {
        if (server->listeners.items[i].config == it) {
            server->listeners.items[i].tls = tls;
        }
    }
    return RC_OK;
}

static enum rc open_tls(struct server *server, struct why *why)
{
    const struct config *config = &server->config;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < config->listener_count && rc == RC_OK; i++) {
        rc = config_is_secure(config, &config->listeners[i]) ? open_tls_of(server, &config->listeners[i], why)
                                                             : check_plain(&config->listeners[i], why);
    }
    for (size_t i = 0; i < server->listeners.count; i++) {
        const struct listener *it = &server->listeners.items[i];
        if (!it->is_secure && !it->is_local) {
            log_warn("plain_listener", "listen=%s why=%s", it->name,
                     log_quote("tokens and data go over the network in the clear: use TLS, or a proxy in front").text);
        }
    }
    return rc;
}

/* A default token must exist by the time it is used; one that may do everything is refused now, and whenever it is used. */
static enum rc check_default_tokens(struct server *server, struct why *why)
{
    for (size_t i = 0; i < server->listeners.count; i++) {
        const struct api_listener *it = &server->listeners.items[i].api;
        const struct caller_ask ask = { .id = it->default_token, .needs_scopes = true };
        struct caller *caller = NULL;
        const enum rc rc = it->default_token == NULL ? RC_OK : caller_find(server->service, &ask, &caller, why);
        caller_release(caller);
        if (rc == RC_UNAUTHENTICATED) {
            log_warn("default_token_unknown", "listener=%s token=%s why=%s", it->name, it->default_token, log_quote("there is no such token now").text);
        } else if (rc != RC_OK) {
            return why_under(why, rc, "listener.%s.default_token", it->name);
        }
    }
    return RC_OK;
}

static enum rc open_http(struct server *server, struct why *why)
{
    const struct config *config = &server->config;
    const struct http_settings settings = {
        .api = server->api,
        .compute = server->compute,
        .io = server->io,
        .listeners = server->listeners.items,
        .listener_count = server->listeners.count,
        .threads = (int)config->http_threads,
        .connections = (int)server->connections,
        .per_address = (int)config->http_per_address,
        .idle_ms = config->http_idle_ms,
    };
    return http_start(&settings, &server->http, why);
}

/* A prefix is empty or "/name", without a slash at its end and without what would have to be written in another way. */
static enum rc check_prefix(const char *prefix, struct why *why)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~./";
    const size_t n = strlen(prefix);
    if (n > 0 && (prefix[0] != '/' || prefix[n - 1] == '/')) {
        return why_fail(why, RC_INVALID, "http.prefix", "must begin with / and not end with it, got \"%s\"", prefix);
    }
    if (strspn(prefix, letters) != n || strstr(prefix, "//") != NULL || strstr(prefix, "/.") != NULL) {
        return why_fail(why, RC_INVALID, "http.prefix", "must be names of letters, digits, '-', '_', '~' and '.', got \"%s\"", prefix);
    }
    return RC_OK;
}

static const char *get_scheme(const struct listener *listener)
{
    return listener->is_unix ? "" : listener->is_secure ? "https://"
                                                        : "http://";
}

static void tell_ready(const struct server *server)
{
    for (size_t i = 1; i < server->listeners.count; i++) {
        const struct listener *it = &server->listeners.items[i];
        log_info("listening", "listener=%s url=%s%s", it->api.name, get_scheme(it), it->name);
    }
    const struct listener *main = &server->listeners.items[0];
    log_info("ready", "url=%s%s version=%s library=%s", get_scheme(main), main->name, LICIT_VERSION, log_quote(service_library()).text);
}

/* The API reads them again, and has no words. */
static enum rc check_origins(const char *text, struct why *why)
{
    struct cors *cors = NULL;
    const enum rc rc = cors_create(text, &cors, why);
    cors_destroy(cors);
    return rc == RC_OK ? rc : why_under(why, rc, "http.cors_origins");
}

/*
 * The start order. The socket comes first, so that a port in use is told before
 * anything is changed; it answers nobody before the door is open.
 */
static enum rc start(struct server *server, struct why *why)
{
    if (mkdir(server->options->state, 0700) != 0 && errno != EEXIST) {
        return why_fail(why, RC_IO, "--state", "cannot make %s: %s", server->options->state, strerror(errno));
    }
    enum rc rc = check_prefix(server->config.http_prefix, why);
    rc = rc != RC_OK ? rc : check_origins(server->config.http_cors_origins, why);
    rc = rc != RC_OK ? rc : files_reserve(server->config.http_connections, &server->connections, why);
    rc = rc != RC_OK ? rc : listeners_open(&server->config, &server->listeners, why);
    rc = rc != RC_OK ? rc : open_requests(server, why);
    rc = rc != RC_OK ? rc : open_service(server, why);
    rc = rc != RC_OK ? rc : check_default_tokens(server, why);
    rc = rc != RC_OK ? rc : open_pools(server, why);
    rc = rc != RC_OK ? rc : open_api(server);
    rc = rc != RC_OK ? rc : open_tls(server, why);
    rc = rc != RC_OK ? rc : open_http(server, why);
    if (rc == RC_OK) {
        api_set_ready(server->api, true);
        tell_ready(server);
    }
    return rc;
}

/* The stop order; also of a start that came half-way. */
static void stop(struct server *server)
{
    if (server->api != NULL) {
        api_set_ready(server->api, false);
    }
    if (server->http != NULL) {
        http_quiesce(server->http);
    }
    listeners_close(&server->listeners);
    if (server->http != NULL) {
        const bool drained = http_wait(server->http, server->config.http_drain_ms);
        log_info("drained", "all=%s", drained ? "yes" : "no");
    }
    if (server->service != NULL) {
        service_stop(server->service); /* running jobs keep their last checkpoint and go on after the next start */
    }
    if (server->http != NULL) {
        http_stop(server->http);
    }
    pool_destroy(server->compute);
    pool_destroy(server->io);
    api_destroy(server->api);
    for (size_t i = 0; i < server->tls_count; i++) {
        tls_destroy(server->tls[i]);
    }
    if (server->service != NULL) {
        service_close(server->service);
    }
    logfile_close(server->requests);
}

/* The certificate, the log level and the file of the request log; everything else needs a new start. */
static void reload(struct server *server)
{
    AUTO(config) struct config config;
    struct why why = { 0 };
    enum rc rc = config_init(&config);
    rc = rc != RC_OK ? rc : server_configure(server->options, &config, &why);
    rc = rc != RC_OK ? rc : tls_reload(server->tls, server->tls_count, &why);
    const enum rc reopened = logfile_reopen(server->requests, rc == RC_OK ? &why : NULL); /* a log is moved away whatever else is wrong */
    rc = rc != RC_OK ? rc : reopened;
    if (rc == RC_OK) {
        log_info("reloaded", "");
    } else {
        log_warn("reload_failed", "kept=%s at=%s why=%s", log_quote("what was there").text, log_quote(why.path).text, log_quote(why.text).text);
    }
}

enum rc server_run(const struct options *options, struct why *why)
{
    struct server server = { .options = options };
    signals_block();
    enum rc rc = config_init(&server.config);
    if (rc != RC_OK) {
        return rc;
    }
    rc = server_configure(options, &server.config, why);
    rc = rc != RC_OK ? rc : start(&server, why);
    while (rc == RC_OK && signals_wait() == SIGNALS_RELOAD) {
        reload(&server);
    }
    if (rc == RC_OK) {
        log_info("stopping", "");
    }
    stop(&server);
    config_finish(&server.config);
    if (rc == RC_OK) {
        log_info("stopped", "");
    }
    return rc;
}
