/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/log.h"
#include "core/base/mem.h"

/* Lives on the stack of the caller, who waits for done. */
struct request {
    enum rc (*fn)(struct db *db, void *arg);
    void *arg;
    enum rc rc;
    bool done;
    struct request *next;
};

struct ledger {
    /* set at creation, then constant: no lock; db is used by the thread alone */
    struct db *db;
    pthread_t thread;
    bool running;
    atomic_bool degraded;
    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t came; /* a request, or the stop */
    pthread_cond_t done; /* a batch is finished */
    struct request *first, **last;
    struct store_numbers numbers;
    bool stopping;
};

static enum rc run_one(struct db *db, struct request *it)
{
    enum rc rc = db_exec(db, "SAVEPOINT one");
    if (rc != RC_OK) {
        return rc;
    }
    rc = it->fn(db, it->arg);
    if (rc == RC_OK) {
        return db_exec(db, "RELEASE one");
    }
    if (db_in_transaction(db) && db_exec(db, "ROLLBACK TO one; RELEASE one") != RC_OK) {
        db_rollback(db); /* the batch sees that its transaction has ended */
    }
    return rc;
}

static enum rc run_all(struct db *db, struct request *first)
{
    enum rc rc = db_exec(db, "BEGIN IMMEDIATE");
    for (struct request *it = first; it != NULL; it = it->next) {
        it->rc = rc == RC_OK ? run_one(db, it) : rc;
        if (rc == RC_OK && !db_in_transaction(db)) {
            rc = it->rc == RC_OK ? RC_INTERNAL : it->rc; /* SQLite took the whole transaction back */
        }
    }
    rc = rc == RC_OK ? db_exec(db, "COMMIT") : rc;
    db_rollback(db);
    return rc;
}

static void degrade(struct ledger *ledger, enum rc rc)
{
    atomic_store(&ledger->degraded, true);
    log_error("store_degraded", "rc=%s hint=\"writing to the disk failed; nothing more is written until a restart\"", rc_name(rc));
}

/* Without the lock: nobody else knows these requests, and their owners wait. */
static void run_batch(struct ledger *ledger, struct request *first)
{
    const bool refused = atomic_load(&ledger->degraded);
    const enum rc rc = refused ? RC_IO : run_all(ledger->db, first);
    bool failed = rc == RC_IO;
    for (struct request *it = first; it != NULL; it = it->next) {
        it->rc = rc != RC_OK && (refused || it->rc == RC_OK) ? rc : it->rc;
        failed = failed || it->rc == RC_IO;
    }
    if (failed && !refused) {
        degrade(ledger, RC_IO);
    }
}

/* Takes the oldest requests, at most a batch of them, off the queue. */
static struct request *take_batch(struct ledger *ledger)
{
    struct request *first = ledger->first, **end = &ledger->first;
    for (int n = 0; n < LEDGER_BATCH_MAX && *end != NULL; n++) {
        end = &(*end)->next;
        ledger->numbers.queued--;
    }
    ledger->first = *end;
    *end = NULL;
    if (ledger->first == NULL) {
        ledger->last = &ledger->first;
    }
    return first;
}

static void finish_batch(struct ledger *ledger, struct request *first)
{
    ledger->numbers.commits++;
    for (struct request *it = first, *next; it != NULL; it = next) {
        next = it->next;
        ledger->numbers.writes++;
        it->done = true; /* from here on its owner may return */
    }
    (void)pthread_cond_broadcast(&ledger->done);
}

static void *work(void *arg)
{
    struct ledger *ledger = arg;
    (void)pthread_setname_np(pthread_self(), "licit-ledger");
    (void)pthread_mutex_lock(&ledger->lock);
    /* The lock is held at the top of each turn. */
    for (;;) {
        while (ledger->first == NULL && !ledger->stopping) {
            (void)pthread_cond_wait(&ledger->came, &ledger->lock);
        }
        if (ledger->first == NULL) {
            break;
        }
        struct request *batch = take_batch(ledger);
        (void)pthread_mutex_unlock(&ledger->lock);
        run_batch(ledger, batch);
        (void)pthread_mutex_lock(&ledger->lock);
        finish_batch(ledger, batch);
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    return NULL;
}

enum rc ledger_create(struct db *db, struct ledger **ret)
{
    struct ledger *ledger = mem_alloc(sizeof(*ledger));
    if (ledger == NULL) {
        db_close(db);
        return RC_NO_MEMORY;
    }
    ledger->db = db;
    ledger->last = &ledger->first;
    /* With default attributes none of these can fail on Linux. */
    (void)pthread_mutex_init(&ledger->lock, NULL);
    (void)pthread_cond_init(&ledger->came, NULL);
    (void)pthread_cond_init(&ledger->done, NULL);
    if (pthread_create(&ledger->thread, NULL, work, ledger) != 0) {
        ledger_destroy(ledger);
        return RC_UNAVAILABLE;
    }
    ledger->running = true;
    *ret = ledger;
    return RC_OK;
}

enum rc ledger_write(struct ledger *ledger, enum rc (*fn)(struct db *db, void *arg), void *arg)
{
    struct request it = { .fn = fn, .arg = arg, .rc = RC_UNAVAILABLE };
    (void)pthread_mutex_lock(&ledger->lock);
    if (!ledger->stopping) {
        *ledger->last = &it;
        ledger->last = &it.next;
        ledger->numbers.queued++;
        (void)pthread_cond_signal(&ledger->came);
        while (!it.done) {
            (void)pthread_cond_wait(&ledger->done, &ledger->lock);
        }
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    return it.rc;
}

bool ledger_is_degraded(struct ledger *ledger)
{
    return atomic_load(&ledger->degraded);
}

struct store_numbers ledger_look(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock);
    const struct store_numbers numbers = ledger->numbers;
    (void)pthread_mutex_unlock(&ledger->lock);
    return numbers;
}

void ledger_destroy(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&ledger->lock);
    ledger->stopping = true;
    (void)pthread_cond_signal(&ledger->came);
    (void)pthread_mutex_unlock(&ledger->lock);
    if (ledger->running) {
        (void)pthread_join(ledger->thread, NULL);
    }
    (void)pthread_cond_destroy(&ledger->done);
    (void)pthread_cond_destroy(&ledger->came);
    (void)pthread_mutex_destroy(&ledger->lock);
    db_close(ledger->db);
    mem_free(ledger);
}
