/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>

#include <microhttpd.h>

#include "core/base/buf.h"
#include "core/work/pool.h"
#include "server/head.h"
#include "server/http.h"
#include "server/peer.h"

/*
 * One request inside the door, and what all of them share. Only the
 * files of the door include this.
 *
 * The hand-over, free of races: suspend, then publish to the pool; the worker's
 * last touch is MHD_resume_connection(); the event thread goes on in its handler.
 */

struct exchange {
    struct http *http;
    struct MHD_Connection *connection;
    struct peer *peer;
    char *target;                /* raw; NULL: no memory */
    struct head_target place;    /* where it lay */
    struct api_request *request; /* NULL until the headers are there */
    struct pool_item item;
    struct buf gathered; /* bytes for `chunk` of a streamed body */
    bool at_end;         /* the item is the end, not a chunk */
    bool ended;
    uint64_t refused_at; /* bytes of the body that had come when it was refused; 0: it is not */
    bool told;           /* the refusal was sent in the middle of the body: nothing else is */
    int64_t body_started_ns;

    struct buf piece; /* of a streamed reply */
    size_t piece_given;
    bool stream_ended;
    struct exchange *next; /* in http->sleeping, guarded by http->lock, as the next two */
    bool asleep;           /* suspended until somebody wakes it */
    bool woken;            /* while it was awake: look again before sleeping */
};

struct http {
    /* set at start, then constant */
    struct http_settings settings;
    struct lane plain[HTTP_THREADS_MAX];
    struct lane secure[HTTP_THREADS_MAX]; /* without daemons when no listener speaks TLS */
    struct acceptor *acceptor;
    pthread_t ticker;

    _Atomic int64_t in_flight;
    _Atomic int64_t most;       /* connections at a time since the reaper gave memory back */
    _Atomic int64_t closing_ns; /* since when it is closing */
    atomic_bool closing;        /* event streams end */

    pthread_mutex_t lock;
    /* guarded by lock */
    pthread_cond_t turn; /* the ticker sleeps on it */
    bool stop_ticker;
    struct peer *peers;
    struct exchange *sleeping; /* event streams with nothing to say */
};

/* Connections at this moment. */
int64_t http_used(const struct http *http);

/* libmicrohttpd's callbacks. */
void *exchange_open(void *arg, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *bytes, size_t *n, void **place);
void exchange_close(void *arg, struct MHD_Connection *connection, void **place, enum MHD_RequestTerminationCode code);

/* Wakes every sleeping stream, so that it can beat or end. */
void exchange_wake_all(struct http *http);

#endif
