/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_PASSED_H
#define SERVER_PASSED_H

#include <stdbool.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * The sockets that systemd passes, by its protocol of three variables
 * (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES; descriptors from 3 on). They stay
 * open and listening when the daemon ends, so that a successor serves whoever
 * waits in their backlog.
 *
 * Threads: main, before there are others (the environment is changed). Memory: none. Logs: no.
 */

#define PASSED_MAX       64
#define PASSED_NAME_SIZE 256
#define PASSED_FIRST     3 /* the first descriptor */

struct passed {
    int count;

    struct passed_socket {
        char name[PASSED_NAME_SIZE];
        bool taken;
    } items[PASSED_MAX]; /* of descriptor PASSED_FIRST + i */
};

/* Reads the variables and removes them, so that no child takes them for its own; none are zero sockets.
 * Each socket is made non-blocking and is closed by exec. RC_INVALID: not of this protocol, or not a listening stream socket. */
enum rc passed_read(struct passed *ret, struct why *why) MUST_CHECK;

/* The next socket of this name that was not taken; -1: there is none. */
int passed_take(struct passed *passed, const char *name);

/* RC_INVALID, naming it: a socket that nobody took would keep its clients waiting for ever. */
enum rc passed_check(const struct passed *passed, struct why *why) MUST_CHECK;

#endif
