/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sse.h"

#include <string.h>

#include "core/base/str.h"

void sse_init(struct sse *sse)
{
    *sse = (struct sse){ 0 };
    buf_init(&sse->_line, SSE_LINE_MAX);
    buf_init(&sse->_data, SSE_LINE_MAX);
}

void sse_finish(struct sse *sse)
{
    buf_finish(&sse->_line);
    buf_finish(&sse->_data);
}

static void begin_event(struct sse *sse)
{
    buf_clear(&sse->_data);
    sse->_has_data = false;
    sse->_type[0] = '\0';
}

void sse_restart(struct sse *sse)
{
    buf_clear(&sse->_line);
    begin_event(sse);
    sse->_after_cr = false;
    (void)str_copy(sse->_id, sizeof(sse->_id), sse->last_id); /* same size */
}

/* An empty line: the event is whole. */
static enum rc finish_event(struct sse *sse, sse_event_fn event, void *arg)
{
    bool more = true;
    (void)str_copy(sse->last_id, sizeof(sse->last_id), sse->_id); /* same size */
    if (sse->_has_data) {
        const char *data = sse->_data.data == NULL ? "" : sse->_data.data;
        more = event(arg, sse->_type[0] == '\0' ? "message" : sse->_type, data, sse->_data.len);
    }
    begin_event(sse);
    return more ? RC_OK : RC_CANCELLED;
}

static enum rc add_data(struct sse *sse, const char *value)
{
    if (sse->_has_data) {
        (void)buf_char(&sse->_data, '\n');
    }
    sse->_has_data = true;
    return buf_text(&sse->_data, value);
}

static enum rc take_line(struct sse *sse, sse_event_fn event, void *arg)
{
    char *line = sse->_line.data;
    if (sse->_line.len == 0) {
        return finish_event(sse, event, arg);
    }
    char *value = strchr(line, ':');
    if (value == line) {
        return RC_OK; /* a comment */
    }
    if (value == NULL) {
        value = line + sse->_line.len;
    } else {
        *value++ = '\0';
        value += *value == ' ';
    }
    if (strcmp(line, "data") == 0) {
        return add_data(sse, value);
    }
    if (strcmp(line, "event") == 0) {
        (void)str_copy(sse->_type, sizeof(sse->_type), value); /* a type too long is none that we know */
    } else if (strcmp(line, "id") == 0) {
        (void)str_copy(sse->_id, sizeof(sse->_id), value); /* an id too long is none: all events come again */
    }
    return RC_OK;
}

enum rc sse_feed(struct sse *sse, const char *bytes, size_t n, sse_event_fn event, void *arg)
{
    for (size_t i = 0; i < n; i++) {
        const char c = bytes[i];
        const bool second_half = c == '\n' && sse->_after_cr;
        sse->_after_cr = c == '\r';
        if (second_half) {
            continue;
        }
        if (c != '\n' && c != '\r') {
            const enum rc rc = buf_char(&sse->_line, c);
            if (rc != RC_OK) {
                return rc;
            }
            continue;
        }
        const enum rc rc = take_line(sse, event, arg);
        buf_clear(&sse->_line);
        if (rc != RC_OK) {
            return rc;
        }
    }
    return RC_OK;
}
