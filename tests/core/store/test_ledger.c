/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/ledger.h"

#include <pthread.h>
#include <semaphore.h>

#include "tests/core/store/place.h"

/* One thread that writes; its closure inserts a number, and may wait or fail before it returns. */
struct caller {
    struct ledger *ledger;
    int64_t number;
    enum rc answer;  /* what the closure returns */
    sem_t *in, *out; /* NULL: do not wait */
    enum rc rc;      /* what the call returned */
    pthread_t thread;
};

static enum rc insert(struct db *db, void *arg)
{
    const struct caller *it = arg;
    struct query q;
    query_begin(&q, db, "INSERT INTO number (n) VALUES (?1)");
    query_bind_int(&q, it->number);
    const enum rc rc = query_run(&q);
    if (it->in != NULL) {
        (void)sem_post(it->in);
        (void)sem_wait(it->out);
    }
    return rc == RC_OK ? it->answer : rc;
}

static void *call(void *arg)
{
    struct caller *it = arg;
    it->rc = ledger_write(it->ledger, insert, it);
    return NULL;
}

static enum rc sum(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db, "SELECT coalesce(sum(n), 0) FROM number");
    *(int64_t *)arg = query_next(&q) ? query_int(&q, 0) : -1;
    return query_end(&q);
}

static struct ledger *make_ledger(const struct place *it)
{
    struct db *db = NULL;
    struct ledger *ledger = NULL;
    struct why why = { 0 };
    check_ok(db_open(place_path(it, ".", "test.db").text, DB_WRITER, &db, &why), &why);
    check_rc(db_exec(db, "CREATE TABLE number (n INTEGER UNIQUE)"), RC_OK);
    check_rc(ledger_create(db, &ledger), RC_OK);
    return ledger;
}

static void wait_for_queue(struct ledger *ledger, uint64_t n)
{
    while (ledger_look(ledger).queued < n) {
        (void)sched_yield();
    }
}

/* While the first is held up, nine gather; they share the second commit, and the three that fail take back only their own. */
static void test_ledger_write_shares_a_commit_and_keeps_failures_apart(void **state)
{
    enum {
        COUNT = 10
    };
    struct ledger *ledger = make_ledger(*state);
    static struct caller callers[COUNT];
    sem_t in, out;
    (void)sem_init(&in, 0, 0);
    (void)sem_init(&out, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        const enum rc answer = i % 3 == 1 ? RC_CONFLICT : RC_OK; /* 1, 4 and 7 */
        callers[i] = (struct caller){ .ledger = ledger, .number = 1 << i, .answer = answer };
        callers[i].in = i == 0 ? &in : NULL;
        callers[i].out = &out;
        check_int(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
        if (i == 0) {
            (void)sem_wait(&in);
        }
    }
    wait_for_queue(ledger, COUNT - 1);
    (void)sem_post(&out);
    int64_t want = 0;
    for (int i = 0; i < COUNT; i++) {
        (void)pthread_join(callers[i].thread, NULL);
        check_rc(callers[i].rc, callers[i].answer);
        want += callers[i].answer == RC_OK ? callers[i].number : 0;
    }
    const struct store_numbers numbers = ledger_look(ledger);
    check_int(numbers.writes, COUNT);
    check_int(numbers.commits, 2);
    int64_t got = 0;
    check_rc(ledger_write(ledger, sum, &got), RC_OK);
    check_int(got, want);
    check(!ledger_is_degraded(ledger));
    ledger_destroy(ledger);
    (void)sem_destroy(&in);
    (void)sem_destroy(&out);
}

static enum rc insert_then_break(struct db *db, void *arg)
{
    const enum rc rc = insert(db, arg);
    db_rollback(db); /* as SQLite does by itself when a disk is full */
    return rc == RC_OK ? RC_STORAGE_FULL : rc;
}

static void test_ledger_write_survives_a_lost_transaction(void **state)
{
    struct ledger *ledger = make_ledger(*state);
    struct caller one = { .number = 1 }, two = { .number = 2 };
    check_rc(ledger_write(ledger, insert_then_break, &one), RC_STORAGE_FULL);
    check_rc(ledger_write(ledger, insert, &two), RC_OK);
    check_rc(ledger_write(ledger, insert, &two), RC_CONFLICT);
    int64_t got = 0;
    check_rc(ledger_write(ledger, sum, &got), RC_OK);
    check_int(got, 2);
    ledger_destroy(ledger);
}

static void test_ledger_create_survives_a_failing_allocation(void **state)
{
    struct db *db = NULL;
    struct ledger *ledger = NULL;
    check_rc(db_open(place_path(*state, ".", "test.db").text, DB_WRITER, &db, NULL), RC_OK);
    mem_fail_at(1);
    check_rc(ledger_create(db, &ledger), RC_NO_MEMORY);
    mem_fail_at(0);
    check(ledger == NULL);
    ledger_destroy(NULL);
}

CHECK_MAIN("core/store/ledger",
           CHECK_WITH(test_ledger_write_shares_a_commit_and_keeps_failures_apart, place_setup_empty, place_teardown),
           CHECK_WITH(test_ledger_write_survives_a_lost_transaction, place_setup_empty, place_teardown),
           CHECK_WITH(test_ledger_create_survives_a_failing_allocation, place_setup_empty, place_teardown))
