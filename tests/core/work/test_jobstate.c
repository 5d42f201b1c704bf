/* SPDX-License-Identifier: Apache-2.0 */
#include "core/work/jobstate.h"

#include "tests/check.h"

/* Written out by hand, so that a change of the table has to be meant. Rows: from; columns: to. */
static void test_jobstate_may_is_this_table(void **state)
{
    static const char *const rows[JOBSTATE_COUNT] = {
        /*           q r p s f c */
        /* queued    */ ".rp.fc",
        /* running   */ "q.psfc",
        /* paused    */ "q...fc",
        /* succeeded */ "......",
        /* failed    */ "......",
        /* cancelled */ "......",
    };
    for (int from = 0; from < JOBSTATE_COUNT; from++) {
        for (int to = 0; to < JOBSTATE_COUNT; to++) {
            check_int(jobstate_may((enum jobstate)from, (enum jobstate)to), rows[from][to] != '.');
        }
        check_int(jobstate_is_final((enum jobstate)from), from >= JOBSTATE_SUCCEEDED);
    }
}

static void test_jobstate_names_go_both_ways(void **state)
{
    for (int i = 0; i < JOBSTATE_COUNT; i++) {
        enum jobstate back;
        check(jobstate_from_name(jobstate_name((enum jobstate)i), &back));
        check_int(back, i);
    }
    enum jobstate none;
    check(!jobstate_from_name("Queued", &none));
    check(!jobstate_from_name("", &none));
}

CHECK_MAIN("core/work/jobstate",
           CHECK(test_jobstate_may_is_this_table),
           CHECK(test_jobstate_names_go_both_ways))
