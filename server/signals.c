/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signals.h"

#include <errno.h>
#include <signal.h>

#include "core/base/rc.h"

static void fill(sigset_t *set)
{
    (void)sigemptyset(set); /* fails only on a bad pointer, as the next three */
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
}

void signals_block(void)
{
    sigset_t set;
    fill(&set);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

enum signals_event signals_wait(void)
{
    sigset_t set;
    fill(&set);
    int n;
    do {
        n = sigwaitinfo(&set, NULL);
    } while (n < 0 && errno == EINTR);
    return n == SIGHUP ? SIGNALS_RELOAD : SIGNALS_STOP;
}
