/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/loopback.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define PATIENCE_SECONDS 60 /* a stream that says nothing for so long is at rest */

static void wake(void *arg)
{
    (void)sem_post(arg);
}

static size_t fill_headers(const struct loopback_call *call, char *authorization, size_t size, struct api_header *out)
{
    size_t n = 0;
    if (!call->no_host) {
        out[n++] = (struct api_header){ "Host", "localhost" };
    }
    if (call->token != NULL) {
        (void)snprintf(authorization, size, "Bearer %s", call->token);
        out[n++] = (struct api_header){ "Authorization", authorization };
    }
    if (call->type != NULL) {
        out[n++] = (struct api_header){ "Content-Type", call->type };
    }
    for (size_t i = 0; i < COUNT_OF(call->more) && call->more[i].name != NULL; i++) {
        out[n++] = call->more[i];
    }
    return n;
}

static void keep_reply(const struct api_request *request, struct buf *streamed, struct loopback_reply *ret)
{
    const struct api_response *response = &request->response;
    const struct buf *body = response->stream.next != NULL ? streamed : &response->body;
    ret->status = response->status;
    ret->body = mem_strndup(body->data == NULL ? "" : body->data, body->len);
    ret->body_bytes = body->len;
    MUST(ret->body != NULL);
    for (size_t i = 0; i < response->header_count; i++) {
        ret->headers[i] = (struct api_header){ mem_strdup(response->headers[i].name), mem_strdup(response->headers[i].value) };
    }
    ret->header_count = response->header_count;
    if (doc_parse(ret->body, ret->body_bytes, &ret->doc, NULL) != RC_OK) {
        ret->doc = NULL;
    }
}

/* Reads a streamed reply to its end, sleeping until there is more. */
static void read_stream(struct api_request *request, sem_t *more, struct buf *out)
{
    bool end = request->response.stream.next == NULL;
    while (!end) {
        const size_t before = out->len;
        MUST(api_next(request, out, &end) == RC_OK);
        if (!end && out->len == before) {
            struct timespec until;
            (void)clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += PATIENCE_SECONDS;
            end = sem_timedwait(more, &until) != 0;
        }
    }
}

void loopback(struct api *api, const struct loopback_call *call, struct loopback_reply *ret)
{
    char authorization[3000];
    struct api_header headers[8];
    const size_t n = call->body == NULL ? 0 : call->body_bytes > 0 ? call->body_bytes
                                                                   : strlen(call->body);
    const struct api_head head = {
        .method = call->method,
        .target = call->target,
        .headers = headers,
        .header_count = fill_headers(call, authorization, sizeof(authorization), headers),
        .peer = call->peer,
        .body_bytes = call->chunked ? API_BODY_CHUNKED : (int64_t)n,
    };
    *ret = (struct loopback_reply){ 0 };
    struct api_request *request = api_begin(api, &head);
    MUST(request != NULL);
    sem_t more;
    (void)sem_init(&more, 0, 0);
    api_on_wake(request, wake, &more);
    const size_t step = call->chunk == 0 ? n : call->chunk;
    for (size_t at = 0; at < n; at += step) {
        api_body(request, call->body + at, n - at < step ? n - at : step);
    }
    api_end(request);
    AUTO(buf) struct buf streamed;
    buf_init(&streamed, 1u << 20);
    read_stream(request, &more, &streamed);
    keep_reply(request, &streamed, ret);
    api_done(request, true);
    (void)sem_destroy(&more);
}

void loopback_finish(struct loopback_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        mem_free((void *)reply->headers[i].name);
        mem_free((void *)reply->headers[i].value);
    }
    doc_destroy(reply->doc);
    mem_free(reply->body);
    *reply = (struct loopback_reply){ 0 };
}

const char *loopback_header(const struct loopback_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcasecmp(reply->headers[i].name, name) == 0) {
            return reply->headers[i].value;
        }
    }
    return "";
}
