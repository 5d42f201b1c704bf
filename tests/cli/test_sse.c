/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sse.h"

#include "tests/check.h"

struct heard {
    struct buf text; /* "type=data;" for every event */
    int left;        /* events until it is enough */
};

static bool hear(void *arg, const char *type, const char *data, size_t n)
{
    struct heard *heard = arg;
    check_int(strlen(data), n);
    check_rc(buf_printf(&heard->text, "%s=%s;", type, data), RC_OK);
    return --heard->left > 0;
}

static const struct {
    const char *bytes, *events, *last_id;
} rows[] = {
    { "data: a\n\n", "message=a;", "" },
    { "event: epoch\nid: 3\ndata: {\"x\":1}\n\n", "epoch={\"x\":1};", "3" },
    { ": heartbeat\n\ndata:b\n\n", "message=b;", "" },
    { "data: a\r\n\r\ndata: b\r\rdata: c\n\n", "message=a;message=b;message=c;", "" },
    { "data: a\ndata: b\ndata\n\n", "message=a\nb\n;", "" },
    { "id: 7\ndata: a\n\nid: 8\ndata: b\n", "message=a;", "7" }, /* the second is not whole */
    { "event: progress\n\ndata: a\n\n", "message=a;", "" },      /* a type without data is no event */
    { "retry: 10\nunknown: x\ndata: a: b\n\n", "message=a: b;", "" },
};

/* Cut into pieces of every size: a line may end anywhere. */
static void test_sse_feed_hears_whole_events(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const size_t n = strlen(rows[i].bytes);
        for (size_t step = 1; step <= n; step++) {
            AUTO(sse) struct sse sse;
            sse_init(&sse);
            struct heard heard = { .left = 1000 };
            buf_init(&heard.text, 1000);
            for (size_t at = 0; at < n; at += step) {
                check_rc(sse_feed(&sse, rows[i].bytes + at, n - at < step ? n - at : step, hear, &heard), RC_OK);
            }
            check_text(heard.text.data, rows[i].events);
            check_text(sse.last_id, rows[i].last_id);
            buf_finish(&heard.text);
        }
    }
}

static void test_sse_restart_forgets_half_an_event_and_keeps_the_id(void **state)
{
    AUTO(sse) struct sse sse;
    sse_init(&sse);
    struct heard heard = { .left = 1000 };
    buf_init(&heard.text, 1000);
    static const char first[] = "id: 2\ndata: a\n\nid: 3\nevent: epoch\ndata: lo";
    static const char second[] = "data: b\n\n";
    check_rc(sse_feed(&sse, first, strlen(first), hear, &heard), RC_OK);
    sse_restart(&sse);
    check_text(sse.last_id, "2");
    check_rc(sse_feed(&sse, second, strlen(second), hear, &heard), RC_OK);
    check_text(heard.text.data, "message=a;message=b;");
    check_text(sse.last_id, "2");
    buf_finish(&heard.text);
}

static void test_sse_feed_stops_when_it_is_enough(void **state)
{
    AUTO(sse) struct sse sse;
    sse_init(&sse);
    struct heard heard = { .left = 1 };
    buf_init(&heard.text, 1000);
    static const char bytes[] = "data: a\n\ndata: b\n\n";
    check_rc(sse_feed(&sse, bytes, strlen(bytes), hear, &heard), RC_CANCELLED);
    check_text(heard.text.data, "message=a;");
    buf_finish(&heard.text);
}

static void test_sse_feed_refuses_an_endless_line(void **state)
{
    AUTO(sse) struct sse sse;
    sse_init(&sse);
    struct heard heard = { .left = 1 };
    char piece[4096];
    memset(piece, 'x', sizeof(piece));
    enum rc rc = RC_OK;
    for (size_t i = 0; i <= SSE_LINE_MAX / sizeof(piece) && rc == RC_OK; i++) {
        rc = sse_feed(&sse, piece, sizeof(piece), hear, &heard);
    }
    check_rc(rc, RC_TOO_LARGE);
}

CHECK_MAIN("cli/sse",
           CHECK(test_sse_feed_hears_whole_events),
           CHECK(test_sse_restart_forgets_half_an_event_and_keeps_the_id),
           CHECK(test_sse_feed_stops_when_it_is_enough),
           CHECK(test_sse_feed_refuses_an_endless_line))
