/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/scope.h"

#include "core/base/rng.h"
#include "tests/check.h"

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 65 */

static void test_scope_parse_line_follows_the_grammar(void **state)
{
    static const struct {
        const char *line;
        enum rc rc;
        const char *path, *part;
    } rows[] = {
        { "*", RC_OK, "", "" },
        { "model:predict", RC_OK, "", "" },
        { "model:*:predict", RC_OK, "", "" },
        { "model:cr*:predict -model:credit:predict", RC_OK, "", "" },
        { "dataset:ds-0123:train job:write admin:write", RC_OK, "", "" },
        { "", RC_OK, "", "" },
        { "model", RC_INVALID, "[0]", "kind:verb" },
        { "model:a:b:predict", RC_INVALID, "[0]", "kind:verb" },
        { "model:a:b:c:d:e", RC_INVALID, "[0]", "kind:verb" },
        { "-*", RC_INVALID, "[0]", "kind:verb" },
        { "**", RC_INVALID, "[0]", "kind:verb" },
        { "models:predict", RC_INVALID, "[0]", "one of dataset, job, model, token, audit, subject, key, metrics, admin; got \"models\"" },
        { "*:predict", RC_INVALID, "[0]", "got \"*\"" },
        { "model:write", RC_INVALID, "[0]", "the verb of model must be one of read, predict, deploy, erase, export; got \"write\"" },
        { "model:*:*", RC_INVALID, "[0]", "got \"*\"" },
        { "model:predict model::predict", RC_INVALID, "[1]", "the pattern" },
        { "model:a*b:predict", RC_INVALID, "[0]", "got \"a*b\"" },
        { "model:a**:predict", RC_INVALID, "[0]", "got \"a**\"" },
        { "model:a/b:predict", RC_INVALID, "[0]", "got \"a/b\"" },
        { "model:" LONG ":predict", RC_INVALID, "[0]", "the pattern" },
        { "model:" LONG LONG ":predict", RC_INVALID, "[0]", "at most 100 characters" },
        { "Model:predict", RC_INVALID, "[0]", "the kind" },
        { "--model:predict", RC_INVALID, "[0]", "the kind" },
        { "* ", RC_OK, "", "" },
        { "*  *", RC_INVALID, "[1]", "kind:verb" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region) struct region region;
        region_init(&region, 20000);
        struct scope_list list;
        struct why why = { 0 };
        check_rc(scope_parse_line(rows[i].line, &region, &list, &why), rows[i].rc);
        check_text(why.path, rows[i].path);
        check_contains(why.text, rows[i].part);
    }
}

static void test_scope_parse_has_a_ceiling(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 100000);
    const char *texts[SCOPE_LIST_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        texts[i] = "job:read";
    }
    struct scope_list list;
    struct why why = { 0 };
    check_rc(scope_parse(texts, SCOPE_LIST_MAX, &region, &list, &why), RC_OK);
    check_rc(scope_parse(texts, SCOPE_LIST_MAX + 1, &region, &list, &why), RC_INVALID);
    check_contains(why.text, "at most 64 scopes, got 65");
}

static struct scope_list parse(const char *line, struct region *region)
{
    struct scope_list list = { 0 };
    struct why why = { 0 };
    check_ok(scope_parse_line(line, region, &list, &why), &why);
    return list;
}

static void test_scope_allows_and_a_denial_wins(void **state)
{
    static const struct {
        const char *line;
        enum scope_right right;
        const char *name;
        bool want;
    } rows[] = {
        { "*", SCOPE_ADMIN_WRITE, "x", true },
        { "*", SCOPE_DATASET_READ, NULL, true },
        { "", SCOPE_DATASET_READ, "x", false },
        { "", SCOPE_DATASET_READ, NULL, false },
        { "model:predict", SCOPE_MODEL_PREDICT, "credit", true },
        { "model:predict", SCOPE_MODEL_READ, "credit", false },
        { "model:credit:predict", SCOPE_MODEL_PREDICT, "credit", true },
        { "model:credit:predict", SCOPE_MODEL_PREDICT, "credit2", false },
        { "model:credit:predict", SCOPE_MODEL_PREDICT, "Credit", false },
        { "model:credit:predict", SCOPE_MODEL_PREDICT, "", false },
        { "model:cr*:predict", SCOPE_MODEL_PREDICT, "credit", true },
        { "model:cr*:predict", SCOPE_MODEL_PREDICT, "cr", true },
        { "model:cr*:predict", SCOPE_MODEL_PREDICT, "c", false },
        { "model:cr*:predict", SCOPE_MODEL_PREDICT, NULL, true },
        { "* -model:secret:predict", SCOPE_MODEL_PREDICT, "secret", false },
        { "-model:secret:predict *", SCOPE_MODEL_PREDICT, "secret", false },
        { "* -model:secret:predict", SCOPE_MODEL_PREDICT, "open", true },
        { "* -model:secret:predict", SCOPE_MODEL_READ, "secret", true },
        { "* -model:se*:predict", SCOPE_MODEL_PREDICT, "secret", false },
        { "* -model:se*:predict", SCOPE_MODEL_PREDICT, NULL, true },
        { "* -model:predict", SCOPE_MODEL_PREDICT, NULL, false },
        { "* -model:predict", SCOPE_MODEL_PREDICT, "open", false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region) struct region region;
        region_init(&region, 20000);
        const struct scope_list list = parse(rows[i].line, &region);
        if (scope_allows(&list, rows[i].right, rows[i].name) != rows[i].want) {
            fail_msg("\"%s\" on %s of %s", rows[i].line, scope_right_name(rows[i].right), rows[i].name == NULL ? "anything" : rows[i].name);
        }
    }
}

static void test_scope_is_subset_by_hand(void **state)
{
    static const struct {
        const char *child, *parent;
        bool want;
    } rows[] = {
        { "*", "*", true },
        { "", "", true },
        { "job:read", "*", true },
        { "*", "job:read", false },
        { "model:credit:predict", "model:predict", true },
        { "model:cr*:predict", "model:c*:predict", true },
        { "model:c*:predict", "model:cr*:predict", false },
        { "model:cr*:predict", "model:cr:predict", false },
        { "model:credit:predict", "model:credit:read", false },
        { "*", "* -model:secret:predict", false },
        { "* -model:secret:predict", "* -model:secret:predict", true },
        { "* -model:s*:predict", "* -model:secret:predict", true },
        { "* -model:secret2:predict", "* -model:secret:predict", false },
        { "model:open:predict", "* -model:secret:predict", true },
        { "model:s*:predict", "* -model:secret:predict", false },
        { "model:secret:predict", "* -model:s*:predict", false },
        { "model:read", "* -model:secret:predict", true },
        { "-model:predict", "", true },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region) struct region region;
        region_init(&region, 40000);
        const struct scope_list child = parse(rows[i].child, &region), parent = parse(rows[i].parent, &region);
        if (scope_is_subset(&child, &parent) != rows[i].want) {
            fail_msg("\"%s\" within \"%s\"", rows[i].child, rows[i].parent);
        }
    }
}

/* Random lists over few letters: whenever it says subset, no name is allowed to the child alone. */
static void test_scope_is_subset_never_widens(void **state)
{
    static const char *const patterns[] = { "*", "a", "b", "a*", "ab", "ab*", "b*", "ba" };
    static const char *const names[] = { "", "a", "b", "aa", "ab", "ba", "bb", "aba", "abb", "bab", "c" };
    const struct rng rng = { 7, RNG_TEST, 0 };
    size_t subsets = 0;
    for (uint64_t round = 0, n = 0; round < 20000; round++) {
        AUTO(region) struct region region;
        region_init(&region, 100000);
        struct scope_list lists[2];
        for (int i = 0; i < 2; i++) {
            const char *texts[4];
            const size_t count = 1 + rng_below(&rng, n++, 4);
            for (size_t j = 0; j < count; j++) {
                const char *sign = rng_below(&rng, n++, 3) == 0 ? "-" : "";
                const char *pattern = patterns[rng_below(&rng, n++, COUNT_OF(patterns))];
                const char *verb = rng_below(&rng, n++, 4) == 0 ? "read" : "predict";
                texts[j] = region_printf(&region, "%smodel:%s:%s", sign, pattern, verb);
            }
            check_rc(scope_parse(texts, count, &region, &lists[i], NULL), RC_OK);
        }
        if (!scope_is_subset(&lists[0], &lists[1])) {
            continue;
        }
        subsets++;
        for (size_t j = 0; j < COUNT_OF(names); j++) {
            check(!scope_allows(&lists[0], SCOPE_MODEL_PREDICT, names[j]) || scope_allows(&lists[1], SCOPE_MODEL_PREDICT, names[j]));
            check(!scope_allows(&lists[0], SCOPE_MODEL_READ, names[j]) || scope_allows(&lists[1], SCOPE_MODEL_READ, names[j]));
        }
    }
    check(subsets > 1000);
}

static void test_scope_parse_survives_each_failing_allocation(void **state)
{
    for (long n = 1;; n++) {
        AUTO(region) struct region region;
        region_init(&region, 20000);
        struct scope_list list;
        mem_fail_at(n);
        const enum rc rc = scope_parse_line("* -model:x:read", &region, &list, NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 1);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

CHECK_MAIN("core/auth/scope",
           CHECK(test_scope_parse_line_follows_the_grammar),
           CHECK(test_scope_parse_has_a_ceiling),
           CHECK(test_scope_allows_and_a_denial_wins),
           CHECK(test_scope_is_subset_by_hand),
           CHECK(test_scope_is_subset_never_widens),
           CHECK(test_scope_parse_survives_each_failing_allocation))
