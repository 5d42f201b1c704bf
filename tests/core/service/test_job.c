/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/job.h"

#include "core/data/transform.h"
#include "tests/core/service/house.h"

#define JOB "{\"type\":\"train\",\"model\":\"m\",\"dataset\":\"%s\",\"target\":\"diagnosis\",\"seed\":7%s}"

static void train(struct house *it, const char *dataset, const char *more, char job[ID_SIZE])
{
    char json[2000];
    (void)snprintf(json, sizeof(json), JOB, dataset, more);
    house_submit(it, job, json);
}

/* The same resolved job on the same data gives the same weights, however it was interrupted. */
static void digest_of(struct house *it, const char *job, char ret[65])
{
    AUTO_PTR(doc) struct doc *doc = house_done(it, job);
    (void)snprintf(ret, 65, "%s", doc_get_string(doc, "weights_digest", ""));
    check_int(strlen(ret), 64);
}

static void test_job_train_learns_and_deploys(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE];
    house_upload(it, "breast_cancer.csv", dataset);
    train(it, dataset, ",\"epochs\":15,\"label\":\"production\",\"test_split\":0.1", job);
    AUTO_PTR(doc) struct doc *doc = house_done(it, job);
    check(doc_get_number(doc_get(doc, "metrics"), "accuracy", 0) > 0.9);
    check(doc_get_number(doc_get(doc, "metrics"), "test_auc", 0) > 0.9);
    check_int(doc_count(doc_get(doc, "history")), 15);
    check_int(doc_get_integer(doc, "version", 0), 1);
    check_text(doc_get_string(doc_get(doc, "spec"), "loss", ""), "binary_crossentropy");
    const struct version_choice production = { 0 };
    check(version_is_loaded(it->service, "m", &production));
    AUTO_PTR(doc) struct doc *model = NULL;
    check_ok(service_model_get(it->service, "m", &model, &it->why), &it->why);
    check_int(doc_count(doc_get(model, "inputs")), 30);
    bool ready = false;
    check(doc_boolean(doc_get(model, "ready"), &ready) && ready);
}

static void test_job_twice_gives_the_same_weights(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE], first[65], second[65], other[65];
    house_upload(it, "breast_cancer.csv", dataset);
    train(it, dataset, ",\"epochs\":3", job);
    digest_of(it, job, first);
    house_close(it);
    it->config.train_threads = 1;
    house_open(it);
    train(it, dataset, ",\"epochs\":3", job);
    digest_of(it, job, second);
    check_text(second, first);
    train(it, dataset, ",\"epochs\":4", job);
    digest_of(it, job, other);
    check(strcmp(other, first) != 0);
}

static void test_job_goes_on_after_every_epoch(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE], whole[65], pieces[65];
    const char *more = ",\"epochs\":6,\"batch_size\":8,\"early_stopping\":{\"monitor\":\"val_loss\",\"patience\":3}";
    house_upload(it, "breast_cancer.csv", dataset);
    train(it, dataset, more, job);
    digest_of(it, job, whole);
    train(it, dataset, more, job);
    for (int64_t epoch = 1; epoch <= 5; epoch++) {
        (void)house_wait(it, job, epoch);
        house_close(it); /* interrupts in the middle of the next epoch, or right here */
        house_open(it);
    }
    digest_of(it, job, pieces);
    check_text(pieces, whole);
}

static void test_job_pause_resume_and_cancel(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE];
    house_upload(it, "breast_cancer.csv", dataset);
    train(it, dataset, ",\"epochs\":10000", job);
    (void)house_wait(it, job, 2);
    AUTO_PTR(doc) struct doc *paused = NULL;
    AUTO_PTR(doc) struct doc *resumed = NULL;
    AUTO_PTR(doc) struct doc *cancelled = NULL;
    check_ok(service_job_pause(it->service, job, &paused, &it->why), &it->why);
    for (;;) { /* a running job stops at its next batch */
        AUTO_PTR(doc) struct doc *doc = house_job(it, job);
        if (strcmp(doc_get_string(doc, "status", ""), "paused") == 0) {
            break;
        }
    }
    check_ok(service_job_resume(it->service, job, &resumed, &it->why), &it->why);
    struct doc *again = NULL;
    check_rc(service_job_resume(it->service, job, &again, &it->why), RC_CONFLICT);
    check_ok(service_job_cancel(it->service, job, &cancelled, &it->why), &it->why);
    (void)house_wait(it, job, 0);
    AUTO_PTR(doc) struct doc *doc = house_job(it, job);
    check_text(doc_get_string(doc, "status", ""), "cancelled");
    check_rc(service_job_cancel(it->service, job, &again, &it->why), RC_CONFLICT);
    check(again == NULL);
}

static void test_job_evaluate_counts_the_confusion(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE], json[400];
    house_upload(it, "iris.csv", dataset);
    (void)snprintf(json, sizeof(json), "{\"type\":\"train\",\"model\":\"iris\",\"dataset\":\"%s\",\"target\":\"species\",\"epochs\":30,\"label\":\"production\"}", dataset);
    house_submit(it, job, json);
    doc_destroy(house_done(it, job));
    (void)snprintf(json, sizeof(json), "{\"type\":\"evaluate\",\"model\":\"iris\",\"dataset\":\"%s\",\"rows\":\"validation\",\"metrics\":[\"f1\",\"accuracy\"]}", dataset);
    house_submit(it, job, json);
    AUTO_PTR(doc) struct doc *doc = house_done(it, job);
    const struct doc *metrics = doc_get(doc, "metrics");
    check_int(doc_get_integer(metrics, "rows", 0), 30);
    check(doc_get_number(metrics, "accuracy", 0) > 0.8);
    int64_t sum = 0;
    const struct doc *counts = doc_get(doc_get(metrics, "confusion_matrix"), "counts");
    for (size_t i = 0; i < 9; i++) {
        int64_t n = 0;
        check(doc_integer(doc_at(doc_at(counts, i / 3), i % 3), &n));
        sum += n;
    }
    check_int(sum, 30);
}

static void test_job_submit_refuses(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE], json[600];
    house_upload(it, "breast_cancer.csv", dataset);

    static const struct {
        const char *more;
        enum rc rc;
        const char *path, *part;
    } rows[] = {
        { ",\"purpose\":\"marketing\"", RC_UNPROCESSABLE, "purpose", "research" },
        { ",\"loss\":\"mean_squared_error\"", RC_UNPROCESSABLE, "loss", "classes" },
        { ",\"metrics\":[\"r2\"]", RC_INVALID, "metrics[0]", "" },
        { ",\"metrics\":[\"auc\",\"auc\"]", RC_INVALID, "metrics[1]", "twice" },
        { ",\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":3,\"activation\":\"sigmoid\"}]}", RC_UNPROCESSABLE, "network.layers[0].units", "must be 1" },
        { ",\"network\":{\"layers\":[{\"type\":\"dense\",\"units\":65536},{\"type\":\"dense\",\"units\":65536},{\"type\":\"dense\",\"units\":1,\"activation\":\"sigmoid\"}]}", RC_TOO_LARGE, "network", "" },
        { ",\"network\":{\"layers\":[]}", RC_INVALID, "network.layers", "" },
        { ",\"validation_split\":0.6,\"test_split\":0.4", RC_INVALID, "test_split", "leave rows" },
        { ",\"epochs\":0", RC_INVALID, "epochs", "1 to" },
        { ",\"epoch\":1", RC_UNKNOWN_KEY, "epoch", "known keys" },
        { ",\"positive\":7", RC_INVALID, "positive", "a string" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        it->why = (struct why){ 0 };
        (void)snprintf(json, sizeof(json), JOB, dataset, rows[i].more);
        const enum rc rc = house_try_submit(it, json, job);
        if (rc != rows[i].rc) {
            fail_msg("%s: %s (%s: %s)", rows[i].more, rc_name(rc), it->why.path, it->why.text);
        }
        check_contains(it->why.path, rows[i].path);
        check_contains(it->why.text, rows[i].part);
    }
    check_rc(house_try_submit(it, "{\"type\":\"train\",\"model\":\"m\",\"dataset\":\"ds-00000000000000000000\",\"target\":\"x\"}", job), RC_NOT_FOUND);
}

/* A full queue takes no job more, until one has ended. */
static void test_job_submit_is_refused_by_a_full_queue(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE], json[600];
    house_close(it);
    it->config.jobs_waiting = 2;
    house_open(it);
    house_upload(it, "breast_cancer.csv", dataset);
    (void)snprintf(json, sizeof(json), JOB, dataset, ",\"epochs\":10000");
    check_rc(house_try_submit(it, json, job), RC_OK);
    check_rc(house_try_submit(it, json, job), RC_OK);
    check_rc(house_try_submit(it, json, job), RC_BUSY);
    check_contains(it->why.text, "2 jobs have not ended");
}

static void test_job_fails_with_words(void **state)
{
    struct house *it = *state;
    char dataset[ID_SIZE], job[ID_SIZE];
    house_upload(it, "breast_cancer.csv", dataset);
    train(it, dataset, ",\"optimizer\":{\"type\":\"sgd\",\"learning_rate\":1000}", job);
    (void)house_wait(it, job, 0);
    AUTO_PTR(doc) struct doc *doc = house_job(it, job);
    check_text(doc_get_string(doc, "status", ""), "failed");
    check_contains(doc_get_string(doc_get(doc, "error"), "detail", ""), "learning rate");
    check_text(doc_get_string(doc_get(doc, "error"), "code", ""), "unprocessable");
}

#define HOUSE_CHECK(function) CHECK_WITH(function, house_setup, house_teardown)

CHECK_MAIN("core/service/job",
           HOUSE_CHECK(test_job_train_learns_and_deploys),
           HOUSE_CHECK(test_job_twice_gives_the_same_weights),
           HOUSE_CHECK(test_job_goes_on_after_every_epoch),
           HOUSE_CHECK(test_job_pause_resume_and_cancel),
           HOUSE_CHECK(test_job_evaluate_counts_the_confusion),
           HOUSE_CHECK(test_job_submit_refuses),
           HOUSE_CHECK(test_job_submit_is_refused_by_a_full_queue),
           HOUSE_CHECK(test_job_fails_with_words))
