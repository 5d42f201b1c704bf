/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/why.h"

#include "core/base/cleanup.h"
#include "core/base/str.h"
#include "tests/check.h"

static void test_why_fail_accepts_null(void **state)
{
    check_int(why_fail(NULL, RC_BUSY, "a", "text"), RC_BUSY);
    check_int(why_under(NULL, RC_BUSY, "a"), RC_BUSY);
    struct why why;
    check_int(why_fail(&why, RC_BUSY, NULL, "got %d", 3), RC_BUSY);
    check_text(why.path, "");
    check_text(why.text, "got 3");
}

static void test_why_under_joins_paths(void **state)
{
    static const struct {
        const char *outer, *inner, *want;
    } rows[] = {
        { "layers", "", "layers" },
        { "layers", "[2]", "layers[2]" },
        { "[2]", "units", "[2].units" },
        { "", "[3]", "[3]" },
        { "", "units", "units" },
        { "network", "layers[2].units", "network.layers[2].units" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct why why;
        (void)why_fail(&why, RC_INVALID, rows[i].inner, "text");
        check_int(why_under(&why, RC_INVALID, "%s", rows[i].outer), RC_INVALID);
        check_text(why.path, rows[i].want);
        check_text(why.text, "text");
    }
}

static void test_why_under_leaves_success_alone(void **state)
{
    struct why why = { .path = "before" };
    check_int(why_under(&why, RC_OK, "outer"), RC_OK);
    check_text(why.path, "before");
}

static void test_why_fail_cuts_visibly_between_characters(void **state)
{
    char text[2 * WHY_TEXT_MAX];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', sizeof(text));
        for (size_t i = shift; i + 4 < sizeof(text); i += 3) {
            memcpy(text + i, "\xe2\x82\xac", 4);
        }
        struct why why;
        (void)why_fail(&why, RC_INVALID, text, "%s", text);
        check(strlen(why.text) >= WHY_TEXT_MAX - 4);
        check_text(why.text + strlen(why.text) - 3, "...");
        check(strchr(why.text, '?') == NULL);
        check(str_is_utf8(why.text, strlen(why.text)));
        check(str_is_utf8(why.path, strlen(why.path)));
        check_text(why.path + strlen(why.path) - 3, "...");
    }
}

static void test_why_fail_shows_only_what_is_printable(void **state)
{
    struct why why;
    (void)why_fail(&why, RC_INVALID, "a\nb", "got \"%.2s\" \x1b[1m", "x\xe2\x82\xac");
    check_text(why.path, "a?b");
    check_text(why.text, "got \"x?\" ?[1m");
}

static void test_why_fail_may_quote_itself(void **state)
{
    struct why why;
    (void)why_fail(&why, RC_INVALID, "units", "must be 1");
    (void)why_fail(&why, RC_CORRUPT, why.path, "cannot be read: %s", why.text);
    check_text(why.path, "units");
    check_text(why.text, "cannot be read: must be 1");
}

CHECK_MAIN("core/base/why",
           CHECK(test_why_fail_accepts_null),
           CHECK(test_why_under_joins_paths),
           CHECK(test_why_under_leaves_success_alone),
           CHECK(test_why_fail_cuts_visibly_between_characters),
           CHECK(test_why_fail_shows_only_what_is_printable),
           CHECK(test_why_fail_may_quote_itself))
