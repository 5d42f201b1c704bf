/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/str.h"
#include "core/service/job.h"

#define HEARTBEAT_MS 10000

enum rc handle_job_create(struct api_request *request, struct why *why)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    struct doc *doc = NULL;
    enum rc rc = api_read_doc(request, &body, why);
    rc = rc != RC_OK ? rc : service_job_submit(request->service, request->caller.grant, body, &doc, why);
    return rc != RC_OK ? rc : handlers_created(request, 202, "/v1/jobs", doc);
}

enum rc handle_job_list(struct api_request *request, struct why *why)
{
    return handlers_list(request, why, service_job_list);
}

/* What all operations on one job look like. */
static enum rc reply_job(struct api_request *request, int status, struct why *why,
                         enum rc (*use_case)(struct service *, const char *, struct doc **, struct why *))
{
    struct doc *doc = NULL;
    const enum rc rc = use_case(request->service, api_get_param(request, "job"), &doc, why);
    return rc != RC_OK ? rc : api_reply_doc(request, status, doc);
}

enum rc handle_job_get(struct api_request *request, struct why *why)
{
    return reply_job(request, 200, why, service_job_get);
}

enum rc handle_job_cancel(struct api_request *request, struct why *why)
{
    return reply_job(request, 200, why, service_job_cancel);
}

enum rc handle_job_pause(struct api_request *request, struct why *why)
{
    return reply_job(request, 200, why, service_job_pause);
}

enum rc handle_job_resume(struct api_request *request, struct why *why)
{
    return reply_job(request, 200, why, service_job_resume);
}

/* Server-sent events of one watcher. */
struct watch {
    struct api *api;
    struct feed *feed;
    struct mono last; /* when something was said */
};

static enum rc write_event(const struct feed_event *event, struct buf *out)
{
    if (event->id >= 0) {
        (void)buf_printf(out, "id: %" PRId64 "\n", event->id); /* the buffer keeps its failure */
    }
    return buf_printf(out, "event: %s\ndata: %s\n\n", event->type, event->data);
}

static enum rc next_events(void *arg, struct buf *out, bool *ret_end)
{
    struct watch *watch = arg;
    enum rc rc = RC_OK;
    while (rc == RC_OK && out->len < API_CHUNK_MAX) {
        struct feed_event event = { .id = -1 };
        rc = feed_next(watch->feed, &event);
        if (rc == RC_OK) {
            rc = write_event(&event, out);
            mem_free(event.data);
        }
    }
    *ret_end = rc == RC_GONE;
    if (out->len > 0) {
        watch->last = mono_now();
    } else if (mono_since(watch->last) >= HEARTBEAT_MS * INT64_C(1000000)) {
        watch->last = mono_now();
        return buf_text(out, ": still here\n\n");
    }
    return rc == RC_GONE || rc == RC_UNAVAILABLE ? RC_OK : rc;
}

static void close_watch(void *arg)
{
    struct watch *watch = arg;
    feed_close(watch->feed);
    api_stream_leave(watch->api); /* the struct itself is the region's */
}

/* Does the Accept header name the type? Weights are not looked at. */
static bool accepts_events(const struct api_request *request)
{
    static const char wanted[] = "text/event-stream";
    const char *accept = api_get_header(request, "accept");
    for (const char *at = accept; at != NULL && *at != '\0'; at++) {
        if (strncasecmp(at, wanted, strlen(wanted)) == 0) {
            return true;
        }
    }
    return false;
}

static enum rc last_event(const struct api_request *request, int64_t *ret, struct why *why)
{
    const char *text = api_get_header(request, "last-event-id");
    *ret = 0;
    if (text != NULL && (!str_to_int64(text, ret) || *ret < 0)) {
        return why_fail(why, RC_INVALID, "header:Last-Event-ID", "must be the id of an event: a whole number from 0");
    }
    return RC_OK;
}

static enum rc open_watch(struct api_request *request, int64_t after, struct why *why)
{
    struct watch *watch = region_alloc(&request->region, 1, sizeof(*watch));
    if (watch == NULL) {
        return RC_NO_MEMORY;
    }
    enum rc rc = api_stream_enter(request->api, why);
    if (rc != RC_OK) {
        return rc;
    }
    watch->api = request->api;
    watch->last = mono_now();
    rc = service_job_feed(request->service, api_get_param(request, "job"), after, request->wake, request->wake_arg,
                          &watch->feed, why);
    if (rc != RC_OK) {
        api_stream_leave(request->api);
        return rc;
    }
    return api_reply_stream(request, "text/event-stream", (struct api_stream){ watch, next_events, close_watch });
}

enum rc handle_job_events(struct api_request *request, struct why *why)
{
    int64_t after;
    const enum rc rc = last_event(request, &after, why);
    if (rc != RC_OK || !accepts_events(request)) {
        return rc != RC_OK ? rc : reply_job(request, 200, why, service_job_events);
    }
    return open_watch(request, after, why);
}
