/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/dataset.h"

#include "tests/core/store/place.h"

static void test_store_dataset_add_keeps_every_field(void **state)
{
    struct place *it = *state;
    const struct dataset_row row = place_dataset(it, "people");
    int64_t version = 0;
    check_ok(store_dataset_add(it->store, &row, &version, &it->why), &it->why);
    check_int(version, 1);
    place_reopen(it);
    struct dataset_row back;
    check_ok(store_dataset_get(it->store, row.id, &it->region, &back, &it->why), &it->why);
    check_text(back.id, row.id);
    check_text(back.name, "people");
    check_int(back.version, 1);
    check(!back.erased);
    check_int(back.created_at, 1700000000);
    check_int(back.rows, 3);
    check_int(back.bytes, 9);
    check_text(back.sha256, row.sha256);
    check_text(back.blob.name, row.blob.name);
    check_text(back.blob.sha256, row.blob.sha256);
    check_int(back.blob.bytes, row.blob.bytes);
    check_text(back.body, "{}");
    check(place_has(it, "blobs", row.blob.name));
}

static void test_store_dataset_add_counts_versions_and_refuses_twice(void **state)
{
    struct place *it = *state;
    struct dataset_row row = place_dataset(it, "people");
    int64_t version = 0;
    check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
    check_rc(store_dataset_add(it->store, &row, &version, &it->why), RC_CONFLICT);
    check_contains(it->why.text, "this id");
    row = place_dataset(it, "people");
    check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
    check_int(version, 2);
    row = place_dataset(it, "others");
    check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
    check_int(version, 1);
    struct dataset_row back;
    check_rc(store_dataset_get(it->store, "ds-none", &it->region, &back, &it->why), RC_NOT_FOUND);
    check_contains(it->why.text, "ds-none");
}

static void test_store_dataset_list_pages_newest_first(void **state)
{
    struct place *it = *state;
    char ids[25][ID_SIZE];
    for (int i = 0; i < 25; i++) {
        const struct dataset_row row = place_dataset(it, "people");
        int64_t version;
        check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
        memcpy(ids[i], row.id, ID_SIZE);
    }
    struct store_page page = { .limit = 10 };
    int seen = 25;
    for (bool more = true; more;) {
        struct dataset_list list;
        check_ok(store_dataset_list(it->store, &page, &it->region, &list, &it->why), &it->why);
        for (size_t i = 0; i < list.count; i++) {
            check_text(list.rows[i].id, ids[--seen]);
        }
        more = list.has_more;
        check_int(more, seen > 0);
        page.after = list.rows[list.count - 1].id;
    }
    check_int(seen, 0);
    page.after = "ds-none";
    struct dataset_list list;
    check_rc(store_dataset_list(it->store, &page, &it->region, &list, &it->why), RC_NOT_FOUND);
    check_text(it->why.path, "after");
}

static void test_store_dataset_erase_removes_the_file_and_keeps_the_row(void **state)
{
    struct place *it = *state;
    const struct dataset_row row = place_dataset(it, "people");
    int64_t version;
    check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
    check_ok(store_dataset_erase(it->store, row.id, 1700000009, "{\"left\":1}", &it->why), &it->why);
    check(!place_has(it, "blobs", row.blob.name));
    struct dataset_row back;
    check_rc(store_dataset_get(it->store, row.id, &it->region, &back, NULL), RC_OK);
    check(back.erased);
    check_int(back.erased_at, 1700000009);
    check_text(back.blob.name, "");
    check_text(back.body, "{\"left\":1}");
    check_text(back.sha256, row.sha256);
    check_rc(store_dataset_erase(it->store, row.id, 1, NULL, &it->why), RC_GONE);
    check_rc(store_dataset_erase(it->store, "ds-none", 1, NULL, &it->why), RC_NOT_FOUND);
    struct buf bytes;
    buf_init(&bytes, 1000);
    check_rc(blob_read(it->store, &row.blob, 1000, &bytes), RC_GONE);
    buf_finish(&bytes);
}

/* A crash between the commit and the removal: the file must go, not become "lost". */
static void test_store_open_finishes_an_erasing(void **state)
{
    struct place *it = *state;
    const struct dataset_row row = place_dataset(it, "people");
    int64_t version;
    check_rc(store_dataset_add(it->store, &row, &version, NULL), RC_OK);
    check_rc(store_dataset_erase(it->store, row.id, 1, NULL, NULL), RC_OK);
    place_write(it, "blobs", row.blob.name, "personal");
    place_reopen(it);
    check(!place_has(it, "blobs", row.blob.name));
    check(!place_has(it, "lost", row.blob.name));
}

CHECK_MAIN("core/store/dataset",
           PLACE_CHECK(test_store_dataset_add_keeps_every_field),
           PLACE_CHECK(test_store_dataset_add_counts_versions_and_refuses_twice),
           PLACE_CHECK(test_store_dataset_list_pages_newest_first),
           PLACE_CHECK(test_store_dataset_erase_removes_the_file_and_keeps_the_row),
           PLACE_CHECK(test_store_open_finishes_an_erasing))
