/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CORE_SERVICE_HOUSE_H
#define TESTS_CORE_SERVICE_HOUSE_H

#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/str.h"
#include "core/service/dataset.h"
#include "core/service/job.h"
#include "core/service/model.h"
#include "core/service/predict.h"
#include "core/service/token.h"
#include "tests/check.h"

/*
 * A service on a state directory of its own, and short forms of what a user
 * does with it. Every short form checks that it worked.
 */

struct house {
    char dir[64];
    struct service_config config;
    struct service *service;
    struct caller *caller; /* the first token */
    struct why why;
};

static inline void house_open(struct house *it)
{
    char path[128], token[128] = { 0 };
    bool made = false;
    check_ok(service_open(&it->config, &it->service, &it->why), &it->why);
    check_ok(service_first_token(it->service, &made, &it->why), &it->why);
    (void)snprintf(path, sizeof(path), "%s/first-token", it->dir);
    FILE *file = fopen(path, "r");
    check(file != NULL && fscanf(file, "%120s", token) == 1);
    (void)fclose(file);
    check_ok(caller_find(it->service, &(struct caller_ask){ .token = token }, &it->caller, &it->why), &it->why);
}

static inline void house_close(struct house *it)
{
    caller_release(TAKE(it->caller));
    service_stop(it->service);
    service_close(TAKE(it->service));
}

static inline int house_setup(void **state)
{
    struct house *it = mem_alloc(sizeof(*it));
    it->config = service_defaults;
    (void)snprintf(it->dir, sizeof(it->dir), "/tmp/licit-service-XXXXXX");
    if (mkdtemp(it->dir) == NULL) {
        return -1;
    }
    it->config.state = it->dir;
    *state = it;
    house_open(it);
    return 0;
}

static inline int house_teardown(void **state)
{
    struct house *it = *state;
    char command[100];
    if (it->service != NULL) {
        house_close(it);
    }
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", it->dir);
    const int status = system(command);
    mem_free(it);
    return status;
}

/* The bytes of a file of tests/data. */
static inline char *house_data(const char *name, size_t *ret_n)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", getenv("LICIT_TEST_DATA"), name);
    FILE *file = fopen(path, "r");
    check(file != NULL);
    struct buf bytes;
    buf_init(&bytes, 16 << 20);
    for (size_t n = 1; n > 0; buf_grown(&bytes, n)) {
        n = fread(buf_room(&bytes, 65536), 1, 65536, file);
    }
    (void)fclose(file);
    return buf_take(&bytes, ret_n);
}

#define HOUSE_METADATA "{\"name\":\"t\",\"licence\":\"CC-BY-4.0\",\"purposes\":[\"research\"],\"personal_data\":false}"

/* Uploads a table with this metadata; the id of the dataset. */
static inline enum rc house_try_upload(struct house *it, const char *metadata, const char *csv, size_t n, char id[ID_SIZE])
{
    AUTO_PTR(upload) struct upload *upload = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    enum rc rc = upload_create(it->service, &upload, &it->why);
    rc = rc != RC_OK ? rc : upload_metadata(upload, metadata, strlen(metadata), &it->why);
    rc = rc != RC_OK ? rc : upload_bytes(upload, csv, n, &it->why);
    rc = rc != RC_OK ? rc : upload_finish(upload, &reply, &it->why);
    if (rc == RC_OK) {
        (void)snprintf(id, ID_SIZE, "%s", doc_get_string(reply, "id", ""));
    }
    return rc;
}

static inline void house_upload(struct house *it, const char *file, char id[ID_SIZE])
{
    size_t n;
    AUTO_FREE char *csv = house_data(file, &n);
    check_ok(house_try_upload(it, HOUSE_METADATA, csv, n, id), &it->why);
}

static inline enum rc house_try_submit(struct house *it, const char *json, char id[ID_SIZE])
{
    AUTO_PTR(doc) struct doc *body = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    const enum rc rc = service_job_submit(it->service, it->caller, body, &reply, &it->why);
    if (rc == RC_OK) {
        (void)snprintf(id, ID_SIZE, "%s", doc_get_string(reply, "id", ""));
    }
    return rc;
}

/* Submits a job; the format is filled with the dataset's id. */
static inline void house_submit(struct house *it, char id[ID_SIZE], const char *json)
{
    check_ok(house_try_submit(it, json, id), &it->why);
}

static inline void house_post(void *arg)
{
    (void)sem_post(arg); /* a full semaphore is as good */
}

/* Waits until the job has told `epochs` epochs (0: until it is done); gives how many it told. */
static inline int64_t house_wait(struct house *it, const char *job, int64_t epochs)
{
    struct feed *feed = NULL;
    struct feed_event event;
    sem_t wake;
    int64_t told = 0;
    check_int(sem_init(&wake, 0, 0), 0);
    check_ok(service_job_feed(it->service, job, 0, house_post, &wake, &feed, &it->why), &it->why);
    for (enum rc rc = RC_OK; rc != RC_GONE && (epochs == 0 || told < epochs);) {
        rc = feed_next(feed, &event);
        if (rc == RC_OK) {
            told = strcmp(event.type, "epoch") == 0 ? event.id : told;
            mem_free(event.data);
        } else if (rc == RC_UNAVAILABLE) {
            struct timespec until;
            (void)clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 60;
            check_int(sem_timedwait(&wake, &until), 0);
        }
    }
    feed_close(feed);
    (void)sem_destroy(&wake);
    return told;
}

/* The job's document. */
static inline struct doc *house_job(struct house *it, const char *job)
{
    struct doc *doc = NULL;
    check_ok(service_job_get(it->service, job, &doc, &it->why), &it->why);
    return doc;
}

/* Waits for the end and checks that it succeeded. */
static inline struct doc *house_done(struct house *it, const char *job)
{
    (void)house_wait(it, job, 0);
    struct doc *doc = house_job(it, job);
    const struct doc *error = doc_get(doc, "error");
    if (strcmp(doc_get_string(doc, "status", ""), "succeeded") != 0) {
        fail_msg("job %s is %s: %s", job, doc_get_string(doc, "status", ""), doc_get_string(error, "detail", ""));
    }
    return doc;
}

#endif
