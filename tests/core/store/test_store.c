/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "tests/core/store/place.h"

#define EMPTY_CHECK(function) CHECK_WITH(function, place_setup_empty, place_teardown)

static void test_store_open_makes_a_private_directory(void **state)
{
    struct place *it = *state;
    check_int(rmdir(it->dir), 0);
    check_ok(store_open(it->dir, &it->store, &it->why), &it->why);
    struct stat status;
    check_int(stat(it->dir, &status), 0);
    check_int(status.st_mode & 0777, 0700);
    static const char *const files[] = { "licit.db", "lock", "licit.db-wal" };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        check_int(stat(place_path(it, ".", files[i]).text, &status), 0);
        check_int(status.st_mode & 077, 0);
    }
}

static void test_store_open_refuses_a_second_opener(void **state)
{
    struct place *it = *state;
    struct store *second = NULL;
    check_rc(store_open(it->dir, &second, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "another process");
    check(second == NULL);
}

static void test_store_open_refuses_files_without_their_database(void **state)
{
    struct place *it = *state;
    const struct blob_ref ref = place_blob(it, "x");
    store_close(TAKE(it->store));
    check_int(unlink(place_path(it, ".", "licit.db").text), 0);
    for (int i = 0; i < 2; i++) { /* the second try finds the empty file of the first */
        check_rc(store_open(it->dir, &it->store, &it->why), RC_CONFLICT);
        check_contains(it->why.text, "no database");
        check(place_has(it, "blobs", ref.name));
    }
    place_write(it, ".", "licit.db-wal", "a log");
    check_rc(store_open(it->dir, &it->store, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "write-ahead log");
}

static void run_sql(const struct place *it, const char *sql)
{
    sqlite3 *db = NULL;
    check_int(sqlite3_open(place_path(it, ".", "licit.db").text, &db), SQLITE_OK);
    check_int(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    check_int(sqlite3_close(db), SQLITE_OK);
}

static void test_store_open_refuses_other_databases(void **state)
{
    struct place *it = *state;
    store_close(TAKE(it->store));
    run_sql(it, "PRAGMA user_version = 999");
    check_rc(store_open(it->dir, &it->store, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "newer licit");
    run_sql(it, "PRAGMA user_version = 1; PRAGMA application_id = 7");
    check_rc(store_open(it->dir, &it->store, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "another program");
    place_write(it, ".", "licit.db", "this is not a database, not even nearly one .....");
    check_rc(store_open(it->dir, &it->store, &it->why), RC_CORRUPT);
    check_int(truncate(place_path(it, ".", "licit.db").text, 0), 0);
    run_sql(it, "CREATE TABLE other (x)");
    check_rc(store_open(it->dir, &it->store, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "another program");
}

static void test_store_open_finds_a_damaged_database(void **state)
{
    struct place *it = *state;
    store_close(TAKE(it->store));
    struct stat status;
    check_int(stat(place_path(it, ".", "licit.db").text, &status), 0);
    check_int(truncate(place_path(it, ".", "licit.db").text, status.st_size / 2), 0);
    check_rc(store_open(it->dir, &it->store, &it->why), RC_CORRUPT);
    check_contains(it->why.text, "restore it from a backup");
}

static void test_store_open_sweeps(void **state)
{
    struct place *it = *state;
    const struct dataset_row row = place_dataset(it, "people");
    int64_t version;
    check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
    const struct blob_ref orphan = place_blob(it, "nobody's");
    place_write(it, "blobs", "tmp-0123", "half");
    place_reopen(it);
    check(place_has(it, "blobs", row.blob.name));
    check(!place_has(it, "blobs", "tmp-0123"));
    check(!place_has(it, "lost", "tmp-0123"));
    check(!place_has(it, "blobs", orphan.name));
    check(place_has(it, "lost", orphan.name));
    /* A month later it is gone. */
    wall_set((struct wall){ wall_now().ms + INT64_C(31) * 86400 * 1000 });
    place_reopen(it);
    wall_set((struct wall){ -1 });
    check(!place_has(it, "lost", orphan.name));
}

static void test_store_open_survives_each_failing_allocation(void **state)
{
    struct place *it = *state;
    for (long n = 1;; n++) {
        mem_fail_at(n);
        const enum rc rc = store_open(it->dir, &it->store, &it->why);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 3);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
        check(it->store == NULL);
    }
}

static void test_store_calls_survive_each_failing_allocation(void **state)
{
    struct place *it = *state;
    const struct dataset_row row = place_dataset(it, "people");
    int64_t version;
    check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
    for (long n = 1;; n++) {
        AUTO(region) struct region region;
        region_init(&region, 1 << 20);
        struct dataset_list list;
        mem_fail_at(n);
        const enum rc rc = store_dataset_list(it->store, &(struct store_page){ .limit = 5 }, &region, &list, NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 1);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

/* A disk that fails on demand: SQLite's own file calls with one of them replaced. */
static atomic_int fault; /* what xSync or xWrite answer; 0: the truth */
static sqlite3_vfs failing, *real;
static sqlite3_io_methods methods;
static const sqlite3_io_methods *real_methods;

static int sync_file(sqlite3_file *file, int flags)
{
    return atomic_load(&fault) == SQLITE_IOERR_FSYNC ? SQLITE_IOERR_FSYNC : real_methods->xSync(file, flags);
}

static int write_file(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    return atomic_load(&fault) == SQLITE_FULL ? SQLITE_FULL : real_methods->xWrite(file, bytes, n, at);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    const int code = real->xOpen(real, name, file, flags, ret_flags);
    if (code == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        real_methods = file->pMethods;
        methods = *real_methods;
        methods.xSync = sync_file;
        methods.xWrite = write_file;
        file->pMethods = &methods;
    }
    return code;
}

static int setup_failing(void **state)
{
    real = sqlite3_vfs_find(NULL);
    failing = *real;
    failing.zName = "failing";
    failing.xOpen = open_file;
    return sqlite3_vfs_register(&failing, 1) != SQLITE_OK || place_setup(state) != 0;
}

static int teardown_failing(void **state)
{
    atomic_store(&fault, 0);
    (void)place_teardown(state);
    return sqlite3_vfs_unregister(&failing) != SQLITE_OK || sqlite3_vfs_register(real, 1) != SQLITE_OK;
}

static void test_store_write_after_a_failed_sync_is_refused(void **state)
{
    struct place *it = *state;
    struct job_row one = place_job("credit"), two = place_job("credit");
    check_rc(store_job_add(it->store, &one, NULL), RC_OK);
    check(!store_is_degraded(it->store));
    atomic_store(&fault, SQLITE_IOERR_FSYNC);
    log_set_level(LOG_LEVEL_ERROR);
    check_rc(store_job_add(it->store, &two, NULL), RC_IO);
    check(store_is_degraded(it->store));
    atomic_store(&fault, 0); /* the disk pretends to be well again, as Linux does */
    check_rc(store_job_add(it->store, &two, NULL), RC_IO);
    check_rc(store_job_get(it->store, one.id, &it->region, &one, NULL), RC_OK);
    place_reopen(it);
    check_rc(store_job_get(it->store, one.id, &it->region, &one, NULL), RC_OK);
    check_rc(store_job_get(it->store, two.id, &it->region, &two, NULL), RC_NOT_FOUND);
    check_rc(store_job_add(it->store, &two, NULL), RC_OK);
}

static void test_store_write_on_a_full_disk_recovers(void **state)
{
    struct place *it = *state;
    struct job_row one = place_job("credit"), two = place_job("credit");
    check_rc(store_job_add(it->store, &one, NULL), RC_OK);
    atomic_store(&fault, SQLITE_FULL);
    check_rc(store_job_add(it->store, &two, NULL), RC_STORAGE_FULL);
    check_rc(store_job_get(it->store, one.id, &it->region, &one, NULL), RC_OK);
    check(!store_is_degraded(it->store));
    atomic_store(&fault, 0);
    check_rc(store_job_add(it->store, &two, NULL), RC_OK);
}

/* A real full disk, where the kernel lets us mount one. Not skip(): cmocka writes that as "not ok", and meson 1.0 believes it. */
static void test_blob_write_on_a_full_disk(void **state)
{
    struct place *it = *state;
    if (mount("tmpfs", it->dir, "tmpfs", 0, "size=600k") != 0) {
        print_message("no tmpfs can be mounted here: the full disk was not tried\n");
        return;
    }
    check_ok(store_open(it->dir, &it->store, &it->why), &it->why);
    static char bytes[100000];
    struct blob_writer *writer = NULL;
    check_rc(blob_create(it->store, &writer), RC_OK);
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < 10; i++) {
        rc = blob_write(writer, bytes, sizeof(bytes));
    }
    blob_abandon(writer);
    const struct blob_ref small = place_blob(it, "there is room again");
    struct job_row row = place_job("credit");
    const enum rc after = store_job_add(it->store, &row, NULL);
    store_close(TAKE(it->store));
    check_int(umount(it->dir), 0);
    check_rc(rc, RC_STORAGE_FULL);
    check_rc(after, RC_OK);
    check_int(small.bytes, 19);
}

/* Writes and reads at once; what the threads saw is looked at after they are joined. */
enum {
    WRITERS = 4,
    READERS = 6,
    ROUNDS = 60
};

struct worker {
    struct place *place;
    char ids[ROUNDS][ID_SIZE];
    enum rc worst;
    size_t least;
};

static void *write_jobs(void *arg)
{
    struct worker *it = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct job_row row = place_job("credit");
        row.status = "running";
        memcpy(it->ids[i], row.id, ID_SIZE);
        enum rc rc = store_job_add(it->place->store, &row, NULL);
        const struct job_epoch epoch = { 1, "{}" };
        rc = rc == RC_OK ? store_job_epoch(it->place->store, row.id, &epoch, "{}", NULL, NULL) : rc;
        it->worst = it->worst == RC_OK ? rc : it->worst;
    }
    return NULL;
}

/* What has once been seen never disappears. */
static void *read_jobs(void *arg)
{
    struct worker *it = arg;
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(region) struct region region;
        region_init(&region, 16 << 20);
        struct job_list list = { 0 };
        enum rc rc = store_job_list(it->place->store, NULL, &(struct store_page){ .limit = STORE_PAGE_MAX }, &region, &list, NULL);
        rc = rc == RC_OK && list.count < it->least ? RC_CORRUPT : rc;
        it->least = list.count;
        it->worst = it->worst == RC_OK ? rc : it->worst;
    }
    return NULL;
}

static void test_store_serves_many_threads(void **state)
{
    struct place *it = *state;
    static struct worker workers[WRITERS + READERS];
    pthread_t threads[WRITERS + READERS];
    for (int i = 0; i < WRITERS + READERS; i++) {
        workers[i] = (struct worker){ .place = it };
        check_int(pthread_create(&threads[i], NULL, i < WRITERS ? write_jobs : read_jobs, &workers[i]), 0);
    }
    for (int i = 0; i < WRITERS + READERS; i++) {
        (void)pthread_join(threads[i], NULL);
        check_rc(workers[i].worst, RC_OK);
    }
    const struct store_numbers numbers = store_look(it->store);
    check_int(numbers.writes, WRITERS * ROUNDS * 2);
    check(numbers.commits <= numbers.writes);
    check_int(numbers.queued, 0);
    for (int i = 0; i < WRITERS; i++) {
        for (int j = 0; j < ROUNDS; j++) {
            struct job_history history;
            check_rc(store_job_history(it->store, workers[i].ids[j], 0, 9, &it->region, &history, NULL), RC_OK);
            check_int(history.count, 1);
        }
    }
}

/* The child adds datasets and says each id after RC_OK, until it is killed. */
static _Noreturn void write_until_killed(struct place *it, int pipe_fd)
{
    log_set_level(LOG_LEVEL_ERROR);
    if (store_open(it->dir, &it->store, NULL) != RC_OK) {
        _exit(1);
    }
    for (;;) {
        const struct dataset_row row = place_dataset(it, "people");
        int64_t version;
        if (store_dataset_add(it->store, &row, &version, NULL) != RC_OK || write(pipe_fd, row.id, ID_SIZE) != ID_SIZE) {
            _exit(1);
        }
    }
}

/* Kills the child after it has said `count` ids and a little more; gives the ids. */
static size_t kill_a_writer(struct place *it, size_t count, char (*ids)[ID_SIZE], size_t max)
{
    int ends[2];
    check_int(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        write_until_killed(it, ends[1]);
    }
    (void)close(ends[1]);
    size_t n = 0;
    while (n < count && read(ends[0], ids[n], ID_SIZE) == ID_SIZE) {
        n++;
    }
    for (volatile size_t spin = 0; spin < count * 37 % 100 * 4000; spin++) {
    }
    check_int(kill(child, SIGKILL), 0);
    while (n < max && read(ends[0], ids[n], ID_SIZE) == ID_SIZE) {
        n++;
    }
    (void)close(ends[0]);
    int status;
    check_int(waitpid(child, &status, 0), child);
    check(WIFSIGNALED(status));
    return n;
}

static void test_store_loses_nothing_to_kill_9(void **state)
{
    struct place *it = *state;

    enum {
        KILLS = 12,
        IDS = 4000
    };

    static char ids[IDS][ID_SIZE];
    size_t n = 0;
    for (size_t i = 0; i < KILLS; i++) {
        n += kill_a_writer(it, 1 + i * 5 % 23, ids + n, IDS - n);
    }
    check(n >= KILLS);
    check_ok(store_open(it->dir, &it->store, &it->why), &it->why);
    for (size_t i = 0; i < n; i++) {
        struct dataset_row row;
        AUTO(buf) struct buf bytes;
        buf_init(&bytes, 1000);
        check_ok(store_dataset_get(it->store, ids[i], &it->region, &row, &it->why), &it->why);
        check_rc(blob_read(it->store, &row.blob, 1000, &bytes), RC_OK);
    }
}

CHECK_MAIN("core/store/store",
           EMPTY_CHECK(test_store_loses_nothing_to_kill_9),
           EMPTY_CHECK(test_store_open_makes_a_private_directory),
           PLACE_CHECK(test_store_open_refuses_a_second_opener),
           PLACE_CHECK(test_store_open_refuses_files_without_their_database),
           PLACE_CHECK(test_store_open_refuses_other_databases),
           PLACE_CHECK(test_store_open_finds_a_damaged_database),
           PLACE_CHECK(test_store_open_sweeps),
           EMPTY_CHECK(test_store_open_survives_each_failing_allocation),
           PLACE_CHECK(test_store_calls_survive_each_failing_allocation),
           CHECK_WITH(test_store_write_after_a_failed_sync_is_refused, setup_failing, teardown_failing),
           CHECK_WITH(test_store_write_on_a_full_disk_recovers, setup_failing, teardown_failing),
           EMPTY_CHECK(test_blob_write_on_a_full_disk),
           PLACE_CHECK(test_store_serves_many_threads))
