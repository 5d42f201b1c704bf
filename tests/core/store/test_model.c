/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/model.h"

#include "tests/core/store/place.h"

static int64_t add_version(struct place *it, const char *model, const char *label)
{
    const struct version_row row = place_version(it, model);
    int64_t number = 0;
    check_ok(store_version_add(it->store, &row, NULL, label, &number, &it->why), &it->why);
    return number;
}

static void test_store_version_add_finishes_the_job_and_sets_the_label(void **state)
{
    struct place *it = *state;
    struct job_row job = place_job("credit");
    job.status = "running";
    check_rc(store_job_add(it->store, &job, NULL), RC_OK);
    struct version_row row = place_version(it, "credit");
    row.job = job.id;
    const struct job_move finish = { .from = "running", .to = "succeeded", .finished_at = 3, .drop_checkpoint = true };
    int64_t number = 0;
    check_ok(store_version_add(it->store, &row, &finish, "production", &number, &it->why), &it->why);
    check_int(number, 1);
    place_reopen(it);
    check_rc(store_job_get(it->store, job.id, &it->region, &job, NULL), RC_OK);
    check_text(job.status, "succeeded");
    check_int(job.version, 1);
    struct version_row back;
    check_ok(store_version_get(it->store, "credit", 1, &it->region, &back, &it->why), &it->why);
    check_text(back.model, "credit");
    check_text(back.job, job.id);
    check_text(back.weights_digest, "aa");
    check_text(back.version_digest, "bb");
    check_int(back.parameters, 7);
    check_text(back.network, "{\"layers\":[]}");
    check(back.transforms == NULL && back.card == NULL);
    check_text(back.weights.name, row.weights.name);
    struct label_row label;
    check_ok(store_label_get(it->store, "credit", "production", &it->region, &label, &it->why), &it->why);
    check_int(label.count, 1);
    check_int(label.versions[0], 1);
    check_text(label.body, "{\"versions\":[{\"version\":1}]}");
}

/* All or nothing: a job that was cancelled meanwhile leaves no version, model or label behind. */
static void test_store_version_add_takes_all_back_when_the_job_moved(void **state)
{
    struct place *it = *state;
    struct job_row job = place_job("credit");
    job.status = "cancelled";
    check_rc(store_job_add(it->store, &job, NULL), RC_OK);
    struct version_row row = place_version(it, "credit");
    row.job = job.id;
    const struct job_move finish = { .from = "running", .to = "succeeded" };
    int64_t number = -5;
    check_rc(store_version_add(it->store, &row, &finish, "production", &number, &it->why), RC_CONFLICT);
    check_text(it->why.text, "the job is cancelled, not running");
    check_int(number, -5);
    struct model_row model;
    check_rc(store_model_get(it->store, "credit", &it->region, &model, NULL), RC_NOT_FOUND);
    check_int(add_version(it, "credit", NULL), 1);
}

static void test_store_version_numbers_are_never_given_again(void **state)
{
    struct place *it = *state;
    check_int(add_version(it, "credit", NULL), 1);
    check_int(add_version(it, "credit", NULL), 2);
    check_rc(store_version_remove(it->store, "credit", 2, NULL), RC_OK);
    check_int(add_version(it, "credit", NULL), 3);
    check_rc(store_model_remove(it->store, "credit", NULL), RC_OK);
    struct version_row row;
    check_rc(store_version_get(it->store, "credit", 3, &it->region, &row, NULL), RC_NOT_FOUND);
    check_rc(store_model_remove(it->store, "credit", &it->why), RC_NOT_FOUND);
    place_reopen(it);
    check_int(add_version(it, "credit", NULL), 4);
    struct version_list list;
    check_rc(store_version_list(it->store, "credit", 0, 10, &it->region, &list, NULL), RC_OK);
    check_int(list.count, 1);
}

static void test_store_model_names_are_unique_ignoring_case(void **state)
{
    struct place *it = *state;
    check_rc(store_model_check(it->store, "credit", NULL), RC_OK);
    (void)add_version(it, "Credit", NULL);
    const struct version_row row = place_version(it, "credit");
    int64_t number;
    check_rc(store_version_add(it->store, &row, NULL, NULL, &number, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "\"Credit\"");
    check_rc(store_model_check(it->store, "credit", &it->why), RC_CONFLICT);
    check_rc(store_model_check(it->store, "Credit", &it->why), RC_OK);
    struct model_row model;
    check_rc(store_model_get(it->store, "credit", &it->region, &model, NULL), RC_NOT_FOUND);
    check_rc(store_model_get(it->store, "Credit", &it->region, &model, NULL), RC_OK);
}

static void test_store_version_remove_refuses_what_a_label_names(void **state)
{
    struct place *it = *state;
    (void)add_version(it, "credit", "production");
    (void)add_version(it, "credit", NULL);
    (void)add_version(it, "credit", NULL);
    const int64_t two[] = { 1, 2 };
    struct label_row label = { "credit", "production", 8, two, 2, "{\"x\":1}" };
    check_ok(store_label_set(it->store, &label, &it->why), &it->why);
    check_rc(store_version_remove(it->store, "credit", 2, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "the label \"production\" names version 2");
    const struct version_row doomed = place_version(it, "credit");
    check_rc(store_version_remove(it->store, "credit", 9, &it->why), RC_NOT_FOUND);
    label.versions = (const int64_t[]){ 3 };
    label.count = 1;
    check_ok(store_label_set(it->store, &label, &it->why), &it->why);
    struct version_row row;
    check_rc(store_version_get(it->store, "credit", 2, &it->region, &row, NULL), RC_OK);
    check_ok(store_version_remove(it->store, "credit", 2, &it->why), &it->why);
    check(!place_has(it, "blobs", row.weights.name));
    check(place_has(it, "blobs", doomed.weights.name));
}

static void test_store_label_set_is_all_or_nothing(void **state)
{
    struct place *it = *state;
    (void)add_version(it, "credit", "production");
    const int64_t bad[] = { 1, 7 };
    const struct label_row label = { "credit", "production", 8, bad, 2, "{}" };
    check_rc(store_label_set(it->store, &label, &it->why), RC_NOT_FOUND);
    check_contains(it->why.text, "version 7");
    struct label_row back;
    check_rc(store_label_get(it->store, "credit", "production", &it->region, &back, NULL), RC_OK);
    check_int(back.count, 1);
    check_int(back.updated_at, 1700000000);
    const struct label_row other = { "credit", "Production", 8, bad, 1, "{}" };
    check_rc(store_label_set(it->store, &other, &it->why), RC_CONFLICT);
    const struct label_row nowhere = { "none", "production", 8, bad, 1, "{}" };
    check_rc(store_label_set(it->store, &nowhere, &it->why), RC_NOT_FOUND);
    check_rc(store_label_get(it->store, "credit", "Production", &it->region, &back, NULL), RC_NOT_FOUND);
    check_rc(store_label_remove(it->store, "credit", "production", NULL), RC_OK);
    check_rc(store_label_remove(it->store, "credit", "production", NULL), RC_NOT_FOUND);
    check_rc(store_version_remove(it->store, "credit", 1, NULL), RC_OK);
}

static void test_store_model_list_and_label_list(void **state)
{
    struct place *it = *state;
    (void)add_version(it, "b", "production");
    (void)add_version(it, "a", "production");
    (void)add_version(it, "c", NULL);
    (void)add_version(it, "a", "canary");
    struct store_page page = { .limit = 2 };
    struct model_list models;
    check_rc(store_model_list(it->store, &page, &it->region, &models, NULL), RC_OK);
    check_int(models.count, 2);
    check(models.has_more);
    check_text(models.rows[0].name, "c");
    check_text(models.rows[1].name, "a");
    page.after = "a";
    check_rc(store_model_list(it->store, &page, &it->region, &models, NULL), RC_OK);
    check_int(models.count, 1);
    check_text(models.rows[0].name, "b");
    struct label_list labels;
    check_rc(store_label_list(it->store, NULL, &it->region, &labels, NULL), RC_OK);
    check_int(labels.count, 3);
    check_text(labels.rows[0].label, "canary");
    check_int(labels.rows[0].versions[0], 2);
    check_rc(store_label_list(it->store, "b", &it->region, &labels, NULL), RC_OK);
    check_int(labels.count, 1);
    check_text(labels.rows[0].model, "b");
    struct version_list versions;
    check_rc(store_version_list(it->store, "a", 0, 1, &it->region, &versions, NULL), RC_OK);
    check_int(versions.count, 1);
    check_int(versions.rows[0].number, 2);
    check(versions.has_more);
    check_rc(store_version_list(it->store, "a", 2, 1, &it->region, &versions, NULL), RC_OK);
    check_int(versions.rows[0].number, 1);
    check(!versions.has_more);
}

CHECK_MAIN("core/store/model",
           PLACE_CHECK(test_store_version_add_finishes_the_job_and_sets_the_label),
           PLACE_CHECK(test_store_version_add_takes_all_back_when_the_job_moved),
           PLACE_CHECK(test_store_version_numbers_are_never_given_again),
           PLACE_CHECK(test_store_model_names_are_unique_ignoring_case),
           PLACE_CHECK(test_store_version_remove_refuses_what_a_label_names),
           PLACE_CHECK(test_store_label_set_is_all_or_nothing),
           PLACE_CHECK(test_store_model_list_and_label_list))
