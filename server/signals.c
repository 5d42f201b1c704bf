/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "core/base/rc.h"

static void fill(sigset_t *set)
{
    (void)sigemptyset(set); /* fails only on a bad pointer, as the next three */
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
}

/*
 * OpenBLAS makes a thread when it is loaded, before main(), and that thread blocks
 * nothing. A signal of the process may be given to it while main is not waiting,
 * and would end the process. So it has a handler that passes it on to main.
 */
static pthread_t waiter;

static void pass_on(int signal_number)
{
    const int saved = errno;
    (void)pthread_kill(waiter, signal_number); /* blocked there, so it stays until it is waited for */
    errno = saved;
}

void signals_block(void)
{
    sigset_t set;
    const struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
    fill(&set);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    waiter = pthread_self();
    MUST(sigaction(SIGTERM, &action, NULL) == 0 && sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGHUP, &action, NULL) == 0);
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
