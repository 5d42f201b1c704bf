/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/model.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/core/service/house.h"

#define JOB "{\"type\":\"train\",\"model\":\"iris\",\"dataset\":\"%s\",\"target\":\"species\",\"epochs\":20,\"seed\":%d}"

/* Two versions of one model on the iris table. */
static void train_two(struct house *it)
{
    char dataset[ID_SIZE], job[ID_SIZE], json[400];
    house_upload(it, "iris.csv", dataset);
    for (int seed = 1; seed <= 2; seed++) {
        (void)snprintf(json, sizeof(json), JOB, dataset, seed);
        house_submit(it, job, json);
        doc_destroy(house_done(it, job));
    }
}

static enum rc label(struct house *it, const char *name, const char *json)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    return service_label_set(it->service, "iris", name, body, &reply, &it->why);
}

/* The class that a version says of one flower. */
static const char *say(struct house *it, const struct version_choice *choice, const double cells[4])
{
    struct version *version = NULL;
    float x[4], y[3];
    unsigned flags = 0;
    struct cell record[4];
    for (size_t i = 0; i < 4; i++) {
        record[i] = (struct cell){ .kind = CELL_NUMBER, .number = cells[i] };
    }
    check_ok(version_pin(it->service, "iris", choice, &version, &it->why), &it->why);
    check_ok(transform_record(version_transform(version), record, x, &flags, &it->why), &it->why);
    check_ok(version_predict(version, x, 1, y, &it->why), &it->why);
    const size_t best = y[0] > y[1] && y[0] > y[2] ? 0 : y[1] > y[2] ? 1
                                                                     : 2;
    const char *name = best == 0 ? "setosa" : best == 1 ? "versicolor"
                                                        : "virginica";
    check_text(target_class(version_target(version), best), name);
    version_unpin(it->service, version);
    return name;
}

static void test_model_serves_what_its_label_names(void **state)
{
    struct house *it = *state;
    static const double setosa[4] = { 5.1, 3.5, 1.4, 0.2 };
    const struct version_choice production = { 0 }, second = { .number = 2 };
    struct version *version = NULL;
    train_two(it);
    check_rc(version_pin(it->service, "iris", &production, &version, &it->why), RC_NOT_FOUND);
    check_contains(it->why.text, "no version of the model \"iris\" is deployed");
    check_rc(version_pin(it->service, "rose", &production, &version, &it->why), RC_NOT_FOUND);
    check_contains(it->why.text, "no model \"rose\"");
    check_ok(label(it, "production", "{\"version\":1}"), &it->why);
    check_text(say(it, &production, setosa), "setosa");
    check_text(say(it, &second, setosa), "setosa");
    house_close(it);
    house_open(it);
    check(version_is_loaded(it->service, "iris", &production));
    check(!version_is_loaded(it->service, "iris", &second));
    check_text(say(it, &production, setosa), "setosa");
}

static void test_label_refuses(void **state)
{
    struct house *it = *state;
    train_two(it);

    static const struct {
        const char *name, *json;
        enum rc rc;
        const char *path;
    } rows[] = {
        { "production", "{\"version\":3}", RC_NOT_FOUND, "" },
        { "production", "{\"version\":0}", RC_INVALID, "version" },
        { "production", "{}", RC_INVALID, "version" },
        { "production", "{\"version\":1,\"versions\":[{\"version\":1}]}", RC_INVALID, "version" },
        { "production", "{\"versions\":[{\"version\":1},{\"version\":2}]}", RC_INVALID, "versions" },
        { "production", "{\"versions\":[{\"version\":1,\"shadow\":true}]}", RC_INVALID, "versions[0]" },
        { "pro duction", "{\"version\":1}", RC_INVALID, "label" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        it->why = (struct why){ 0 };
        check_rc(label(it, rows[i].name, rows[i].json), rows[i].rc);
        check_text(it->why.path, rows[i].path);
    }
    check_ok(label(it, "production", "{\"versions\":[{\"version\":2,\"weight\":100}]}"), &it->why);
}

static void test_version_named_by_a_label_stays(void **state)
{
    struct house *it = *state;
    const struct version_choice first = { .number = 1 };
    struct version *version = NULL;
    train_two(it);
    check_ok(label(it, "production", "{\"version\":2}"), &it->why);
    check_rc(service_version_erase(it->service, "iris", 2, &it->why), RC_CONFLICT);
    check_rc(service_model_erase(it->service, "iris", &it->why), RC_CONFLICT);
    check_ok(version_pin(it->service, "iris", &first, &version, &it->why), &it->why);
    check_ok(service_version_erase(it->service, "iris", 1, &it->why), &it->why);
    check_int(version_number(version), 1); /* pinned: still there */
    version_unpin(it->service, version);
    check_rc(version_pin(it->service, "iris", &first, &version, &it->why), RC_NOT_FOUND);
    check_rc(service_version_erase(it->service, "iris", 1, &it->why), RC_NOT_FOUND);
}

static void test_label_removed_lets_the_model_go(void **state)
{
    struct house *it = *state;
    const struct version_choice named = { .label = "production" };
    struct version *version = NULL;
    train_two(it);
    check_ok(label(it, "canary", "{\"version\":1}"), &it->why);
    check_ok(label(it, "production", "{\"version\":2}"), &it->why);
    check_rc(service_label_remove(it->service, "iris", "beta", &it->why), RC_NOT_FOUND);
    check_rc(service_label_remove(it->service, "rose", "production", &it->why), RC_NOT_FOUND);
    check_ok(service_label_remove(it->service, "iris", "production", &it->why), &it->why);
    check_rc(version_pin(it->service, "iris", &named, &version, &it->why), RC_NOT_FOUND);
    check_rc(service_model_erase(it->service, "iris", &it->why), RC_CONFLICT); /* the canary */
    check_ok(service_label_remove(it->service, "iris", "canary", &it->why), &it->why);
    check_ok(service_model_erase(it->service, "iris", &it->why), &it->why);
}

/* Predictions go on while the label moves to and fro. */
struct mover {
    struct house *it;
    atomic_bool stop;
    atomic_int asked, failed;
};

static void *ask(void *arg)
{
    struct mover *mover = arg;
    const struct version_choice production = { 0 };
    while (!atomic_load(&mover->stop)) {
        struct version *version = NULL;
        const float x[4] = { 0 };
        float y[3];
        enum rc rc = version_pin(mover->it->service, "iris", &production, &version, NULL);
        if (rc == RC_OK) {
            rc = version_predict(version, x, 1, y, NULL);
            version_unpin(mover->it->service, version);
        }
        atomic_fetch_add(&mover->asked, 1);
        atomic_fetch_add(&mover->failed, rc != RC_OK);
    }
    return NULL;
}

static void test_label_moves_without_a_failed_prediction(void **state)
{
    struct house *it = *state;
    struct mover mover = { .it = it };
    pthread_t threads[2];
    train_two(it);
    check_ok(label(it, "production", "{\"version\":1}"), &it->why);
    for (size_t i = 0; i < 2; i++) {
        check_int(pthread_create(&threads[i], NULL, ask, &mover), 0);
    }
    for (int i = 0; i < 50; i++) {
        check_ok(label(it, "production", i % 2 == 0 ? "{\"version\":2}" : "{\"version\":1}"), &it->why);
    }
    atomic_store(&mover.stop, true);
    for (size_t i = 0; i < 2; i++) {
        check_int(pthread_join(threads[i], NULL), 0);
    }
    check(atomic_load(&mover.asked) > 0);
    check_int(atomic_load(&mover.failed), 0);
}

static void test_versions_without_labels_make_room(void **state)
{
    struct house *it = *state;
    const struct version_choice first = { .number = 1 }, second = { .number = 2 };
    struct version *version = NULL;
    train_two(it);
    house_close(it);
    it->config.resident_memory = 600000; /* one of them */
    house_open(it);
    check_ok(version_pin(it->service, "iris", &first, &version, &it->why), &it->why);
    struct version *other = NULL;
    check_rc(version_pin(it->service, "iris", &second, &other, &it->why), RC_UNAVAILABLE); /* the first has a pin */
    version_unpin(it->service, version);
    check_ok(version_pin(it->service, "iris", &second, &version, &it->why), &it->why);
    version_unpin(it->service, version);
    check(!version_is_loaded(it->service, "iris", &first) && version_is_loaded(it->service, "iris", &second));
    check_ok(label(it, "production", "{\"version\":2}"), &it->why);
    check_rc(version_pin(it->service, "iris", &first, &version, &it->why), RC_UNAVAILABLE); /* the second has a label */
}

static void test_damaged_weights_are_not_served(void **state)
{
    struct house *it = *state;
    char command[300];
    const struct version_choice first = { .number = 1 };
    struct version *version = NULL;
    train_two(it);
    house_close(it);
    (void)snprintf(command, sizeof(command), "for f in %s/blobs/*; do printf X | dd of=$f bs=1 seek=3000 conv=notrunc 2>/dev/null; done", it->dir);
    check_int(system(command), 0);
    house_open(it);
    check_rc(version_pin(it->service, "iris", &first, &version, &it->why), RC_CORRUPT);
    check_contains(it->why.text, "does not match its digest");
}

#define HOUSE_CHECK(function) CHECK_WITH(function, house_setup, house_teardown)

CHECK_MAIN("core/service/model",
           HOUSE_CHECK(test_model_serves_what_its_label_names),
           HOUSE_CHECK(test_label_refuses),
           HOUSE_CHECK(test_version_named_by_a_label_stays),
           HOUSE_CHECK(test_label_removed_lets_the_model_go),
           HOUSE_CHECK(test_label_moves_without_a_failed_prediction),
           HOUSE_CHECK(test_versions_without_labels_make_room),
           HOUSE_CHECK(test_damaged_weights_are_not_served))
