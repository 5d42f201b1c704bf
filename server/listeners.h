/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include "server/listener.h"

/*
 * All sockets of the configuration, opened before anything is changed, so that
 * an address in use is told at once. A name that systemd passes may stand for
 * several sockets, each of which is a listener with the same settings.
 *
 * Threads: main. Memory: the caller's; borrows the configuration. Logs: no.
 */

#define LISTENERS_MAX 64

struct listeners {
    struct listener items[LISTENERS_MAX];
    size_t count;
};

/* RC_INVALID: a setting that does not fit its socket, a passed socket that nobody names; those of listener_open() and
 * passed_read(). why->path is the key. On failure what was opened is closed. */
enum rc listeners_open(const struct config *config, struct listeners *ret, struct why *why) MUST_CHECK;

/* Does any of them speak TLS? */
bool listeners_are_secure(const struct listeners *listeners);

void listeners_close(struct listeners *listeners);

#endif
