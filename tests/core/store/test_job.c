/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/job.h"

#include "tests/core/store/place.h"

static struct job_row add_job(struct place *it, const char *status)
{
    struct job_row row = place_job("credit");
    row.status = status;
    check_ok(store_job_add(it->store, &row, &it->why), &it->why);
    return row;
}

static struct job_row get_job(struct place *it, const char *id)
{
    struct job_row row;
    check_ok(store_job_get(it->store, id, &it->region, &row, &it->why), &it->why);
    return row;
}

static void test_store_job_move_expects_a_state(void **state)
{
    struct place *it = *state;
    const struct job_row row = add_job(it, "queued");
    const struct job_move start = { .from = "queued", .to = "running", .started_at = 5 };
    check_ok(store_job_move(it->store, row.id, &start, &it->why), &it->why);
    check_rc(store_job_move(it->store, row.id, &start, &it->why), RC_CONFLICT);
    check_text(it->why.text, "the job is running, not queued");
    const struct job_move end = { .from = "running", .to = "succeeded", .finished_at = 9, .metrics = "{\"auc\":1}", .weights_digest = "ab" };
    check_ok(store_job_move(it->store, row.id, &end, &it->why), &it->why);
    place_reopen(it);
    const struct job_row back = get_job(it, row.id);
    check_text(back.status, "succeeded");
    check_int(back.started_at, 5);
    check_int(back.finished_at, 9);
    check_text(back.metrics, "{\"auc\":1}");
    check_text(back.weights_digest, "ab");
    check_text(back.spec, "{\"epochs\":3}");
    check(back.error == NULL && back.progress == NULL && back.token == NULL);
    check_rc(store_job_move(it->store, "job-none", &end, &it->why), RC_NOT_FOUND);
    check_rc(store_job_add(it->store, &row, &it->why), RC_CONFLICT);
}

static void test_store_job_epoch_replaces_the_checkpoint(void **state)
{
    struct place *it = *state;
    const struct job_row row = add_job(it, "running");
    struct blob_ref blobs[40];
    for (int i = 0; i < 40; i++) {
        blobs[i] = place_blob(it, "checkpoint");
        const struct job_epoch epoch = { i + 1, "{\"loss\":1}" };
        check_ok(store_job_epoch(it->store, row.id, &epoch, "{\"fraction\":0.5}", &blobs[i], &it->why), &it->why);
        check(i == 0 || !place_has(it, "blobs", blobs[i - 1].name));
    }
    struct job_row back = get_job(it, row.id);
    check_int(back.checkpoint_epoch, 40);
    check_text(back.checkpoint.name, blobs[39].name);
    check_text(back.progress, "{\"fraction\":0.5}");
    struct job_history history;
    check_rc(store_job_history(it->store, row.id, 0, 1000, &it->region, &history, NULL), RC_OK);
    check_int(history.count, 40);
    check_int(history.epochs[39].epoch, 40);
    check_rc(store_job_history(it->store, row.id, 37, 2, &it->region, &history, NULL), RC_OK);
    check_int(history.count, 2);
    check_int(history.epochs[0].epoch, 38);

    const struct job_move end = { .from = "running", .to = "cancelled", .drop_checkpoint = true };
    check_rc(store_job_move(it->store, row.id, &end, NULL), RC_OK);
    check(!place_has(it, "blobs", blobs[39].name));
    back = get_job(it, row.id);
    check_text(back.checkpoint.name, "");
    const struct job_epoch late = { 41, "{}" };
    const struct blob_ref blob = place_blob(it, "late");
    check_rc(store_job_epoch(it->store, row.id, &late, NULL, &blob, &it->why), RC_CONFLICT);
    check(place_has(it, "blobs", blob.name));
}

static void test_store_job_rewind_forgets_what_the_checkpoint_does_not_know(void **state)
{
    struct place *it = *state;
    const struct job_row row = add_job(it, "running");
    for (int i = 1; i <= 5; i++) {
        const struct blob_ref blob = place_blob(it, "checkpoint");
        const struct job_epoch epoch = { i, "{}" };
        check_rc(store_job_epoch(it->store, row.id, &epoch, NULL, i == 3 ? &blob : NULL, NULL), RC_OK);
    }
    check_rc(store_job_rewind(it->store, row.id, NULL), RC_OK);
    struct job_history history;
    check_rc(store_job_history(it->store, row.id, 0, 100, &it->region, &history, NULL), RC_OK);
    check_int(history.count, 3);
    /* An epoch that comes again takes the place of itself and of what came after. */
    const struct job_epoch again = { 2, "{\"again\":true}" };
    check_rc(store_job_epoch(it->store, row.id, &again, NULL, NULL, NULL), RC_OK);
    check_rc(store_job_history(it->store, row.id, 0, 100, &it->region, &history, NULL), RC_OK);
    check_int(history.count, 2);
    check_text(history.epochs[1].body, "{\"again\":true}");
}

static void test_store_job_list_filters_and_pending_keeps_the_order(void **state)
{
    struct place *it = *state;
    static const char *const states[] = { "queued", "failed", "running", "paused", "queued" };
    char ids[5][ID_SIZE];
    for (int i = 0; i < 5; i++) {
        memcpy(ids[i], add_job(it, states[i]).id, ID_SIZE);
    }
    struct job_list list;
    struct store_page page = { .limit = 1 };
    check_rc(store_job_list(it->store, "queued", &page, &it->region, &list, NULL), RC_OK);
    check_int(list.count, 1);
    check(list.has_more);
    check_text(list.rows[0].id, ids[4]);
    page.after = ids[4];
    check_rc(store_job_list(it->store, "queued", &page, &it->region, &list, NULL), RC_OK);
    check_text(list.rows[0].id, ids[0]);
    check(!list.has_more);
    page = (struct store_page){ .limit = 1000 };
    check_rc(store_job_list(it->store, NULL, &page, &it->region, &list, NULL), RC_OK);
    check_int(list.count, 5);
    check_rc(store_job_pending(it->store, &it->region, &list, NULL), RC_OK);
    check_int(list.count, 3);
    check_text(list.rows[0].id, ids[0]);
    check_text(list.rows[1].id, ids[2]);
    check_text(list.rows[2].id, ids[4]);
}

CHECK_MAIN("core/store/job",
           PLACE_CHECK(test_store_job_move_expects_a_state),
           PLACE_CHECK(test_store_job_epoch_replaces_the_checkpoint),
           PLACE_CHECK(test_store_job_rewind_forgets_what_the_checkpoint_does_not_know),
           PLACE_CHECK(test_store_job_list_filters_and_pending_keeps_the_order))
