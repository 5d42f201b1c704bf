/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reqlog.h"

#include <assert.h>
#include <string.h>

#include "api/route.h"
#include "api/trace.h"

#define TEXT_MAX   150 /* bytes of one value in the line */
#define AROUND_MAX 24  /* bytes of its key, and of all quotes */
#define ESCAPE_MAX 6   /* bytes that one byte may become */
#define NUMBER_MAX 24

struct entry {
    double time;
    const char *request_id, *client_request_id, *trace_id, *span_id, *parent_id;
    const char *listener, *client, *token;
    const char *method, *route, *model;
    int64_t version, status;
    const char *code, *outcome;
    int64_t bytes_in, bytes_out, queue_us, compute_us, total_us;
};

#define TEXT(member, words)                                                                             \
    {                                                                                                   \
        .name = #member, .kind = FIELD_STRING, .offset = offsetof(struct entry, member), .about = words \
    }
#define NUMBER(member, words)                                                                            \
    {                                                                                                    \
        .name = #member, .kind = FIELD_INTEGER, .offset = offsetof(struct entry, member), .about = words \
    }

static const struct field fields[] = {
    { .name = "time", .kind = FIELD_NUMBER, .offset = offsetof(struct entry, time), .about = "Unix seconds, to the millisecond, when the reply had gone." },
    TEXT(request_id, "Ours; also in the header X-Request-Id of the reply."),
    TEXT(client_request_id, "The client's X-Request-Id, or its traceparent."),
    TEXT(trace_id, "Of the W3C trace that the client is in."),
    TEXT(span_id, "Our span in it; also in the traceparent of the reply."),
    TEXT(parent_id, "The span that asked."),
    TEXT(listener, "The name of the listener, as configured."),
    TEXT(client, "The client's network, /24 or /48; see log.client_address."),
    TEXT(token, "The accessor id of the token, never the token."),
    TEXT(method, "GET, POST ..."),
    TEXT(route, "The template of the route, as in the OpenAPI document; none: no route."),
    TEXT(model, "The model that was asked for."),
    NUMBER(version, "The version that answered."),
    NUMBER(status, "The HTTP status."),
    TEXT(code, "The code of a refusal, see errors.md."),
    TEXT(outcome, "client_left: the client did not take the whole reply."),
    NUMBER(bytes_in, "Bytes of the request's body."),
    NUMBER(bytes_out, "Bytes of the reply's body."),
    NUMBER(queue_us, "Microseconds that it waited for a thread."),
    NUMBER(compute_us, "Microseconds that its handler worked."),
    NUMBER(total_us, "Microseconds from its complete headers to the end of the reply."),
    { .name = NULL },
};
static_assert(COUNT_OF(fields) * (TEXT_MAX + AROUND_MAX) <= REQLOG_LINE_MAX, "a line has room for all its fields");
const struct schema reqlog_schema = { "RequestLog", "One line of the request log.", sizeof(struct entry), fields, true };

static char *put(char *at, const char *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return at + n;
}

static bool is_plain(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            return false;
        }
    }
    return true;
}

/* At most TEXT_MAX bytes and the quotes. Nearly all values are ids and names; the rest is cut so that escaping it has room. */
static char *put_text(char *at, const char *text)
{
    size_t n = strlen(text);
    if (n <= TEXT_MAX && is_plain(text, n)) {
        *at++ = '"';
        at = put(at, text, n);
        *at++ = '"';
        return at;
    }
    char kept[TEXT_MAX / ESCAPE_MAX + 1];
    n = n < sizeof(kept) ? n : sizeof(kept) - 1;
    memcpy(kept, text, n);
    kept[n] = '\0';
    AUTO(buf) struct buf out;
    buf_init(&out, TEXT_MAX + 2);
    return doc_write_string(kept, &out) == RC_OK ? put(at, out.data, out.len) : put(at, "\"\"", 2);
}

/* No library call: a line holds seven numbers, and it is written for every request. */
static char *put_number(char *at, int64_t n)
{
    char digits[NUMBER_MAX];
    size_t from = sizeof(digits);
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[--from] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0) {
        *at++ = '-';
    }
    return put(at, digits + from, sizeof(digits) - from);
}

static char *put_seconds(char *at, double seconds)
{
    const int64_t ms = (int64_t)(seconds * 1000 + 0.5);
    at = put_number(at, ms / 1000);
    *at++ = '.';
    *at++ = (char)('0' + ms / 100 % 10);
    *at++ = (char)('0' + ms / 10 % 10);
    *at++ = (char)('0' + ms % 10);
    return at;
}

static bool is_absent(const struct field *field, const void *place)
{
    if (field->kind == FIELD_STRING) {
        const char *text = *(const char *const *)place;
        return text == NULL || text[0] == '\0';
    }
    return field->kind == FIELD_INTEGER && *(const int64_t *)place == FIELD_ABSENT;
}

static size_t write_entry(const struct entry *entry, char *line)
{
    char *at = line;
    for (const struct field *field = fields; field->name != NULL; field++) {
        const void *place = (const char *)entry + field->offset;
        if (is_absent(field, place)) {
            continue;
        }
        at = put(at, at == line ? "{\"" : ",\"", 2);
        at = put(at, field->name, strlen(field->name));
        at = put(at, "\":", 2);
        if (field->kind == FIELD_STRING) {
            at = put_text(at, *(const char *const *)place);
        } else if (field->kind == FIELD_INTEGER) {
            at = put_number(at, *(const int64_t *)place);
        } else {
            at = put_seconds(at, *(const double *)place);
        }
    }
    *at++ = '}';
    return (size_t)(at - line);
}

size_t reqlog_format(const struct api_request *request, bool complete, enum reqlog_address address, char ret[REQLOG_LINE_MAX])
{
    static const struct trace no_trace;
    const struct trace *trace = request->trace == NULL ? &no_trace : request->trace;
    const struct api_listener *listener = request->peer.listener;
    const struct address network = address_truncate(&request->client);
    char client[ADDRESS_TEXT_SIZE] = "";
    if (address != REQLOG_NONE) {
        address_write(address == REQLOG_FULL ? &request->client : &network, client);
    }
    const struct entry entry = {
        .time = (double)wall_now().ms / 1000,
        .request_id = request->id,
        .client_request_id = request->client_id,
        .trace_id = trace->id,
        .span_id = trace->span,
        .parent_id = trace->parent,
        .listener = listener == NULL ? NULL : listener->name,
        .client = client,
        .token = request->caller.token,
        .method = request->method,
        .route = request->route == NULL ? "none" : request->route->pattern,
        .model = request->log_model,
        .version = request->log_version > 0 ? request->log_version : FIELD_ABSENT,
        .status = request->response.status,
        .code = request->response.code,
        .outcome = complete ? NULL : "client_left",
        .bytes_in = (int64_t)request->body_received,
        .bytes_out = (int64_t)request->bytes_out,
        .queue_us = request->queue_us,
        .compute_us = request->compute_us,
        .total_us = mono_since(request->started) / 1000,
    };
    return write_entry(&entry, ret);
}
