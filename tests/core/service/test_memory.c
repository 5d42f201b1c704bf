/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>

#include "core/base/log.h"
#include "core/service/version.h"
#include "tests/core/service/house.h"

/*
 * Every use case with its first, second, ... allocation failing until none does:
 * a call that fails leaves nothing behind, and the next one works.
 */

#define TRIES_MAX 20000 /* more allocations than any of them makes */
#define NETWORK   "\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\"}]}"

static void check_memory(enum rc rc)
{
    if (rc != RC_OK && rc != RC_NO_MEMORY) {
        fail_msg("without memory it says %s", rc_name(rc));
    }
}

static size_t count_list(struct doc *list)
{
    const size_t n = doc_count(doc_get(list, "data"));
    doc_destroy(list);
    return n;
}

static size_t count_jobs(struct house *it)
{
    const struct page page = { .limit = 1000 };
    struct doc *list = NULL;
    check_ok(service_job_list(it->service, &page, &list, &it->why), &it->why);
    return count_list(list);
}

static size_t count_datasets(struct house *it)
{
    const struct page page = { .limit = 1000 };
    struct doc *list = NULL;
    check_ok(service_dataset_list(it->service, &page, &list, &it->why), &it->why);
    return count_list(list);
}

static size_t count_files(const struct house *it)
{
    char path[100];
    size_t n = 0;
    (void)snprintf(path, sizeof(path), "%s/blobs", it->dir);
    DIR *folder = opendir(path);
    check(folder != NULL);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        n += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(folder);
    return n;
}

static void test_memory_upload_leaves_no_file(void **state)
{
    struct house *it = *state;
    char id[ID_SIZE];
    enum rc rc = RC_NO_MEMORY;
    size_t n, kept = 0;
    AUTO_FREE char *csv = house_data("iris.csv", &n);
    for (long i = 1; rc != RC_OK && i < TRIES_MAX; i++) {
        mem_fail_at(i);
        rc = house_try_upload(it, HOUSE_METADATA, csv, n, id);
        mem_fail_at(0);
        check_memory(rc);
        kept += rc == RC_OK ? 1 : 0;
    }
    check_int(kept, 1);
    check_int(count_datasets(it), kept);
    check_int(count_files(it), kept);
}

static void train(struct house *it, char job[ID_SIZE], const char *more)
{
    char dataset[ID_SIZE], json[400];
    house_upload(it, "iris.csv", dataset);
    (void)snprintf(json, sizeof(json), "{\"type\":\"train\",\"model\":\"m\",\"dataset\":\"%s\",\"target\":\"species\"," NETWORK "%s}", dataset, more);
    house_submit(it, job, json);
}

static void test_memory_submit_keeps_all_or_nothing(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE], json[400];
    enum rc rc = RC_NO_MEMORY;
    house_upload(it, "iris.csv", dataset);
    (void)snprintf(json, sizeof(json), "{\"type\":\"train\",\"model\":\"m\",\"dataset\":\"%s\",\"target\":\"species\",\"epochs\":1," NETWORK "}", dataset);
    AUTO_PTR(doc) struct doc *body = NULL;
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    for (long i = 1; rc != RC_OK && i < TRIES_MAX; i++) {
        AUTO_PTR(doc) struct doc *reply = NULL;
        mem_fail_at(i);
        rc = service_job_submit(it->service, it->caller, body, &reply, &it->why);
        mem_fail_at(0);
        check_memory(rc);
        check_int(count_jobs(it), rc == RC_OK ? 1 : 0);
        (void)snprintf(job, sizeof(job), "%s", doc_get_string(reply, "id", ""));
    }
    check_rc(rc, RC_OK);
    (void)house_wait(it, job, 0); /* with luck it even succeeded */
}

/* A paused job of an earlier run is resumed: it is either still paused, or it has its turn. */
static void test_memory_resume_loses_no_job(void **state)
{
    struct house *it = *state;
    char job[ID_SIZE];
    bool paused = true;
    AUTO_PTR(doc) struct doc *before = NULL;
    train(it, job, ",\"epochs\":10000");
    (void)house_wait(it, job, 1);
    check_ok(service_job_pause(it->service, job, &before, &it->why), &it->why);
    house_close(it);
    house_open(it);
    for (long i = 1; paused && i < TRIES_MAX; i++) {
        AUTO_PTR(doc) struct doc *resumed = NULL;
        mem_fail_at(i);
        const enum rc rc = service_job_resume(it->service, job, &resumed, &it->why);
        mem_fail_at(0);
        AUTO_PTR(doc) struct doc *now = house_job(it, job);
        paused = strcmp(doc_get_string(now, "status", ""), "paused") == 0;
        check_memory(rc);
        check(rc != RC_OK || !paused);
    }
    check(!paused);
    AUTO_PTR(doc) struct doc *now = house_job(it, job);
    (void)house_wait(it, job, (int64_t)doc_count(doc_get(now, "history")) + 1);
    AUTO_PTR(doc) struct doc *cancelled = NULL;
    const enum rc rc = service_job_cancel(it->service, job, &cancelled, &it->why);
    check(rc == RC_OK || rc == RC_CONFLICT); /* the last failing allocation may have been the trainer's */
    (void)house_wait(it, job, 0);
}

static void test_memory_label_is_the_same_everywhere(void **state)
{
    struct house *it = *state;
    char job[ID_SIZE];
    train(it, job, ",\"epochs\":1");
    doc_destroy(house_done(it, job));
    AUTO_PTR(doc) struct doc *body = NULL;
    check_ok(doc_parse("{\"version\":1}", 13, &body, &it->why), &it->why);
    enum rc rc = RC_NO_MEMORY;
    for (long i = 1; rc != RC_OK && i < TRIES_MAX; i++) {
        AUTO_PTR(doc) struct doc *reply = NULL;
        AUTO_PTR(doc) struct doc *model = NULL;
        mem_fail_at(i);
        rc = service_label_set(it->service, "m", "production", body, &reply, &it->why);
        mem_fail_at(0);
        check_memory(rc);
        const struct version_choice production = { 0 };
        check_ok(service_model_get(it->service, "m", &model, &it->why), &it->why);
        check_int(version_is_loaded(it->service, "m", &production), doc_count(doc_get(model, "labels")) == 1);
    }
    check_rc(rc, RC_OK);
}

/* Two versions of which only one may be loaded: each pin has to load. */
static void test_memory_pin_loads_whole_or_not(void **state)
{
    struct house *it = *state;
    char job[ID_SIZE];
    struct version *version = NULL;
    for (int i = 0; i < 2; i++) {
        train(it, job, ",\"epochs\":1");
        doc_destroy(house_done(it, job));
    }
    struct version_choice choice = { .number = 1 };
    check_ok(version_pin(it->service, "m", &choice, &version, &it->why), &it->why);
    it->config.resident_memory = version->bytes + version->bytes / 2;
    version_unpin(it->service, version);
    house_close(it);
    house_open(it);
    enum rc rc = RC_NO_MEMORY;
    for (long i = 1; rc != RC_OK && i < TRIES_MAX; i++) {
        choice.number = 1;
        check_ok(version_pin(it->service, "m", &choice, &version, &it->why), &it->why);
        version_unpin(it->service, version);
        choice.number = 2;
        mem_fail_at(i);
        rc = version_pin(it->service, "m", &choice, &version, &it->why);
        mem_fail_at(0);
        check_memory(rc);
    }
    check_rc(rc, RC_OK);
    version_unpin(it->service, version);
}

static size_t count_good_tokens(struct house *it)
{
    const struct page page = { .limit = 1000 };
    AUTO_PTR(doc) struct doc *list = NULL;
    check_ok(service_token_list(it->service, &page, &list, &it->why), &it->why);
    const struct doc *tokens = doc_get(list, "data");
    size_t n = 0;
    for (size_t i = 0; i < doc_count(tokens); i++) {
        n += doc_get(doc_at(tokens, i), "revoked_at") == NULL ? 1 : 0;
    }
    return n;
}

static void test_memory_token_is_told_or_not_there(void **state)
{
    static const char json[] = "{\"name\":\"x\",\"scopes\":[\"model:predict\"],\"expires_in\":60,\"purposes\":[\"research\"]}";
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *body = NULL;
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    enum rc rc = RC_NO_MEMORY;
    for (long i = 1; rc != RC_OK && i < TRIES_MAX; i++) {
        AUTO_PTR(doc) struct doc *reply = NULL;
        mem_fail_at(i);
        rc = service_token_create(it->service, it->caller, body, &reply, &it->why);
        mem_fail_at(0);
        check_memory(rc);
        check_int(count_good_tokens(it), rc == RC_OK ? 2 : 1);
    }
    check_rc(rc, RC_OK);
}

static int setup(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    return house_setup(state);
}

#define HOUSE_CHECK(function) CHECK_WITH(function, setup, house_teardown)

CHECK_MAIN("core/service/memory",
           HOUSE_CHECK(test_memory_upload_leaves_no_file),
           HOUSE_CHECK(test_memory_submit_keeps_all_or_nothing),
           HOUSE_CHECK(test_memory_resume_loses_no_job),
           HOUSE_CHECK(test_memory_label_is_the_same_everywhere),
           HOUSE_CHECK(test_memory_pin_loads_whole_or_not),
           HOUSE_CHECK(test_memory_token_is_told_or_not_there))
