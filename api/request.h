/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <stdint.h>

#include "api/response.h"
#include "core/auth/quota.h"
#include "core/base/address.h"
#include "core/base/clock.h"
#include "core/base/doc.h"
#include "core/base/field.h"
#include "core/base/id.h"
#include "core/base/region.h"
#include "core/base/why.h"

/*
 * One request, from its headers to its log line, as handlers see it.
 *
 * Everything a handler takes for the request comes from `region` and dies with
 * it. What must be undone when the request ends early (a half-written upload)
 * stands in `state` and is given to `drop` exactly once.
 *
 * Threads: one at a time; it moves between threads whole. Memory: api_begin()
 * makes it, api_done() frees it. Logs: no.
 */

#define API_PARAMS_MAX    4
#define API_REGION_MAX    (8u << 20) /* bytes of small things one request may take */
#define API_CLIENT_ID_MAX 128

struct api;
struct api_route;
struct service;
struct trace;

/* Where a piece of work belongs (design.md, Threads). */
enum api_where {
    API_INLINE,  /* small known cost: the event thread itself */
    API_COMPUTE, /* computes, never touches the disk */
    API_IO,      /* may read files and fsync */
};

/* A listening socket, as the configuration has it; constant while the daemon runs. */
struct api_listener {
    const char *name;
    const struct address_range *proxies; /* whose word on the client's address is believed */
    size_t proxy_count;
    bool trusts_unix;          /* a Unix socket on whose other end is such a proxy */
    const char *default_token; /* id of the token of requests that bring none; NULL: they are refused */
};

/* The connection that a request came over. */
struct api_peer {
    const struct api_listener *listener; /* NULL: not known, as in tests */
    struct address address;              /* of the other end */
    bool is_secure;                      /* over TLS */
    char token[ID_SIZE];                 /* id of the token that the verified client certificate stands for; empty: none */
    const struct why *refused;           /* why its certificate is not accepted; NULL: it is. Only while api_begin() runs */
};

/* What the door knows when the headers are complete. All borrowed for the call of api_begin(). */
struct api_head {
    const char *method;
    const char *target; /* raw, as it was sent: "/v1/models?limit=2" */
    const struct api_header *headers;
    size_t header_count;
    int64_t body_bytes;          /* what Content-Length says; API_BODY_CHUNKED */
    const struct api_peer *peer; /* NULL: not known, as in tests */
    const char *version;         /* "HTTP/1.1"; NULL: the same */
    bool malformed;              /* the door saw what no request may hold: a NUL, a bare LF, a folded line */
};

#define API_BODY_CHUNKED (-1)

/* Who is asking. */
struct api_caller {
    char token[ID_SIZE]; /* its public id; empty: nobody */
    void *grant;         /* what authenticate() found; lives as long as the request */
    struct quota *quota; /* its limits; NULL: none */
};

/* What a request costs a token with limits (charge.h). */
struct api_charge {
    bool entered;                /* it is counted as under way */
    bool is_paid;                /* the use: with the first chunk of an upload */
    enum api_where place;        /* where the handler runs */
    struct quota_numbers bound;  /* what the answer costs at most; for handlers that run elsewhere than on io workers */
    struct quota_numbers answer; /* rows and bits that the handler gave */
    struct quota_hold hold;      /* set aside for all but a stream */
    struct quota_hold stream;
};

struct api_param {
    const char *name;
    const char *value;
};

struct api_request {
    struct api *api;
    struct service *service; /* the use cases; NULL in tests of the dispatch alone */
    struct region region;
    char id[ID_SIZE];
    const char *client_id;     /* validated X-Request-Id or traceparent; NULL: none */
    const struct trace *trace; /* the valid traceparent, carried through; NULL: none */
    const char *method;
    const char *path; /* decoded; for routing, never logged */
    const struct api_route *route;
    struct api_param params[API_PARAMS_MAX];
    size_t param_count;
    void *query; /* the struct of the route's query schema */
    struct api_caller caller;
    struct api_charge charge;
    struct api_peer peer;
    struct address client;      /* who is behind the proxies, as far as they are believed */
    bool client_is_secure;      /* speaks TLS, to us or to the proxy */
    bool is_proxied;            /* the peer is a proxy that is believed */
    struct api_header *headers; /* copies, names in lower case */
    size_t header_count;

    struct buf body; /* of routes that take it whole */
    int64_t body_announced;
    uint64_t body_received;
    uint64_t body_max;

    struct api_response response;
    struct mono started, handed, deadline;
    int64_t queue_us;
    int64_t compute_us;    /* in the handler, chunks included */
    const char *log_model; /* for the request log; from the region */
    int64_t log_version;   /* 0: none */
    uint64_t bytes_out;
    bool refused;        /* the reply stands before the body was read */
    int64_t retry_after; /* seconds until a refusal that asks to come again would be none; 0: nobody knows, soon */

    void (*wake)(void *arg); /* the door's: a streamed reply has more */
    void *wake_arg;

    void *state; /* the handler's own, between chunks and the end */
    void (*drop)(void *state);
};

/* The value of a header (name in lower case) or of a path parameter; NULL: absent. */
const char *api_get_header(const struct api_request *request, const char *name);
const char *api_get_param(const struct api_request *request, const char *name);

/* {version} as a number; the route has checked its form. */
int64_t api_get_version(const struct api_request *request);

/* Does the caller hold kind:name:verb? RC_DENIED with words. name NULL: all. */
enum rc api_require(const struct api_request *request, const char *kind, const char *name,
                    const char *verb, struct why *why) MUST_CHECK;

/* The whole body as JSON; the caller destroys it. RC_UNSUPPORTED on a foreign content type; those of doc_parse(). */
enum rc api_read_doc(struct api_request *request, struct doc **ret, struct why *why) MUST_CHECK;

/* A reply header; the value is copied. RC_NO_MEMORY, also when there are too many. */
enum rc api_add_header(struct api_request *request, const char *name, const char *value);

/* The same with text that outlives the request, without a copy; set: takes the place of a header of that name. */
enum rc api_add_constant(struct api_request *request, const char *name, const char *value);
enum rc api_set_constant(struct api_request *request, const char *name, const char *value);

/* Whole replies. The document is handed over, also on failure; NULL gives RC_NO_MEMORY. */
enum rc api_reply(struct api_request *request, int status, const char *type, const void *bytes, size_t n);
enum rc api_reply_doc(struct api_request *request, int status, struct doc *doc);

/* A streamed reply: the stream is closed by the request, also when this fails. */
enum rc api_reply_stream(struct api_request *request, const char *type, struct api_stream stream);

#endif
