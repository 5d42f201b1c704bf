/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CORE_STORE_PLACE_H
#define TESTS_CORE_STORE_PLACE_H

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/store/dataset.h"
#include "core/store/job.h"
#include "core/store/model.h"
#include "core/store/store.h"
#include "core/store/token.h"
#include "tests/check.h"

/*
 * A state directory for one test, with an open store and a region for rows;
 * setup and teardown for CHECK_WITH(), so that a failing check leaves nothing.
 */

struct place {
    char dir[64];
    struct store *store;
    struct region region;
    struct why why;
};

static inline int place_remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

/* Only the directory, nothing opened. */
static inline int place_setup_empty(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    struct place *place = mem_alloc(sizeof(*place));
    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/licit-store-XXXXXX");
    region_init(&place->region, 64 << 20);
    *state = place;
    return mkdtemp(place->dir) == NULL;
}

static inline int place_setup(void **state)
{
    if (place_setup_empty(state) != 0) {
        return 1;
    }
    struct place *place = *state;
    return store_open(place->dir, &place->store, &place->why) != RC_OK;
}

static inline int place_teardown(void **state)
{
    struct place *place = *state;
    mem_fail_at(0);
    store_close(place->store);
    region_finish(&place->region);
    (void)nftw(place->dir, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(place);
    return 0;
}

/* As a restart does. */
static inline void place_reopen(struct place *place)
{
    store_close(TAKE(place->store));
    check_ok(store_open(place->dir, &place->store, &place->why), &place->why);
}

/* DIR/folder/name */
struct place_path {
    char text[256];
};

static inline struct place_path place_path(const struct place *place, const char *folder, const char *name)
{
    struct place_path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/%s/%s", place->dir, folder, name);
    return path;
}

static inline bool place_has(const struct place *place, const char *folder, const char *name)
{
    return access(place_path(place, folder, name).text, F_OK) == 0;
}

static inline void place_write(const struct place *place, const char *folder, const char *name, const char *text)
{
    FILE *file = fopen(place_path(place, folder, name).text, "w");
    check(file != NULL);
    (void)fputs(text, file);
    check_int(fclose(file), 0);
}

static inline struct blob_ref place_blob(struct place *place, const char *text)
{
    struct blob_ref ref;
    check_rc(blob_put(place->store, text, strlen(text), &ref), RC_OK);
    return ref;
}

static inline struct dataset_row place_dataset(struct place *place, const char *name)
{
    struct dataset_row row = { .name = name, .created_at = 1700000000, .rows = 3, .bytes = 9, .body = "{}" };
    id_make("ds", row.id);
    row.blob = place_blob(place, "a,b\n1,2\n3,4\n");
    memcpy(row.sha256, row.blob.sha256, sizeof(row.sha256));
    return row;
}

static inline struct job_row place_job(const char *model)
{
    struct job_row row = { .type = "train", .status = "queued", .model = model, .dataset = "ds-1", .created_at = 1700000000, .spec = "{\"epochs\":3}" };
    id_make("job", row.id);
    return row;
}

static inline struct version_row place_version(struct place *place, const char *model)
{
    return (struct version_row){ .model = model, .created_at = 1700000000, .dataset = "ds-1", .weights_digest = "aa", .version_digest = "bb", .parameters = 7, .body = "{}", .network = "{\"layers\":[]}", .weights = place_blob(place, "weights") };
}

#define PLACE_CHECK(function) CHECK_WITH(function, place_setup, place_teardown)

#endif
