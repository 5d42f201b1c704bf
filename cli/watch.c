/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch.h"

#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "cli/bar.h"
#include "cli/cmd.h"
#include "cli/sse.h"
#include "cli/text.h"
#include "core/base/str.h"

#define POLL_MS 1000

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal)
{
    interrupted = 1;
}

void watch_catch_interrupts(void)
{
    const struct sigaction action = { .sa_handler = note_interrupt }; /* no SA_RESTART: waits end at once */
    (void)sigaction(SIGINT, &action, NULL);                           /* fails only for signals that do not exist */
}

bool watch_is_interrupted(void)
{
    return interrupted != 0;
}

/* What is known of the job while it runs. */
struct watch {
    const struct session *session;
    const char *path; /* /v1/jobs/{id} */
    struct bar bar;
    struct sse sse;
    int64_t epoch, epochs, eta; /* eta below 0: unknown */
    double fraction;
    int64_t epochs_told; /* epochs printed so far, where there is no bar */
    const char *state;   /* "queued", "paused", or NULL: it runs */
    struct doc *row;     /* the newest row of the history; NULL: none yet */
    bool events, done;   /* something came over this connection; the job has ended */
};

/* The losses first, then the metrics. */
static void add_row(struct buf *out, const struct doc *row)
{
    for (int pass = 0; pass < 2; pass++) {
        for (struct doc_pair p = { 0 }; doc_next(row, &p);) {
            double x;
            const bool is_loss = strcmp(p.key, "loss") == 0 || strcmp(p.key, "val_loss") == 0;
            if (is_loss == (pass == 0) && strcmp(p.key, "epoch") != 0 && doc_number(p.value, &x)) {
                (void)buf_text(out, "  ");
                text_foreign(out, p.key);
                (void)buf_char(out, ' ');
                text_number(out, x);
            }
        }
    }
}

static void draw(struct watch *watch, bool now)
{
    char before[64];
    AUTO(buf) struct buf after;
    buf_init(&after, BAR_TEXT_MAX);
    if (watch->epochs > 0) {
        (void)snprintf(before, sizeof(before), "epoch %" PRId64 "/%" PRId64, watch->epoch, watch->epochs);
    } else {
        (void)str_copy(before, sizeof(before), "evaluating");
    }
    if (watch->state != NULL && !watch->done) {
        (void)buf_text(&after, watch->state);
    } else if (watch->eta >= 0 && watch->fraction < 1.0) {
        (void)buf_text(&after, "eta ");
        text_duration(&after, watch->eta);
    }
    add_row(&after, watch->row);
    bar_draw(&watch->bar, before, watch->fraction, after.data == NULL ? "" : after.data, now);
}

static void tell_epoch(struct watch *watch, const struct doc *row)
{
    const int64_t epoch = doc_get_integer(row, "epoch", watch->epochs_told + 1);
    if (watch->bar.terminal || epoch <= watch->epochs_told) {
        return;
    }
    watch->epochs_told = epoch;
    AUTO(buf) struct buf line;
    buf_init(&line, TABLE_CELL_MAX);
    add_row(&line, row);
    fprintf(stderr, "epoch %" PRId64, epoch);
    if (watch->epochs > 0) {
        fprintf(stderr, "/%" PRId64, watch->epochs);
    }
    fprintf(stderr, "%s\n", line.data == NULL ? "" : line.data);
}

/* Without a bar a pause is told in a line of its own. */
static void take_state(struct watch *watch, const char *status)
{
    static const char *const states[] = { "queued", "paused" };
    const char *state = NULL;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        state = strcmp(status, states[i]) == 0 ? states[i] : state;
    }
    if (state == states[1] && state != watch->state && !watch->bar.terminal) {
        fprintf(stderr, "%s\n", state);
    }
    watch->state = state;
}

static void take_progress(struct watch *watch, const struct doc *data)
{
    take_state(watch, doc_get_string(data, "status", "running"));
    const struct doc *inner = doc_get(data, "progress");
    const struct doc *progress = inner == NULL ? data : inner;
    watch->epoch = doc_get_integer(progress, "epoch", watch->epoch);
    watch->epochs = doc_get_integer(progress, "epochs", watch->epochs);
    watch->fraction = doc_get_number(progress, "fraction", watch->fraction);
    const double eta = doc_get_number(progress, "eta_seconds", -1.0);
    watch->eta = eta >= 0.0 && eta < 1e9 ? (int64_t)ceil(eta) : -1;
}

static void take_row(struct watch *watch, const struct doc *row)
{
    struct doc *copy = doc_copy(row);
    if (copy != NULL) {
        doc_destroy(watch->row);
        watch->row = copy;
    }
    watch->epoch = doc_get_integer(row, "epoch", watch->epoch);
    if (watch->epochs > 0 && watch->fraction < (double)watch->epoch / (double)watch->epochs) {
        watch->fraction = (double)watch->epoch / (double)watch->epochs;
    }
    tell_epoch(watch, row);
}

static bool is_ended(const char *status)
{
    return strcmp(status, "succeeded") == 0 || strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0;
}

/* A whole job: what polling answers. */
static void take_job(struct watch *watch, const struct doc *job)
{
    const struct doc *history = doc_get(job, "history");
    take_progress(watch, job);
    for (size_t i = (size_t)watch->epochs_told; i < doc_count(history); i++) {
        take_row(watch, doc_at(history, i));
    }
    watch->done = is_ended(doc_get_string(job, "status", ""));
    draw(watch, watch->done || watch->state != NULL); /* no other drawing may follow for long */
}

static bool take_event(void *arg, const char *type, const char *data, size_t n)
{
    struct watch *watch = arg;
    AUTO_PTR(doc) struct doc *doc = NULL;
    if (doc_parse(data, n, &doc, NULL) != RC_OK) {
        return true; /* an event that is not ours; the job's end is asked for anyway */
    }
    watch->events = true;
    if (strcmp(type, "progress") == 0) {
        take_progress(watch, doc);
    } else if (strcmp(type, "epoch") == 0) {
        take_row(watch, doc);
    } else if (strcmp(type, "done") == 0) {
        watch->done = true;
    }
    draw(watch, watch->done || watch->state != NULL); /* no other drawing may follow for long */
    return !watch->done;
}

static bool take_bytes(void *arg, const char *bytes, size_t n)
{
    struct watch *watch = arg;
    return sse_feed(&watch->sse, bytes, n, take_event, watch) == RC_OK;
}

static bool go_on(void *arg, int64_t sent, int64_t total)
{
    return !watch_is_interrupted();
}

/* Sleeps, but not through Ctrl-C. */
static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* One connection's worth of events. RC_OK: it ended (watch->done tells whether for good); RC_UNSUPPORTED: the
 * server does not stream; else as client_send(), or a refusal, which has been told (outcome). */
static enum rc stream_once(struct watch *watch, enum outcome *outcome, struct why *why)
{
    char path[CLIENT_PATH_MAX];
    char id[SSE_ID_MAX + 20];
    AUTO(reply) struct reply reply;
    reply_init(&reply);
    (void)snprintf(path, sizeof(path), "%.*s/events", (int)sizeof(path) - 8, watch->path);
    (void)snprintf(id, sizeof(id), "Last-Event-ID: %s", watch->sse.last_id);
    const struct client_request request = {
        .method = "GET",
        .path = path,
        .headers = { "Accept: text/event-stream", watch->sse.last_id[0] == '\0' ? NULL : id },
        .sink = take_bytes,
        .sink_arg = watch,
        .progress = go_on,
    };
    sse_restart(&watch->sse);
    watch->events = false;
    const enum rc rc = client_send(watch->session->client, &request, &reply, why);
    if (rc == RC_OK && reply.status != 200) {
        bar_clear(&watch->bar);
        *outcome = session_refused(watch->session, &reply);
        return RC_DENIED;
    }
    return rc == RC_OK && strncmp(reply.type, "text/event-stream", 17) != 0 ? RC_UNSUPPORTED : rc;
}

static enum outcome poll_job(struct watch *watch)
{
    while (!watch->done) {
        AUTO_PTR(doc) struct doc *job = NULL;
        const enum outcome outcome = session_get(watch->session, watch->path, false, &job);
        if (outcome != OUTCOME_DONE) {
            return outcome;
        }
        take_job(watch, job);
        if (!watch->done) {
            pause_ms(POLL_MS);
        }
        if (watch_is_interrupted()) {
            return OUTCOME_INTERRUPTED;
        }
    }
    return OUTCOME_DONE;
}

static enum outcome stream_job(struct watch *watch)
{
    struct why why = { 0 };
    for (int tries = 0; !watch->done;) {
        enum outcome outcome = OUTCOME_DONE;
        const enum rc rc = stream_once(watch, &outcome, &why);
        if (rc == RC_DENIED) {
            return outcome;
        }
        if (rc == RC_UNSUPPORTED) {
            return poll_job(watch);
        }
        if (watch_is_interrupted()) {
            return OUTCOME_INTERRUPTED;
        }
        tries = watch->events ? 0 : tries + 1;
        if (tries == WATCH_TRIES_MAX) {
            return rc == RC_OK ? poll_job(watch) : session_failed(rc, &why);
        }
        if (!watch->done) {
            pause_ms(tries < 4 ? 250 << tries : 4000); /* 0.25 s after a good connection; then 0.5 s, 1 s, 2 s, 4 s */
        }
    }
    return OUTCOME_DONE;
}

static enum outcome finish(const struct watch *watch)
{
    AUTO_PTR(doc) struct doc *job = NULL;
    const struct session *session = watch->session;
    const enum outcome outcome = session_get(session, watch->path, true, &job);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (!session->json && job_print(job) != RC_OK) {
        return session_printed(RC_NO_MEMORY);
    }
    return strcmp(doc_get_string(job, "status", ""), "succeeded") == 0 ? OUTCOME_DONE : OUTCOME_JOB_FAILED;
}

/* How many epochs there will be, before the first event says so. */
static enum outcome learn(struct watch *watch)
{
    AUTO_PTR(doc) struct doc *job = NULL;
    const enum outcome outcome = session_get(watch->session, watch->path, false, &job);
    if (outcome == OUTCOME_DONE) {
        watch->epochs = doc_get_integer(doc_get(job, "spec"), "epochs", 0);
        take_progress(watch, job);
        draw(watch, true);
    }
    return outcome;
}

enum outcome watch_job(const struct session *session, const char *id)
{
    char path[CLIENT_PATH_MAX];
    if (!client_path(path, "/v1/jobs/{}", id)) {
        return session_usage(session, "the id is too long");
    }
    struct watch watch = { .session = session, .path = path, .eta = -1 };
    bar_init(&watch.bar, stderr);
    sse_init(&watch.sse);
    watch_catch_interrupts();
    enum outcome outcome = learn(&watch);
    if (outcome == OUTCOME_DONE) {
        outcome = stream_job(&watch);
    }
    bar_end(&watch.bar);
    if (outcome == OUTCOME_DONE) {
        outcome = finish(&watch);
    } else if (outcome == OUTCOME_INTERRUPTED) {
        fprintf(stderr, "The job goes on. Watch it again: licit job watch %s\n", id);
    }
    doc_destroy(watch.row);
    sse_finish(&watch.sse);
    return outcome;
}
