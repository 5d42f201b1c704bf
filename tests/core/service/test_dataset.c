/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/dataset.h"

#include "core/service/spdx.h"
#include "tests/core/service/house.h"

static void test_upload_in_either_order_gives_the_same(void **state)
{
    struct house *it = *state;
    char first[ID_SIZE];
    size_t n;
    AUTO_FREE char *csv = house_data("iris.csv", &n);
    check_ok(house_try_upload(it, HOUSE_METADATA, csv, n, first), &it->why);
    AUTO_PTR(upload) struct upload *upload = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    AUTO_PTR(doc) struct doc *other = NULL;
    check_ok(upload_create(it->service, &upload, &it->why), &it->why);
    for (size_t i = 0; i < n; i += 7) {
        check_ok(upload_bytes(upload, csv + i, n - i < 7 ? n - i : 7, &it->why), &it->why);
    }
    check_ok(upload_metadata(upload, HOUSE_METADATA, strlen(HOUSE_METADATA), &it->why), &it->why);
    check_ok(upload_finish(upload, &reply, &it->why), &it->why);
    check_int(doc_get_integer(reply, "rows", 0), 150);
    check_int(doc_get_integer(reply, "version", 0), 2);
    check_ok(service_dataset_get(it->service, first, &other, &it->why), &it->why);
    check_text(doc_get_string(other, "sha256", "a"), doc_get_string(reply, "sha256", "b"));
    check_int(doc_count(doc_get(other, "columns")), 5);
}

static void test_upload_refuses(void **state)
{
    struct house *it = *state;

    static const struct {
        const char *metadata, *csv;
        enum rc rc;
        const char *path, *part;
    } rows[] = {
        { "{", "a\n1\n", RC_SYNTAX, "metadata", "line 1" },
        { "{\"name\":\"t\"}", "a\n1\n", RC_INVALID, "metadata.licence", "required" },
        { "{\"name\":\"t\",\"licence\":\"CC BY\",\"purposes\":[\"x\"],\"personal_data\":false}", "a\n1\n", RC_INVALID, "metadata.licence", "SPDX" },
        { "{\"name\":\"t\",\"licence\":\"MIT\",\"purposes\":[\"x\"],\"personal_data\":true}", "a\n1\n", RC_INVALID, "metadata.legal_basis", "required" },
        { "{\"name\":\"t\",\"licence\":\"MIT\",\"purposes\":[\"x\"],\"personal_data\":false,\"target\":\"b\"}", "a\n1\n", RC_UNPROCESSABLE, "metadata.target", "\"b\"" },
        { HOUSE_METADATA, "a,b\n1\n", RC_INVALID, "file", "line 2" },
        { HOUSE_METADATA, "a,b\n", RC_UNPROCESSABLE, "file", "rows" },
        { HOUSE_METADATA, "", RC_INVALID, "file", "" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char id[ID_SIZE];
        it->why = (struct why){ 0 };
        const enum rc rc = house_try_upload(it, rows[i].metadata, rows[i].csv, strlen(rows[i].csv), id);
        if (rc != rows[i].rc) {
            fail_msg("row %zu: %s (%s: %s)", i, rc_name(rc), it->why.path, it->why.text);
        }
        check_contains(it->why.path, rows[i].path);
        check_contains(it->why.text, rows[i].part);
    }
    AUTO_PTR(doc) struct doc *list = NULL;
    const struct page page = { .limit = 10 };
    check_ok(service_dataset_list(it->service, &page, &list, &it->why), &it->why);
    check_int(doc_count(doc_get(list, "data")), 0);
}

static void test_dataset_erase_leaves_the_record(void **state)
{
    struct house *it = *state;
    char id[ID_SIZE];
    house_upload(it, "iris.csv", id);
    AUTO_PTR(doc) struct doc *erased = NULL;
    AUTO_PTR(doc) struct doc *left = NULL;
    struct doc *again = NULL;
    check_ok(service_dataset_erase(it->service, id, &erased, &it->why), &it->why);
    check_rc(service_dataset_get(it->service, id, &left, &it->why), RC_GONE);
    check_text(doc_get_string(left, "status", ""), "erased");
    check(doc_get(left, "columns") == NULL);
    check_text(doc_get_string(left, "licence", ""), "CC-BY-4.0");
    check_rc(service_dataset_erase(it->service, id, &again, &it->why), RC_GONE);
}

static void test_spdx_expressions(void **state)
{
    static const char *const good[] = {
        "MIT",
        "CC-BY-4.0",
        "Apache-2.0 OR MIT",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "(MIT AND (BSD-3-Clause OR ISC))",
        "LicenseRef-Internal",
        "DocumentRef-x:LicenseRef-y",
        "GPL-2.0+",
    };
    static const char *const bad[] = {
        "",
        " ",
        "CC BY",
        "MIT OR",
        "AND MIT",
        "(MIT",
        "MIT)",
        "MIT and BSD",
        "a+b",
        "x:y",
        "MIT\n",
        "((((((((((((((((((MIT))))))))))))))))))",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        check(spdx_is_expression(good[i]));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check(!spdx_is_expression(bad[i]));
    }
}

#define HOUSE_CHECK(function) CHECK_WITH(function, house_setup, house_teardown)

CHECK_MAIN("core/service/dataset",
           HOUSE_CHECK(test_upload_in_either_order_gives_the_same),
           HOUSE_CHECK(test_upload_refuses),
           HOUSE_CHECK(test_dataset_erase_leaves_the_record),
           CHECK(test_spdx_expressions))
