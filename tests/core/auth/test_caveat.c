/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/caveat.h"

#include "core/base/cleanup.h"
#include "tests/check.h"

#define NOW INT64_C(1700000000)

/* One request: POST /v1/models/credit:predict by 192.0.2.7, at NOW. */
static void test_caveat_check_one_request(void **state)
{
    static const struct {
        const char *caveat;
        enum rc rc;
        const char *words;
    } rows[] = {
        { "path=/v1/models/credit:predict", RC_OK, "" },
        { "path=/v1/models/credit*", RC_OK, "" },
        { "path=/v1/models/credit:predict*", RC_OK, "" },
        { "path=*", RC_OK, "" },
        { "path=/v1/models/credit", RC_DENIED, "narrowed to the path \"/v1/models/credit\"" },
        { "path=/v1/models/credit:predict/", RC_DENIED, "narrowed to the path" },
        { "path=/V1/models/credit:predict", RC_DENIED, "narrowed to the path" },
        { "path=/v1/*/credit:predict", RC_DENIED, "narrowed to the path" },
        { "path=", RC_DENIED, "narrowed to the path" },
        { "model=credit", RC_OK, "" },
        { "model=cr*", RC_OK, "" },
        { "model=*", RC_OK, "" },
        { "model=Credit", RC_DENIED, "the model \"Credit\"" },
        { "model=credit-old*", RC_DENIED, "the model" },
        { "model=c*t", RC_DENIED, "the model" },
        { "model=", RC_DENIED, "the model" },
        { "expires=1700000001", RC_OK, "" },
        { "expires=1700000000", RC_UNAUTHENTICATED, "expired" },
        { "expires=-1", RC_UNAUTHENTICATED, "expired" },
        { "expires=", RC_DENIED, "a time that is none" },
        { "expires=1800000000s", RC_DENIED, "a time that is none" },
        { "expires= 1800000000", RC_DENIED, "a time that is none" },
        { "expires=99999999999999999999", RC_DENIED, "a time that is none" },
        { "address=192.0.2.7", RC_OK, "" },
        { "address=192.0.2.0/24", RC_OK, "" },
        { "address=::ffff:192.0.2.7", RC_OK, "" },
        { "address=192.0.2.8", RC_DENIED, "other client addresses" },
        { "address=2001:db8::/32", RC_DENIED, "other client addresses" },
        { "address=192.0.2.7/24", RC_DENIED, "addresses that are none" },
        { "address=", RC_DENIED, "addresses that are none" },
        { "address=localhost", RC_DENIED, "addresses that are none" },
        { "", RC_DENIED, "not known here" },
        { "=", RC_DENIED, "not known here" },
        { "path", RC_DENIED, "not known here" },
        { "pat=*", RC_DENIED, "not known here" },
        { "paths=*", RC_DENIED, "not known here" },
        { "PATH=*", RC_DENIED, "not known here" },
        { " path=*", RC_DENIED, "not known here" },
        { "path =*", RC_DENIED, "not known here" },
        { "method=GET", RC_DENIED, "not known here, \"method=GET\"" },
    };

    struct address address;
    check(address_read("192.0.2.7", 9, &address));
    const struct caveat_ask ask = { .path = "/v1/models/credit:predict", .model = "credit", .address = &address, .now = NOW };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct why why = { 0 };
        const enum rc rc = caveat_check(rows[i].caveat, &ask, &why);
        if (rc != rows[i].rc) {
            fail_msg("%s gave %s", rows[i].caveat, rc_name(rc));
        }
        check_contains(why.text, rows[i].words);
    }
}

/* What is not known is not let through, whatever the pattern. */
static void test_caveat_check_without_model_and_address(void **state)
{
    static const char *const all[] = { "model=*", "model=credit", "model=", "address=0.0.0.0/0", "address=::/0" };
    const struct address nobody = { .family = ADDRESS_NONE };
    const struct caveat_ask ask = { .path = "/v1/models", .address = &nobody, .now = NOW };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        check_rc(caveat_check(all[i], &ask, NULL), RC_DENIED);
    }
}

CHECK_MAIN("core/auth/caveat",
           CHECK(test_caveat_check_one_request),
           CHECK(test_caveat_check_without_model_and_address))
