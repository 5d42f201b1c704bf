/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "core/base/rc.h"
#include "core/base/why.h"
#include "server/options.h"

/*
 * The process: owns the service, the pools, the API and the door, and starts
 * and stops them in one order, which is written in server.c.
 *
 * Threads: main. Memory: none stays. Logs: life events.
 */

/* Defaults, the file, --set, --listen and --plain, in this order. */
struct config;
enum rc server_configure(const struct options *options, struct config *config, struct why *why) MUST_CHECK;

/* Serves until SIGTERM or SIGINT, then drains; RC_OK after an orderly stop. */
enum rc server_run(const struct options *options, struct why *why) MUST_CHECK;

#endif
