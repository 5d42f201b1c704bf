/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "core/base/log.h"
#include "core/base/rng.h"
#include "core/data/transform.h"
#include "core/service/registry.h"
#include "tests/core/service/house.h"

/*
 * Several clients do at random what clients may do, at the same time and to the
 * same few things. Whatever is refused must be refused with a reason that fits;
 * afterwards everything must be in a state that the contract knows, a job that
 * waits must run, and a new start must find what the old one left.
 */

#define CLIENTS     4
#define STEPS       2000 /* of each client */
#define PLACES      6    /* jobs and datasets that the clients share */
#define VERSIONS    6    /* that are asked for */
#define SEED        20261123
#define COLUMNS_MAX 64

struct shared {
    struct house *house;
    pthread_mutex_t lock;
    char jobs[PLACES][ID_SIZE], datasets[PLACES][ID_SIZE]; /* guarded by lock */
};

struct client {
    struct shared *shared;
    uint32_t number;
    uint64_t draws;
    char failure[500]; /* the first thing that went wrong; the test's own thread tells it */
};

/* The next number of this client, below n. */
static size_t draw(struct client *it, size_t n)
{
    const struct rng rng = { .seed = SEED, .stream = RNG_TEST, .step = it->number };
    return (size_t)rng_below(&rng, it->draws++, n);
}

static void note(struct client *it, const char *what, enum rc rc, const struct why *why)
{
    if (it->failure[0] == '\0') {
        (void)snprintf(it->failure, sizeof(it->failure), "client %d: %s: %s (%s)", (int)it->number, what, rc_name(rc), why->text);
    }
}

/* A clash, a thing that is not there (any more), or a full queue are answers; everything else is an error. */
static void expect(struct client *it, const char *what, enum rc rc, const struct why *why)
{
    if (rc != RC_OK && rc != RC_CONFLICT && rc != RC_NOT_FOUND && rc != RC_GONE && rc != RC_BUSY) {
        note(it, what, rc, why);
    }
}

static void pick(struct client *it, char (*ids)[ID_SIZE], char ret[ID_SIZE])
{
    const size_t place = draw(it, PLACES);
    (void)pthread_mutex_lock(&it->shared->lock);
    memcpy(ret, ids[place], ID_SIZE);
    (void)pthread_mutex_unlock(&it->shared->lock);
}

static void put(struct client *it, char (*ids)[ID_SIZE], const struct doc *reply)
{
    const size_t place = draw(it, PLACES);
    (void)pthread_mutex_lock(&it->shared->lock);
    (void)snprintf(ids[place], ID_SIZE, "%s", doc_get_string(reply, "id", ""));
    (void)pthread_mutex_unlock(&it->shared->lock);
}

/* --- what a client does --- */

static void submit(struct client *it)
{
    static const char *const epochs[] = { "1", "2", "9" };
    char dataset[ID_SIZE], json[400];
    struct why why = { 0 };
    AUTO_PTR(doc) struct doc *body = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    pick(it, it->shared->datasets, dataset);
    if (draw(it, 4) == 0) {
        (void)snprintf(json, sizeof(json), "{\"type\":\"evaluate\",\"model\":\"m\",\"dataset\":\"%s\"}", dataset);
    } else {
        (void)snprintf(json, sizeof(json),
                       "{\"type\":\"train\",\"model\":\"m\",\"dataset\":\"%s\",\"target\":\"species\",\"epochs\":%s%s,"
                       "\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\"}]}}",
                       dataset, epochs[draw(it, 3)], draw(it, 2) == 0 ? ",\"label\":\"production\"" : "");
    }
    enum rc rc = doc_parse(json, strlen(json), &body, &why);
    rc = rc != RC_OK ? rc : service_job_submit(it->shared->house->service, it->shared->house->caller, body, &reply, &why);
    expect(it, "submit", rc, &why);
    if (rc == RC_OK) {
        put(it, it->shared->jobs, reply);
    }
}

static void change(struct client *it)
{
    static enum rc (*const verbs[])(struct service *, const char *, struct doc **, struct why *) = {
        service_job_pause, service_job_resume, service_job_cancel, service_job_resume,
        service_job_get, service_job_events, service_job_pause, service_job_resume
    };

    static const char *const names[] = { "pause", "resume", "cancel", "resume", "get", "events", "pause", "resume" };
    char job[ID_SIZE];
    struct why why = { 0 };
    AUTO_PTR(doc) struct doc *reply = NULL;
    const size_t verb = draw(it, COUNT_OF(verbs));
    pick(it, it->shared->jobs, job);
    expect(it, names[verb], verbs[verb](it->shared->house->service, job, &reply, &why), &why);
}

/* Opens a feed, reads what is there, and leaves. */
static void watch(struct client *it)
{
    char job[ID_SIZE];
    struct why why = { 0 };
    struct feed *feed = NULL;
    struct feed_event event;
    sem_t wake;
    pick(it, it->shared->jobs, job);
    (void)sem_init(&wake, 0, 0);
    const enum rc rc = service_job_feed(it->shared->house->service, job, 0, house_post, &wake, &feed, &why);
    expect(it, "watch", rc, &why);
    while (rc == RC_OK && feed_next(feed, &event) == RC_OK) {
        mem_free(event.data);
    }
    feed_close(feed);
    (void)sem_destroy(&wake);
}

static void predict(struct client *it)
{
    struct service *service = it->shared->house->service;
    const struct version_choice choice = { .number = (int64_t)draw(it, VERSIONS) };
    struct version *version = NULL;
    struct why why = { 0 };
    float x[COLUMNS_MAX] = { 1, 2, 3, 4 }, y[COLUMNS_MAX];
    const enum rc rc = version_pin(service, "m", &choice, &version, &why);
    expect(it, "pin", rc, &why);
    if (rc == RC_OK) {
        const enum rc predicted = version_predict(version, x, 1, y, &why);
        if (predicted != RC_OK || !(y[0] + y[1] + y[2] > 0.99F)) {
            note(it, "predict", predicted, &why);
        }
        version_unpin(service, version);
    }
}

static void deploy(struct client *it)
{
    char json[40];
    struct why why = { 0 };
    AUTO_PTR(doc) struct doc *body = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    (void)snprintf(json, sizeof(json), "{\"version\":%d}", 1 + (int)draw(it, VERSIONS));
    enum rc rc = doc_parse(json, strlen(json), &body, &why);
    rc = rc != RC_OK ? rc : service_label_set(it->shared->house->service, "m", draw(it, 2) == 0 ? "production" : "trial", body, &reply, &why);
    expect(it, "label", rc, &why);
}

static void undeploy(struct client *it)
{
    struct why why = { 0 };
    expect(it, "remove label", service_label_remove(it->shared->house->service, "m", draw(it, 2) == 0 ? "production" : "trial", &why), &why);
}

static void erase(struct client *it)
{
    struct service *service = it->shared->house->service;
    struct why why = { 0 };
    char dataset[ID_SIZE];
    AUTO_PTR(doc) struct doc *reply = NULL;
    if (draw(it, 2) == 0) {
        expect(it, "erase version", service_version_erase(service, "m", 1 + (int64_t)draw(it, VERSIONS), &why), &why);
    } else if (draw(it, 6) == 0) {
        pick(it, it->shared->datasets, dataset);
        expect(it, "erase dataset", service_dataset_erase(service, dataset, &reply, &why), &why);
    } else {
        expect(it, "erase model", service_model_erase(service, "m", &why), &why);
    }
}

static void look(struct client *it)
{
    const struct page page = { .limit = 5 };
    struct service *service = it->shared->house->service;
    struct why why = { 0 };
    AUTO_PTR(doc) struct doc *jobs = NULL;
    AUTO_PTR(doc) struct doc *models = NULL;
    expect(it, "list jobs", service_job_list(service, &page, &jobs, &why), &why);
    expect(it, "list models", service_model_list(service, &page, &models, &why), &why);
}

/* A token of its own, used and revoked. */
static void authenticate(struct client *it)
{
    static const char json[] = "{\"name\":\"x\",\"scopes\":[\"model:predict\"],\"expires_in\":60}";
    struct service *service = it->shared->house->service;
    struct why why = { 0 };
    struct caller *caller = NULL;
    AUTO_PTR(doc) struct doc *body = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    enum rc rc = doc_parse(json, strlen(json), &body, &why);
    rc = rc != RC_OK ? rc : service_token_create(service, it->shared->house->caller, body, &reply, &why);
    rc = rc != RC_OK ? rc : caller_find(service, &(struct caller_ask){ .token = doc_get_string(reply, "token", "") }, &caller, &why);
    rc = rc != RC_OK ? rc : service_token_revoke(service, it->shared->house->caller, doc_get_string(reply, "id", ""), &why);
    if (rc != RC_OK) {
        note(it, "token", rc, &why);
    }
    caller_release(caller);
}

static void *run(void *arg)
{
    static void (*const acts[])(struct client *) = {
        submit, submit, change, change, change, change, watch, predict, predict, deploy, undeploy, erase, look, authenticate
    };
    struct client *it = arg;
    for (int step = 0; step < STEPS && it->failure[0] == '\0'; step++) {
        acts[draw(it, COUNT_OF(acts))](it);
    }
    return NULL;
}

/* --- what must hold afterwards --- */

static struct doc *list_jobs(struct house *it)
{
    const struct page all = { .limit = 1000 };
    struct doc *list = NULL;
    check_ok(service_job_list(it->service, &all, &list, &it->why), &it->why);
    return list;
}

/* Brings every job to its end without a new start: what is paused is resumed, and what waits has its turn. */
static void end_jobs(struct house *it)
{
    AUTO_PTR(doc) struct doc *list = list_jobs(it);
    const struct doc *jobs = doc_get(list, "data");
    for (size_t i = 0; i < doc_count(jobs); i++) {
        const char *id = doc_get_string(doc_at(jobs, i), "id", "");
        enum rc rc = RC_OK;
        while (rc == RC_OK) { /* a running one may be about to pause; a queued or ended one is refused */
            AUTO_PTR(doc) struct doc *now = house_job(it, id);
            AUTO_PTR(doc) struct doc *resumed = NULL;
            const bool runs = strcmp(doc_get_string(now, "status", ""), "running") == 0;
            rc = service_job_resume(it->service, id, &resumed, &it->why);
            check(rc == RC_OK || rc == RC_CONFLICT);
            rc = runs ? RC_OK : rc;
        }
    }
    for (size_t i = 0; i < doc_count(jobs); i++) {
        (void)house_wait(it, doc_get_string(doc_at(jobs, i), "id", ""), 0);
    }
}

/* Jobs that have ended take no place in the queue any more. */
static void check_places(struct house *it)
{
    char dataset[ID_SIZE], job[ID_SIZE], json[200];
    house_upload(it, "iris.csv", dataset);
    (void)snprintf(json, sizeof(json), "{\"type\":\"train\",\"model\":\"other\",\"dataset\":\"%s\",\"target\":\"species\"}", dataset);
    for (int i = 0; i < it->config.jobs_waiting; i++) {
        house_submit(it, job, json);
    }
}

/* Every job has ended, with a version exactly when a training succeeded. */
static void check_jobs(struct house *it)
{
    AUTO_PTR(doc) struct doc *list = list_jobs(it);
    const struct doc *jobs = doc_get(list, "data");
    check(doc_count(jobs) > 0);
    for (size_t i = 0; i < doc_count(jobs); i++) {
        const struct doc *job = doc_at(jobs, i);
        const char *status = doc_get_string(job, "status", "");
        const bool succeeded = strcmp(status, "succeeded") == 0;
        check(succeeded || strcmp(status, "cancelled") == 0 || strcmp(status, "failed") == 0);
        check(doc_get_integer(job, "finished_at", 0) > 0);
        if (strcmp(doc_get_string(job, "type", ""), "train") == 0) {
            check_int(doc_get_integer(job, "version", 0) > 0, succeeded);
        }
    }
}

/* The model as it is shown; "" without one. */
static char *describe_model(struct house *it)
{
    AUTO_PTR(doc) struct doc *model = NULL;
    struct buf text;
    buf_init(&text, 16 << 20);
    const enum rc rc = service_model_get(it->service, "m", &model, &it->why);
    if (rc == RC_NOT_FOUND) {
        return mem_strdup("");
    }
    check_ok(rc, &it->why);
    /* Which versions are loaded beside the labelled ones is no state. */
    check_rc(doc_remove(model, "model_version_status"), RC_OK);
    check_rc(doc_write(model, DOC_CANONICAL, &text), RC_OK);
    return buf_take(&text, NULL);
}

/* What the registry serves under a label is what the store has. */
static void check_labels(struct house *it)
{
    AUTO_PTR(doc) struct doc *model = NULL;
    static const char *const names[] = { "production", "trial" };
    if (service_model_get(it->service, "m", &model, &it->why) != RC_OK) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct doc *shares = doc_get(doc_get(model, "labels"), names[i]);
        const struct version_choice choice = { .label = names[i] };
        struct version *version = NULL;
        const enum rc rc = version_pin(it->service, "m", &choice, &version, &it->why);
        if (shares == NULL) {
            check_rc(rc, RC_NOT_FOUND);
            continue;
        }
        check_ok(rc, &it->why);
        check_int(version_number(version), doc_get_integer(doc_at(shares, 0), "version", 0));
        version_unpin(it->service, version);
    }
}

static void test_service_survives_clients_at_the_same_time(void **state)
{
    struct house *it = *state;
    struct shared shared = { .house = it };
    struct client clients[CLIENTS] = { 0 };
    pthread_t threads[CLIENTS];
    check_int(pthread_mutex_init(&shared.lock, NULL), 0);
    for (size_t i = 0; i < PLACES; i++) {
        house_upload(it, "iris.csv", shared.datasets[i]);
        (void)snprintf(shared.jobs[i], ID_SIZE, "job-00000000000000000000");
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .shared = &shared, .number = (uint32_t)i };
        check_int(pthread_create(&threads[i], NULL, run, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        check_int(pthread_join(threads[i], NULL), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i].failure[0] != '\0') {
            fail_msg("%s", clients[i].failure);
        }
    }
    (void)pthread_mutex_destroy(&shared.lock);
    end_jobs(it);
    check_jobs(it);
    check_labels(it);
    check_places(it);
    house_close(it); /* in the middle of what runs */
    house_open(it);
    end_jobs(it);
    check_jobs(it);
    check_labels(it);
    AUTO_FREE char *before = describe_model(it);
    house_close(it);
    house_open(it);
    AUTO_FREE char *after = describe_model(it);
    check_text(after, before);
    check_jobs(it);
    check_labels(it);
}

static int setup(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    const int status = house_setup(state);
    struct house *it = *state;
    if (status == 0) { /* more than one trainer, so that they can get in each other's way */
        house_close(it);
        it->config.trainers = 3;
        it->config.train_threads = 1;
        it->config.jobs_waiting = 6;          /* so that most are run */
        it->config.resident_memory = 1 << 20; /* so that versions are unloaded too */
        house_open(it);
    }
    return status;
}

CHECK_MAIN("core/service/stress",
           CHECK_WITH(test_service_survives_clients_at_the_same_time, setup, house_teardown))
