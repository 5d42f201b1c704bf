/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

/*
 * Signals are waited for by the main thread; the only handler passes on what a
 * thread of a library was given. Threads: main, before any other is made. Memory: none. Logs: no.
 */

enum signals_event {
    SIGNALS_STOP,   /* SIGTERM, SIGINT */
    SIGNALS_RELOAD, /* SIGHUP */
};

/* Blocks them for this and all later threads, and ignores SIGPIPE. */
void signals_block(void);

/* Waits for the next one. */
enum signals_event signals_wait(void);

#endif
