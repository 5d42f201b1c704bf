/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/tensors.h"

#include "tests/check.h"

static enum rc read_text(const char *header, size_t data_bytes, struct why *why)
{
    char bytes[4096] = { 0 };
    const uint64_t n = strlen(header);
    memcpy(bytes, &n, sizeof(n));
    memcpy(bytes + 8, header, n);
    AUTO(region) struct region region;
    region_init(&region, 100000);
    AUTO(tensors) struct tensors tensors = { 0 };
    /* A copy of exactly the size, so that the address sanitizer sees a step too far. */
    AUTO_FREE char *exact = mem_array(8 + n + data_bytes, 1);
    memcpy(exact, bytes, 8 + n + data_bytes);
    return tensors_read(exact, 8 + n + data_bytes, &region, &tensors, why);
}

#define T(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void test_tensors_read_trusts_nothing(void **state)
{
    static const struct {
        const char *header;
        size_t data;
        enum rc rc;
        const char *part;
    } rows[] = {
        { "{}", 0, RC_OK, "" },
        { "{\"a\":" T("F32", "[2]", "0", "8") "}", 8, RC_OK, "" },
        { "{\"a\":" T("F32", "[]", "0", "4") "}   ", 4, RC_OK, "" },
        { "{\"b\":" T("F32", "[1]", "8", "12") ",\"a\":" T("F32", "[2,1]", "0", "8") "}", 12, RC_OK, "" },
        { "{\"a\":" T("F32", "[0,7]", "0", "0") ",\"b\":" T("F32", "[1]", "0", "4") "}", 4, RC_OK, "" },
        { "{\"__metadata__\":{\"k\":\"v\"}}", 0, RC_OK, "" },
        { "", 0, RC_CORRUPT, "JSON" },
        { "[]", 0, RC_CORRUPT, "not an object" },
        { "{\"a\":1}", 0, RC_CORRUPT, "JSON" },
        { "{\"a\":{}}", 0, RC_CORRUPT, "JSON" },
        { "{\"a\":" T("F32", "[2]", "0", "8") ",\"a\":" T("F32", "[2]", "8", "16") "}", 16, RC_CORRUPT, "JSON" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", 4, RC_CORRUPT, "JSON" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, RC_CORRUPT, "JSON" },
        { "{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, RC_CORRUPT, "JSON" },
        { "{\"a\":" T("F32", "[1.5]", "0", "4") "}", 4, RC_CORRUPT, "JSON" },
        { "{\"a\":" T("F32", "[-1]", "0", "4") "}", 4, RC_CORRUPT, "JSON" },
        { "{\"a\":" T("F64", "[1]", "0", "8") "}", 8, RC_UNSUPPORTED, "F32 is" },
        { "{\"a\":" T("F32", "[4294967296,4294967296]", "0", "8") "}", 8, RC_CORRUPT, "too large" },
        { "{\"a\":" T("F32", "[4611686018427387904]", "0", "0") "}", 0, RC_CORRUPT, "" },
        { "{\"a\":" T("F32", "[2]", "0", "4") "}", 4, RC_CORRUPT, "do not match" },
        { "{\"a\":" T("F32", "[2]", "8", "0") "}", 8, RC_CORRUPT, "past the end" },
        { "{\"a\":" T("F32", "[2]", "0", "8") "}", 4, RC_CORRUPT, "past the end" },
        { "{\"a\":" T("F32", "[1]", "4", "8") "}", 8, RC_CORRUPT, "overlap or leave a gap" },
        { "{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "4", "12") "}", 12, RC_CORRUPT, "overlap" },
        { "{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "0", "8") "}", 8, RC_CORRUPT, "overlap" },
        { "{\"a\":" T("F32", "[1]", "0", "4") "}", 8, RC_CORRUPT, "after the last" },
        { "{\"__metadata__\":{\"k\":1}}", 0, RC_CORRUPT, "metadata" },
        { "{\"__metadata__\":[]}", 0, RC_CORRUPT, "metadata" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct why why = { 0 };
        const enum rc rc = read_text(rows[i].header, rows[i].data, &why);
        if (rc != rows[i].rc || strstr(why.text, rows[i].part) == NULL) {
            fail_msg("%s gave %s: %s", rows[i].header, rc_name(rc), why.text);
        }
    }
}

static void test_tensors_read_checks_the_length_of_the_header(void **state)
{
    static const struct {
        uint64_t header;
        size_t n;
        enum rc rc;
    } rows[] = {
        { 0, 0, RC_CORRUPT },
        { 0, 7, RC_CORRUPT },
        { 0, 8, RC_CORRUPT },
        { 1, 8, RC_CORRUPT },
        { UINT64_MAX, 16, RC_CORRUPT },
        { UINT64_MAX - 7, 16, RC_CORRUPT },
        { TENSORS_HEADER_MAX + 1, TENSORS_HEADER_MAX + 100, RC_TOO_LARGE },
    };

    AUTO_FREE char *bytes = mem_array(TENSORS_HEADER_MAX + 200, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region) struct region region;
        region_init(&region, 100000);
        struct tensors tensors;
        memcpy(bytes, &rows[i].header, 8);
        check_rc(tensors_read(bytes, rows[i].n, &region, &tensors, NULL), rows[i].rc);
    }
}

static void test_tensors_write_reads_back(void **state)
{
    const float a[] = { 1, 2, 3, 4, 5, 6 }, b[] = { -0.5f };
    const struct tensor_source sources[] = { { "a", 2, { 2, 3 }, a }, { "b \"quoted\"", 1, { 1 }, b } };
    AUTO_PTR(doc) struct doc *metadata = doc_new_object();
    check_rc(doc_put_string(metadata, "who", "licit"), RC_OK);
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    check_rc(tensors_write(sources, 2, metadata, &out), RC_OK);
    uint64_t header;
    memcpy(&header, out.data, sizeof(header));
    check_int(header % 8, 0);
    AUTO(region) struct region region;
    region_init(&region, 100000);
    AUTO(tensors) struct tensors tensors = { 0 };
    struct why why = { 0 };
    check_ok(tensors_read(out.data, out.len, &region, &tensors, &why), &why);
    float back[6];
    const struct tensor *tensor = tensors_find(&tensors, "a");
    check(tensor != NULL && tensor->rank == 2 && tensor->shape[1] == 3 && tensor->count == 6);
    tensor_copy(tensor, back);
    check_bytes(back, a, sizeof(a));
    check(tensors_find(&tensors, "b \"quoted\"") != NULL && tensors_find(&tensors, "c") == NULL);
    check_text(tensors_metadata(&tensors, "who"), "licit");
    check(tensors_metadata(&tensors, "when") == NULL);
}

static void test_tensors_survive_each_failing_allocation(void **state)
{
    const float a[] = { 1 };
    const struct tensor_source source = { "a", 1, { 1 }, a };
    for (long n = 1;; n++) {
        AUTO(buf) struct buf out;
        AUTO(region) struct region region;
        AUTO(tensors) struct tensors tensors = { 0 };
        buf_init(&out, 1000);
        region_init(&region, 100000);
        mem_fail_at(n);
        enum rc rc = tensors_write(&source, 1, NULL, &out);
        rc = rc != RC_OK ? rc : tensors_read(out.data, out.len, &region, &tensors, NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 2);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

CHECK_MAIN("core/nn/tensors",
           CHECK(test_tensors_read_trusts_nothing),
           CHECK(test_tensors_read_checks_the_length_of_the_header),
           CHECK(test_tensors_write_reads_back),
           CHECK(test_tensors_survive_each_failing_allocation))
