/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

/*
 * The floor under every HTTP answer: libmicrohttpd that reads a body, throws it
 * away and answers a constant. tests/bench/serve.py measures licitd beside it.
 *
 *     bench_bare PORT THREADS
 */

static struct MHD_Response *answer;

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *bytes, size_t *n, void **request)
{
    static int begun;
    if (*request == NULL) {
        *request = &begun;
        return MHD_YES;
    }
    if (*n > 0) {
        *n = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, answer);
}

int main(int argc, char **argv)
{
    static char text[] = "{\"predictions\":[[0.5]]}";
    if (argc != 3) {
        fprintf(stderr, "usage: bench_bare PORT THREADS\n");
        return 2;
    }
    answer = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
    if (answer == NULL || MHD_add_response_header(answer, "Content-Type", "application/json") != MHD_YES) {
        return 1;
    }
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG,
                                                 (uint16_t)strtol(argv[1], NULL, 10), NULL, NULL, handle, NULL,
                                                 MHD_OPTION_THREAD_POOL_SIZE, (unsigned)strtol(argv[2], NULL, 10), MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "could not listen on port %s\n", argv[1]);
        return 1;
    }
    while (getchar() != EOF) { /* serves until its standard input is closed */
    }
    MHD_stop_daemon(daemon);
    MHD_destroy_response(answer);
    return 0;
}
