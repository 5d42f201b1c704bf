/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "api/request.h"
#include "core/base/rc.h"
#include "core/base/why.h"
#include "server/config.h"

/*
 * A socket that the daemon listens on: "127.0.0.1:8443", "[::1]:8443",
 * "localhost:0", "unix:PATH", or one that systemd passed.
 *
 * The end has two steps: listener_shut() lets nobody new connect, whoever has
 * connected is accepted, listener_close() closes. So no client that connected
 * is reset. A passed socket is left as it is: its backlog is the successor's.
 *
 * Threads: main; constant between open and shut. Memory: the caller's; it must
 * not move once `api` is filled. Logs: no.
 */

#define LISTENER_NAME_MAX 200

struct tls;

struct listener {
    int fd;
    bool is_local; /* a loopback address or a Unix socket */
    bool is_unix;
    bool is_passed;
    bool is_secure;               /* speaks TLS */
    char name[LISTENER_NAME_MAX]; /* where it really listens: "127.0.0.1:40123" */
    char path[108];               /* of a Unix socket of our own, removed at the end */
    dev_t device;                 /* of that file: another one in its place is left alone */
    ino_t inode;
    const struct config_listener *config; /* borrowed; NULL: none */
    struct tls *tls;                      /* borrowed; of one that is secure */
    struct address_range proxies[CONFIG_PROXIES_MAX];
    struct api_listener api; /* what requests see of it */
};

/* mode: of a Unix socket's file. RC_INVALID (not such a text, no such address), RC_CONFLICT (in use), RC_DENIED, RC_IO. */
enum rc listener_open(const char *where, mode_t mode, struct listener *ret, struct why *why) MUST_CHECK;

/* Around a listening socket that was passed. */
void listener_adopt(int fd, struct listener *ret);

/* Nobody can connect any more, whoever did can be accepted; false: its backlog is not ours. Idempotent. */
bool listener_shut(struct listener *listener);

/* Closes. Idempotent. */
void listener_close(struct listener *listener);

#endif
