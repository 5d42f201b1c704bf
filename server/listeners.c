/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listeners.h"

#include <string.h>

#include "server/passed.h"

#define PASSED_WORD "systemd:"

/* What the configuration says of it, in the words of the API. */
static enum rc fill(const struct config *config, const struct config_listener *from, struct listener *it, struct why *why)
{
    bool trusts_unix = false;
    size_t count = 0;
    it->config = from;
    it->is_secure = config_is_secure(config, from);
    const enum rc rc = config_read_proxies(from->proxies, it->proxies, &count, &trusts_unix, why);
    if (rc != RC_OK) {
        return why_under(why, rc, "listener.%s.proxies", from->name);
    }
    if (from->default_token[0] != '\0' && !it->is_local) {
        (void)why_fail(why, RC_INVALID, NULL, "needs a loopback address or a Unix socket: on %s everybody would have the token", it->name);
        return why_under(why, RC_INVALID, "listener.%s.default_token", from->name);
    }
    it->api = (struct api_listener){
        .name = from->name,
        .proxies = it->proxies,
        .proxy_count = count,
        .trusts_unix = trusts_unix && it->is_unix,
        .default_token = from->default_token[0] == '\0' ? NULL : from->default_token,
    };
    return RC_OK;
}

static enum rc add(const struct config *config, const struct config_listener *from, const struct listener *opened,
                   struct listeners *out, struct why *why)
{
    struct listener *it = &out->items[out->count]; /* as many as systemd passes and the configuration names at the very most */
    *it = *opened;
    out->count++;
    return fill(config, from, it, why);
}

static enum rc open_passed(const struct config *config, const struct config_listener *from, const char *name,
                           struct passed *passed, struct listeners *out, struct why *why)
{
    struct listener opened;
    enum rc rc = RC_OK;
    int count = 0;
    for (int fd; rc == RC_OK && out->count < LISTENERS_MAX && (fd = passed_take(passed, name)) >= 0; count++) {
        listener_adopt(fd, &opened);
        rc = add(config, from, &opened, out, why);
    }
    return count > 0 ? rc : why_fail(why, RC_INVALID, NULL, "systemd passes no socket of the name \"%s\"", name);
}

static enum rc open_one(const struct config *config, const struct config_listener *from, struct passed *passed,
                        struct listeners *out, struct why *why)
{
    const bool is_main = from == &config->listeners[0];
    const char *where = is_main ? config->http_listen : from->listen;
    struct listener opened;
    enum rc rc;
    if (is_main && from->listen[0] != '\0') {
        return why_fail(why, RC_INVALID, "listener.main.listen", "must be left out: the address of main is http.listen");
    }
    if (strncmp(where, PASSED_WORD, strlen(PASSED_WORD)) == 0) {
        rc = open_passed(config, from, where + strlen(PASSED_WORD), passed, out, why);
    } else if (out->count == LISTENERS_MAX) {
        rc = why_fail(why, RC_TOO_LARGE, NULL, "there may be at most %d sockets", LISTENERS_MAX);
    } else {
        rc = listener_open(where, (mode_t)from->mode, &opened, why);
        rc = rc != RC_OK ? rc : add(config, from, &opened, out, why);
    }
    if (rc == RC_OK || strncmp(why->path, "listener.", 9) == 0) {
        return rc;
    }
    return is_main ? why_under(why, rc, "http.listen") : why_under(why, rc, "listener.%s.listen", from->name);
}

enum rc listeners_open(const struct config *config, struct listeners *ret, struct why *why)
{
    struct passed passed = { 0 };
    ret->count = 0;
    enum rc rc = passed_read(&passed, why);
    for (size_t i = 0; i < config->listener_count && rc == RC_OK; i++) {
        rc = open_one(config, &config->listeners[i], &passed, ret, why);
    }
    rc = rc != RC_OK ? rc : passed_check(&passed, why);
    if (rc != RC_OK) {
        listeners_close(ret);
    }
    return rc;
}

bool listeners_are_secure(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i].is_secure) {
            return true;
        }
    }
    return false;
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        listener_close(&listeners->items[i]);
    }
    listeners->count = 0;
}
