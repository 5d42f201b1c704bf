/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * The socket that the daemon listens on: "127.0.0.1:8443", "[::1]:8443",
 * "localhost:0" or "unix:PATH". Threads: main. Memory: the caller's. Logs: no.
 */

#define LISTENER_NAME_MAX 200

struct listener {
    int fd;
    bool is_local; /* a loopback address or a Unix socket */
    bool is_unix;
    char name[LISTENER_NAME_MAX]; /* where it really listens: "127.0.0.1:40123" */
    char path[108];               /* of a Unix socket, removed at close */
};

/* RC_INVALID (not such a text, no such address), RC_CONFLICT (in use), RC_DENIED, RC_IO. */
enum rc listener_open(const char *where, struct listener *ret, struct why *why) MUST_CHECK;

/* Closes and removes the file of a Unix socket. Idempotent. */
void listener_close(struct listener *listener);

#endif
