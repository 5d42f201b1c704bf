/* SPDX-License-Identifier: Apache-2.0 */
#include "api/trace.h"

#include <stdlib.h>
#include <string.h>

#include "core/vault/random.h"

#define PARENT_LENGTH 55 /* 00-<32>-<16>-<2> */
#define KEY_MAX       256
#define VALUE_MAX     256
#define FLAGS_KNOWN   3u

static const char hex[] = "0123456789abcdef"; /* upper case is malformed */

/* n digits, not all of them '0', and a '-' or the end behind them. */
static bool read_id(const char *text, size_t n, char *ret)
{
    if (strspn(text, hex) != n || strspn(text, "0") >= n) {
        return false;
    }
    memcpy(ret, text, n);
    ret[n] = '\0';
    return true;
}

/*
 * Later versions may only add behind what version 00 has, so the same places are
 * read; ff is no version.
 */
bool trace_read(const char *text, struct trace *ret)
{
    struct trace trace = { .state = NULL };
    const size_t n = strlen(text);
    if (n < PARENT_LENGTH || text[2] != '-' || text[35] != '-' || text[52] != '-' || strspn(text, hex) != 2 || memcmp(text, "ff", 2) == 0) {
        return false;
    }
    if (n > PARENT_LENGTH && (memcmp(text, "00", 2) == 0 || text[PARENT_LENGTH] != '-')) {
        return false;
    }
    if (!read_id(text + 3, 32, trace.id) || !read_id(text + 36, 16, trace.parent) || strspn(text + 53, hex) != 2) {
        return false;
    }
    trace.flags = (unsigned)strtoul(text + 53, NULL, 16) & FLAGS_KNOWN;
    *ret = trace;
    return true;
}

/* One key=value of n bytes. */
static bool is_member(const char *text, size_t n)
{
    const size_t key = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-*/@");
    if (key == 0 || key > KEY_MAX || strchr("_-*/@", text[0]) != NULL || key + 1 >= n || text[key] != '=' || n - key - 1 > VALUE_MAX) {
        return false;
    }
    for (size_t i = key + 1; i < n; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '=') {
            return false;
        }
    }
    return true;
}

bool trace_is_state(const char *text)
{
    size_t members = 0;
    if (strlen(text) > TRACE_STATE_MAX) {
        return false;
    }
    while (*text != '\0') {
        text += strspn(text, " \t,"); /* members may be empty */
        size_t n = strcspn(text, ",");
        const char *next = text + n;
        while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) {
            n--;
        }
        if (n > 0 && (++members > TRACE_STATES_MAX || !is_member(text, n))) {
            return false;
        }
        text = next;
    }
    return members > 0;
}

/* Another system's id is echoed and logged only when it looks like one. */
static bool is_client_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=";
    const size_t n = strlen(text);
    return n > 0 && n <= API_CLIENT_ID_MAX && strspn(text, allowed) == n;
}

/* All headers of the name as one list; NULL: none, or more than the ceiling. *ret_count may be NULL. */
static const char *join(struct api_request *request, const char *name, size_t *ret_count)
{
    const char *all = NULL;
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, name) != 0) {
            continue;
        }
        const char *value = request->headers[i].value;
        all = count++ == 0 ? value : region_printf(&request->region, "%s,%s", all, value);
        if (all == NULL || strlen(all) > TRACE_STATE_MAX) {
            return NULL;
        }
    }
    *ret_count = count;
    return all;
}

/* Two traceparents are as good as none, and without a valid one tracestate is not looked at. */
static void find_trace(struct api_request *request)
{
    size_t count = 0;
    const char *text = join(request, "traceparent", &count);
    struct trace *trace = text == NULL || count != 1 ? NULL : region_alloc(&request->region, 1, sizeof(*trace));
    if (trace == NULL || !trace_read(text, trace) || vault_random_hex(trace->span, (TRACE_SPAN_SIZE - 1) / 2) != RC_OK) {
        return;
    }
    const char *state = join(request, "tracestate", &count);
    trace->state = state != NULL && trace_is_state(state) ? state : NULL;
    request->trace = trace;
    request->client_id = text;
}

void trace_begin(struct api_request *request)
{
    find_trace(request);
    const char *id = api_get_header(request, "x-request-id");
    if (id != NULL && is_client_id(id)) {
        request->client_id = id;
    }
}

void trace_add_headers(struct api_request *request)
{
    const struct trace *trace = request->trace;
    if (trace == NULL) {
        return;
    }
    const char *parent = region_printf(&request->region, "00-%s-%s-%02x", trace->id, trace->span, trace->flags);
    if (parent != NULL) {
        (void)api_add_header(request, "traceparent", parent); /* the first headers always fit */
    }
    if (trace->state != NULL) {
        (void)api_add_header(request, "tracestate", trace->state);
    }
}
