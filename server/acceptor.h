/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * The thread that accepts, for all listeners: each connection goes to the event
 * thread of its kind (plain or TLS) that has the fewest.
 *
 * At the ceiling of connections, or when the system gives no descriptor, it
 * sleeps and clients wait in the backlog of the kernel. The library's own
 * ceiling is never reached: version 0.9.75 does not come back from it.
 *
 * Threads: licit-accept; the calls are main's. Memory: acceptor_destroy(). Logs: that it waits for descriptors.
 */

struct acceptor;
struct http;

/* The lanes of http stand. RC_UNAVAILABLE: no thread; RC_NO_MEMORY. */
enum rc acceptor_create(struct http *http, struct acceptor **ret, struct why *why) MUST_CHECK;

/* A connection has gone: perhaps there is room. Any thread. NULL: nothing. */
void acceptor_wake(struct acceptor *acceptor);

/* Lets nobody new connect, accepts whoever has, ends. Passed sockets keep their backlog. Idempotent. */
void acceptor_stop(struct acceptor *acceptor);
void acceptor_destroy(struct acceptor *acceptor);

#endif
