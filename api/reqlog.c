/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reqlog.h"

#include "api/route.h"
#include "core/base/log.h"

#define LINE_MAX_BYTES 2000

static void put_text(struct buf *line, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)buf_printf(line, ",\"%s\":", key); /* a line that does not fit is left out as a whole */
        (void)doc_write_string(text, line);
    }
}

static void put_number(struct buf *line, const char *key, int64_t n)
{
    (void)buf_printf(line, ",\"%s\":%lld", key, (long long)n);
}

void reqlog_write(const struct api_request *request, bool complete)
{
    AUTO(buf) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    const int64_t ms = wall_now().ms;
    (void)buf_printf(&line, "{\"time\":%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
    put_text(&line, "request_id", request->id);
    put_text(&line, "client_request_id", request->client_id);
    put_text(&line, "method", request->method);
    put_text(&line, "route", request->route == NULL ? "none" : request->route->pattern);
    put_text(&line, "model", request->log_model);
    if (request->log_version > 0) {
        put_number(&line, "version", request->log_version);
    }
    put_text(&line, "token", request->caller.token);
    put_number(&line, "status", request->response.status);
    put_text(&line, "code", request->response.code);
    if (!complete) {
        put_text(&line, "outcome", "client_left");
    }
    put_number(&line, "bytes_in", (int64_t)request->body_received);
    put_number(&line, "bytes_out", (int64_t)request->bytes_out);
    put_number(&line, "queue_us", request->queue_us);
    put_number(&line, "total_us", mono_since(request->started) / 1000);
    (void)buf_char(&line, '}');
    if (line.failed == RC_OK) {
        log_raw(line.data, line.len);
    }
}
