/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/feed.h"

#include <pthread.h>
#include <stddef.h>

#include "core/base/mem.h"

struct epoch_event {
    int64_t epoch;
    char *json;
};

struct event_log {
    pthread_mutex_t lock;
    /* guarded by lock */
    int pins;
    struct epoch_event *epochs; /* rising epochs */
    size_t count, room;
    char *progress;
    uint64_t progress_serial; /* counts the replacements of progress */
    char *done;
    struct feed *feeds;
};

struct feed {
    struct event_log *log;
    void (*wake)(void *arg);
    void *arg;
    /* guarded by the log's lock */
    int64_t after;
    uint64_t progress_seen;
    bool done_given;
    struct feed *next;
};

struct event_log *event_log_create(void)
{
    struct event_log *log = mem_alloc(sizeof(*log));
    if (log != NULL) {
        (void)pthread_mutex_init(&log->lock, NULL); /* a plain mutex cannot fail on Linux */
        log->pins = 1;
    }
    return log;
}

struct event_log *event_log_pin(struct event_log *log)
{
    pthread_mutex_lock(&log->lock);
    log->pins++;
    pthread_mutex_unlock(&log->lock);
    return log;
}

void event_log_unpin(struct event_log *log)
{
    if (log == NULL) {
        return;
    }
    pthread_mutex_lock(&log->lock);
    const bool last = --log->pins == 0;
    pthread_mutex_unlock(&log->lock);
    if (!last) {
        return;
    }
    for (size_t i = 0; i < log->count; i++) {
        mem_free(log->epochs[i].json);
    }
    mem_free(log->epochs);
    mem_free(log->progress);
    mem_free(log->done);
    pthread_mutex_destroy(&log->lock);
    mem_free(log);
}

static void wake_all(struct event_log *log)
{
    for (struct feed *feed = log->feeds; feed != NULL; feed = feed->next) {
        feed->wake(feed->arg);
    }
}

static bool make_room(struct event_log *log)
{
    if (log->count < log->room) {
        return true;
    }
    const size_t room = log->room == 0 ? 16 : log->room * 2;
    struct epoch_event *epochs = mem_resize(log->epochs, room, sizeof(*epochs));
    if (epochs != NULL) {
        log->epochs = epochs;
        log->room = room;
    }
    return epochs != NULL;
}

enum rc event_log_epoch(struct event_log *log, int64_t epoch, const char *json)
{
    char *copy = mem_strdup(json);
    if (copy == NULL) {
        return RC_NO_MEMORY;
    }
    pthread_mutex_lock(&log->lock);
    /* An epoch that is run again after an interruption says the same: it is told once. */
    const bool known = log->count > 0 && log->epochs[log->count - 1].epoch >= epoch;
    const bool added = !known && make_room(log);
    if (added) {
        log->epochs[log->count++] = (struct epoch_event){ epoch, copy };
        wake_all(log);
    }
    pthread_mutex_unlock(&log->lock);
    if (!added) {
        mem_free(copy);
    }
    return added || known ? RC_OK : RC_NO_MEMORY;
}

enum rc event_log_progress(struct event_log *log, const char *json)
{
    char *copy = mem_strdup(json);
    if (copy == NULL) {
        return RC_NO_MEMORY;
    }
    pthread_mutex_lock(&log->lock);
    char *old = log->progress;
    log->progress = copy;
    log->progress_serial++;
    wake_all(log);
    pthread_mutex_unlock(&log->lock);
    mem_free(old);
    return RC_OK;
}

enum rc event_log_done(struct event_log *log, const char *json)
{
    char *copy = mem_strdup(json);
    if (copy == NULL) {
        return RC_NO_MEMORY;
    }
    pthread_mutex_lock(&log->lock);
    char *old = log->done;
    log->done = copy;
    wake_all(log);
    pthread_mutex_unlock(&log->lock);
    mem_free(old);
    return RC_OK;
}

struct feed *feed_open(struct event_log *log, int64_t after, void (*wake)(void *arg), void *arg)
{
    struct feed *feed = mem_alloc(sizeof(*feed));
    if (feed == NULL) {
        return NULL;
    }
    *feed = (struct feed){ .log = event_log_pin(log), .wake = wake, .arg = arg, .after = after };
    pthread_mutex_lock(&log->lock);
    feed->next = log->feeds;
    log->feeds = feed;
    pthread_mutex_unlock(&log->lock);
    return feed;
}

static enum rc give(const char *json, int64_t id, const char *type, struct feed_event *ret)
{
    char *copy = mem_strdup(json);
    if (copy == NULL) {
        return RC_NO_MEMORY;
    }
    *ret = (struct feed_event){ id, type, copy };
    return RC_OK;
}

/* The first event of an epoch after the watcher's place; NULL: none. */
static const struct epoch_event *next_epoch(const struct feed *feed)
{
    const struct event_log *log = feed->log;
    size_t low = 0, high = log->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (log->epochs[middle].epoch > feed->after) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < log->count ? &log->epochs[low] : NULL;
}

static enum rc next_event(struct feed *feed, struct feed_event *ret)
{
    const struct event_log *log = feed->log;
    const struct epoch_event *epoch = next_epoch(feed);
    enum rc rc = RC_UNAVAILABLE;
    if (epoch != NULL) {
        rc = give(epoch->json, epoch->epoch, "epoch", ret);
        feed->after = rc == RC_OK ? epoch->epoch : feed->after;
    } else if (log->done != NULL) {
        const int64_t last = log->count > 0 ? log->epochs[log->count - 1].epoch : 0;
        rc = feed->done_given ? RC_GONE : give(log->done, last + 1, "done", ret);
        feed->done_given = feed->done_given || rc == RC_OK;
    } else if (feed->progress_seen < log->progress_serial) {
        rc = give(log->progress, -1, "progress", ret);
        feed->progress_seen = rc == RC_OK ? log->progress_serial : feed->progress_seen;
    }
    return rc;
}

enum rc feed_next(struct feed *feed, struct feed_event *ret)
{
    pthread_mutex_lock(&feed->log->lock);
    const enum rc rc = next_event(feed, ret);
    pthread_mutex_unlock(&feed->log->lock);
    return rc;
}

void feed_close(struct feed *feed)
{
    if (feed == NULL) {
        return;
    }
    struct event_log *log = feed->log;
    pthread_mutex_lock(&log->lock);
    for (struct feed **at = &log->feeds; *at != NULL; at = &(*at)->next) {
        if (*at == feed) {
            *at = feed->next;
            break;
        }
    }
    pthread_mutex_unlock(&log->lock);
    event_log_unpin(log);
    mem_free(feed);
}
