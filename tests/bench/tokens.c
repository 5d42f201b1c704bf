/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What it costs to find out who is asking: build/tests/bench/tokens [seconds of each row]
 *
 * 10,000 tokens are resident, plain texts or texts narrowed by one, four and sixteen caveats are
 * checked by 1, 2 and 4 threads; while it is "beside revocations", another thread makes and ends
 * tokens all the time, with a short rest after each. Prints nanoseconds of CPU time a check, the
 * best, the median and the worst of 20 slices, and checks a second of all threads together.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/auth/token.h"
#include "core/auth/tokens.h"
#include "core/base/clock.h"
#include "core/vault/narrow.h"

#define TOKENS      10000
#define SLICES      20
#define THREADS_MAX 4
#define REST_NS     100000

struct made {
    char id[ID_SIZE];
    char text[NARROW_TEXT_MAX + 1];
};

static struct tokens *tokens;
static struct made *texts;
static atomic_bool stop_asking, stop_revoking;
static atomic_size_t revoked;

static void insert(struct made *made)
{
    struct token_row row = { .name = "b", .scopes = "model:credit:predict", .created_at = 1, .expires_at = INT64_MAX };
    unsigned char start[DIGEST_BYTES];
    id_make("tok", row.id);
    memcpy(made->id, row.id, ID_SIZE);
    MUST(token_make(made->text) == RC_OK && token_digest(made->text, row.sha256) == RC_OK);
    narrow_start(made->text, row.id, start);
    MUST(tokens_insert(tokens, &row, start, NULL) == RC_OK);
}

/* Caveats that every request here fulfils, in turn. */
static void narrow(struct made *made, int caveats)
{
    static const char *const all[] = { "path=/v1/models/*", "model=credit*", "expires=99999999999", "address=192.0.2.0/24" };
    struct narrowed narrowed;
    MUST(narrow_begin(made->text, made->id, &narrowed, NULL) == RC_OK);
    for (int i = 0; i < caveats; i++) {
        MUST(narrow_add(&narrowed, all[i % 4], NULL) == RC_OK);
    }
    MUST(narrow_write(&narrowed, made->text, NULL) == RC_OK);
}

struct asker {
    pthread_t thread;
    size_t first, count;
    double cpu_ns;
    bool narrowed;
};

/* What this thread has used of a core: other work of the machine is left out. */
static double cpu_ns(void)
{
    struct timespec now;
    MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void check_one(const struct made *made, bool narrowed, const struct caveat_ask *ask)
{
    struct grant *grant = NULL;
    const enum rc rc = narrowed ? tokens_pin_narrowed(tokens, made->text, ask, &grant, NULL) : tokens_pin(tokens, made->text, &grant, NULL);
    MUST(rc == RC_OK);
    tokens_unpin(grant);
}

static void *ask_all(void *arg)
{
    struct asker *it = arg;
    struct address address;
    MUST(address_read("192.0.2.7", 9, &address));
    struct caveat_ask ask = { .path = "/v1/models/credit:predict", .model = "credit", .address = &address };
    size_t i = it->first;
    do { /* once at least, also on a machine so busy that the slice is over before it begins */
        ask.now = wall_seconds();
        check_one(&texts[i], it->narrowed, &ask);
        it->count++;
        i = (i + 7919) % TOKENS;
    } while (!atomic_load_explicit(&stop_asking, memory_order_relaxed));
    it->cpu_ns = cpu_ns();
    return NULL;
}

static void *revoke_all(void *arg)
{
    while (!atomic_load(&stop_revoking)) {
        static struct made made;
        insert(&made);
        MUST(tokens_revoke(tokens, made.id) == RC_OK);
        (void)atomic_fetch_add(&revoked, 1);
        (void)nanosleep(&(struct timespec){ 0, REST_NS }, NULL);
    }
    return NULL;
}

static int order(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One row: SLICES times this many threads for a part of the seconds. */
static void measure(const char *what, bool narrowed, int threads, double seconds)
{
    double ns[SLICES], all = 0, took = 0;
    struct asker askers[THREADS_MAX];
    for (int slice = 0; slice < SLICES; slice++) {
        size_t count = 0;
        double cpu = 0;
        atomic_store(&stop_asking, false);
        const struct mono start = mono_now();
        for (int i = 0; i < threads; i++) {
            askers[i] = (struct asker){ .first = (size_t)i * 1009, .narrowed = narrowed };
            MUST(pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]) == 0);
        }
        (void)nanosleep(&(struct timespec){ 0, (long)(seconds / SLICES * 1e9) }, NULL);
        atomic_store(&stop_asking, true);
        for (int i = 0; i < threads; i++) {
            (void)pthread_join(askers[i].thread, NULL);
            count += askers[i].count;
            cpu += askers[i].cpu_ns;
        }
        ns[slice] = cpu / (double)count;
        all += (double)count;
        took += (double)mono_since(start);
    }
    qsort(ns, SLICES, sizeof(ns[0]), order);
    printf("%-26s %d threads  %6.0f ns best  %6.0f median  %6.0f worst  %6.2f M/s\n", what, threads, ns[0], ns[SLICES / 2], ns[SLICES - 1], all / took * 1e3);
}

static void measure_threads(const char *what, bool narrowed, double seconds)
{
    for (int threads = 1; threads <= THREADS_MAX; threads *= 2) {
        measure(what, narrowed, threads, seconds);
    }
}

int main(int argc, char *argv[])
{
    static const int caveats[] = { 1, 4, 16 };
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 2.0;
    MUST(seconds > 0 && seconds <= SLICES / 2 && tokens_create(&tokens) == RC_OK);
    texts = mem_array(TOKENS, sizeof(*texts));
    struct made *plain = mem_array(TOKENS, sizeof(*plain));
    MUST(texts != NULL && plain != NULL);
    for (size_t i = 0; i < TOKENS; i++) {
        insert(&plain[i]);
    }
    memcpy(texts, plain, TOKENS * sizeof(*texts));
    measure_threads("plain", false, seconds);

    pthread_t revoker;
    MUST(pthread_create(&revoker, NULL, revoke_all, NULL) == 0);
    measure_threads("plain, beside revocations", false, seconds);
    atomic_store(&stop_revoking, true);
    (void)pthread_join(revoker, NULL);
    printf("%zu tokens were made and revoked meanwhile\n", atomic_load(&revoked));

    for (size_t k = 0; k < COUNT_OF(caveats); k++) {
        char what[64];
        memcpy(texts, plain, TOKENS * sizeof(*texts));
        for (size_t i = 0; i < TOKENS; i++) {
            narrow(&texts[i], caveats[k]);
        }
        (void)snprintf(what, sizeof(what), "narrowed, %d caveat%s", caveats[k], caveats[k] == 1 ? "" : "s");
        measure_threads(what, true, seconds);
    }
    mem_free(plain);
    mem_free(texts);
    tokens_destroy(tokens);
    return 0;
}
