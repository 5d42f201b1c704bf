/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/handlers.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/service/service.h"
#include "core/service/token.h"
#include "core/work/pool.h"
#include "server/config.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/signals.h"
#include "server/tls.h"

#define NAME_MAX_BYTES 100

/* In the order of start; NULL or -1: not yet. */
struct server {
    struct config config;
    const struct options *options;
    struct listener listener;
    struct service *service;
    struct pool *compute, *io;
    struct api *api;
    struct tls *tls;
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
        .version = LICIT_VERSION,
        .log_requests = config->log_requests,
    };
    return api_create(&settings, &server->api);
}

static enum rc open_tls(struct server *server, struct why *why)
{
    const struct config *config = &server->config;
    const struct tls_files files = {
        .section = "tls",
        .state = server->options->state,
        .certificate = config->tls_certificate,
        .key = config->tls_key,
    };
    if (config->tls_enabled) {
        return tls_create(&files, &server->tls, why);
    }
    if (!server->listener.is_local) {
        log_warn("plain_listener", "listen=%s why=%s", server->listener.name,
                 log_quote("tokens and data go over the network in the clear: use TLS, or a proxy in front").text);
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
        .listen_fd = server->listener.fd,
        .tls = server->tls,
        .threads = (int)config->http_threads,
        .connections = (int)config->http_connections,
        .idle_ms = config->http_idle_ms,
    };
    return http_start(&settings, &server->http, why);
}

/* A prefix is empty or "/name", without a slash at its end. */
static enum rc check_prefix(const char *prefix, struct why *why)
{
    const size_t n = strlen(prefix);
    if (n > 0 && (prefix[0] != '/' || prefix[n - 1] == '/')) {
        return why_fail(why, RC_INVALID, "http.prefix", "must begin with / and not end with it, got \"%s\"", prefix);
    }
    return RC_OK;
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
    rc = rc != RC_OK ? rc : listener_open(server->config.http_listen, &server->listener, why);
    rc = rc != RC_OK ? rc : open_service(server, why);
    rc = rc != RC_OK ? rc : open_pools(server, why);
    rc = rc != RC_OK ? rc : open_api(server);
    rc = rc != RC_OK ? rc : open_tls(server, why);
    rc = rc != RC_OK ? rc : open_http(server, why);
    if (rc == RC_OK) {
        api_set_ready(server->api, true);
        log_info("ready", "url=%s%s version=%s library=%s",
                 server->listener.is_unix ? "" : server->tls != NULL ? "https://"
                                                                     : "http://",
                 server->listener.name, LICIT_VERSION, log_quote(service_library()).text);
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
    listener_close(&server->listener);
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
    tls_destroy(server->tls);
    if (server->service != NULL) {
        service_close(server->service);
    }
}

/* The certificate and the log level; everything else needs a new start. */
static void reload(struct server *server)
{
    AUTO(config) struct config config;
    struct why why = { 0 };
    enum rc rc = config_init(&config);
    rc = rc != RC_OK ? rc : server_configure(server->options, &config, &why);
    rc = rc != RC_OK || server->tls == NULL ? rc : tls_reload(&server->tls, 1, &why);
    if (rc == RC_OK) {
        log_info("reloaded", "");
    } else {
        log_warn("reload_failed", "kept=%s at=%s why=%s", log_quote("what was there").text, log_quote(why.path).text, log_quote(why.text).text);
    }
}

enum rc server_run(const struct options *options, struct why *why)
{
    struct server server = { .options = options, .listener = { .fd = -1 } };
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
