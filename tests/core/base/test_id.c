/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/id.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "tests/check.h"

static void test_id_make_gives_the_documented_form(void **state)
{
    char id[ID_SIZE];
    id_make("job", id);
    check_int(strlen(id), 24);
    check(id_is(id, "job"));
    check(!id_is(id, "ds"));
    check(!id_is(id, "jo"));
    id_make("ds", id);
    check(id_is(id, "ds"));
}

/* 45 bits of milliseconds: the first nine characters are the time, most significant first. */
static void test_id_make_sorts_by_time(void **state)
{
    char a[ID_SIZE], b[ID_SIZE], c[ID_SIZE];
    wall_set((struct wall){ 0 });
    id_make("tok", a);
    wall_set((struct wall){ 1 });
    id_make("tok", b);
    wall_set((struct wall){ 33 });
    id_make("tok", c);
    wall_set((struct wall){ -1 });
    check_bytes(a, "tok-000000000", 13);
    check_bytes(b, "tok-000000001", 13);
    check_bytes(c, "tok-000000011", 13);
    check(strcmp(a, b) < 0 && strcmp(b, c) < 0);
}

static void test_id_make_differs_at_the_same_time(void **state)
{
    static char ids[200][ID_SIZE];
    wall_set((struct wall){ 5 });
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        id_make("evt", ids[i]);
        for (size_t j = 0; j < i; j++) {
            check(strcmp(ids[i], ids[j]) != 0);
        }
    }
    wall_set((struct wall){ -1 });
}

static void test_id_is_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "job",
        "job-",
        "job-0123456789abcdefghi",
        "job-0123456789abcdefghij0",
        "job-0123456789abcdefghiJ",
        "job-0123456789abcdefghiw",
        "job_0123456789abcdefghij",
        "ds-0123456789abcdefghij",
        "job-0123456789abcdef/../",
    };

    check(id_is("job-0123456789abcdefghij", "job"));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check(!id_is(bad[i], "job"));
    }
}

CHECK_MAIN("core/base/id",
           CHECK(test_id_make_gives_the_documented_form),
           CHECK(test_id_make_sorts_by_time),
           CHECK(test_id_make_differs_at_the_same_time),
           CHECK(test_id_is_refuses))
