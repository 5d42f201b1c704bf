/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "api/reqlog.h"
#include "api/route.h"
#include "server/logfile.h"

/* What a line of the request log costs, in CPU time: build/tests/bench/bench_reqlog FILE (which is appended to) */

#define LINES  200000
#define BURST  300 /* lines of one gathering at 30,000 requests a second */
#define ROUNDS 3

static double cpu_ns(clockid_t clock)
{
    struct timespec now;
    MUST(clock_gettime(clock, &now) == 0);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void measure(const struct api_request *request, struct logfile *log)
{
    char line[REQLOG_LINE_MAX];
    size_t n = 0;
    double begun = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < LINES; i++) {
        n = reqlog_format(request, true, REQLOG_TRUNCATED, line);
    }
    const double format = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
    const double all = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    begun = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < LINES; i++) {
        logfile_write(log, line, n);
        if (i % BURST == BURST - 1) {
            (void)nanosleep(&(struct timespec){ 0, LOGFILE_GATHER_MS * 1000000L }, NULL); /* a short night does no harm */
        }
    }
    const double hand_over = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
    const double thread = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - all - hand_over;
    printf("%zu bytes: formatting %.0f ns, handing over %.0f ns, the thread %.0f ns a line\n", n, format / LINES, hand_over / LINES,
           thread / LINES);
}

int main(int argc, char **argv)
{
    static const unsigned char address[4] = { 192, 0, 2, 7 };
    const struct api_route route = { .pattern = "/v1/models/{model}:predict" };
    const struct api_listener listener = { .name = "main" };
    struct api_request request = { .method = "POST", .route = &route, .log_model = "credit", .log_version = 1, .body_received = 851 };
    request.response.status = 200;
    request.peer.listener = &listener;
    request.client = address_make(ADDRESS_IPV4, address);
    request.started = mono_now();
    id_make("req", request.id);
    id_make("tok", request.caller.token);
    struct logfile *log = NULL;
    struct why why = { 0 };
    if (argc != 2 || logfile_open(argv[1], &log, &why) != RC_OK) {
        (void)fprintf(stderr, "usage: bench_reqlog FILE; %s\n", why.text);
        return 2;
    }
    for (int i = 0; i < ROUNDS; i++) {
        measure(&request, log);
    }
    logfile_close(log);
    return 0;
}
