/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REAPER_H
#define SERVER_REAPER_H

#include <pthread.h>

#include "server/exchange.h"

/*
 * The timer: ends connections that are past the time limit of what they are
 * doing, and wakes event streams for their heartbeat.
 *
 * Limits, as long as connections are below HTTP_TIGHT_PERCENT of the ceiling:
 * headers (and the TLS handshake) header_ms over all, a body or a reply
 * grace_ms and a second for each HTTP_BYTES_PER_SEC that have come or were
 * taken, idle idle_ms. The library does not tell when the headers of a second
 * request begin nor what of a reply is taken: there the kernel's counters do
 * (on a Unix socket the size of the reply counts instead). Above it limits
 * shrink in proportion, to HTTP_TIGHT_MS at the ceiling, and count from when
 * the phase began: who was slow before is cut at once. At the ceiling
 * connections that are idle for HTTP_IDLE_FULL_MS go first.
 *
 * Ending: a socket that is idle is only ended for reading, so that the library
 * still reads and answers what came in the same instant, and else closes it; one
 * that is slow is ended in both directions.
 *
 * Threads: its own. Memory: none. Logs: no.
 */

/* Runs until http->stop_ticker; argument and result of a thread. */
void *reaper_run(void *http);

#endif
