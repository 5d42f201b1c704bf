/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/split.h"

#include "core/base/mem.h"
#include "tests/check.h"

/* Every row is in exactly one part. */
static void check_sane(const struct split *split, size_t rows)
{
    AUTO_FREE unsigned char *seen = mem_alloc(rows);
    const struct split_part *parts[] = { &split->train, &split->validation, &split->test };
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < parts[p]->count; i++) {
            check(parts[p]->rows[i] < rows);
            seen[parts[p]->rows[i]]++;
        }
    }
    check_int(split->train.count + split->validation.count + split->test.count, rows);
    for (size_t i = 0; i < rows; i++) {
        check_int(seen[i], 1);
    }
}

static size_t count_class(const struct split_part *part, const uint32_t *classes, uint32_t wanted)
{
    size_t n = 0;
    for (size_t i = 0; i < part->count; i++) {
        n += classes[part->rows[i]] == wanted;
    }
    return n;
}

static void test_split_deals_every_row_once_and_repeats_itself(void **state)
{
    const struct split_spec spec = { .rows = 1000, .validation = 0.2, .test = 0.1, .seed = 7 };
    AUTO_PTR(split) struct split *one = NULL;
    AUTO_PTR(split) struct split *two = NULL;
    check_rc(split_create(&spec, &one, NULL), RC_OK);
    check_rc(split_create(&spec, &two, NULL), RC_OK);
    check_sane(one, 1000);
    check_int(one->train.count, 700);
    check_int(one->validation.count, 200);
    check_int(one->test.count, 100);
    check_bytes(one->train.rows, two->train.rows, 700 * sizeof(uint32_t));
    struct split_spec other = spec;
    other.seed = 8;
    AUTO_PTR(split) struct split *three = NULL;
    check_rc(split_create(&other, &three, NULL), RC_OK);
    check(memcmp(one->train.rows, three->train.rows, 700 * sizeof(uint32_t)) != 0);
    check(one->train.rows[0] != 0 || one->train.rows[1] != 1); /* shuffled */
}

static void test_split_gives_each_class_its_share(void **state)
{
    uint32_t classes[1000];
    for (size_t i = 0; i < 1000; i++) {
        classes[i] = i < 900 ? 0 : i < 997 ? 1
                               : i < 999   ? 2
                                           : 3;
    }
    const struct split_spec spec = { 1000, classes, 4, 0.2, 0.1, 3 };
    AUTO_PTR(split) struct split *split = NULL;
    check_rc(split_create(&spec, &split, NULL), RC_OK);
    check_sane(split, 1000);
    check_int(split->validation.count, 200);
    check_int(split->test.count, 100);
    check_int(count_class(&split->validation, classes, 0), 180);
    check_int(count_class(&split->test, classes, 0), 90);
    check(count_class(&split->validation, classes, 1) >= 19);
    check(count_class(&split->train, classes, 2) >= 1);
    check_int(count_class(&split->train, classes, 3), 1); /* the only one must be learned from */
}

/* Four classes of five rows: 0.3 of each is 1.5, so two of the four give a second row, none a third. */
static void test_split_rounds_fairly(void **state)
{
    uint32_t classes[20];
    for (uint32_t i = 0; i < 20; i++) {
        classes[i] = i % 4;
    }
    const struct split_spec spec = { 20, classes, 4, 0.3, 0, 1 };
    AUTO_PTR(split) struct split *split = NULL;
    check_rc(split_create(&spec, &split, NULL), RC_OK);
    check_int(split->validation.count, 6);
    for (uint32_t c = 0; c < 4; c++) {
        const size_t n = count_class(&split->validation, classes, c);
        check(n == 1 || n == 2);
    }
}

/* Any sizes at all: the promises hold. */
static void test_split_keeps_its_promises_for_small_tables(void **state)
{
    uint32_t classes[40];
    for (size_t rows = 2; rows <= 40; rows++) {
        for (uint32_t count = 1; count <= 5 && count <= rows; count++) {
            for (size_t i = 0; i < rows; i++) {
                classes[i] = (uint32_t)(i * i) % count;
            }
            for (int v = 0; v < 10; v += 3) {
                const struct split_spec spec = { rows, classes, count, v / 10.0, (9 - v) / 20.0, rows };
                AUTO_PTR(split) struct split *split = NULL;
                const enum rc rc = split_create(&spec, &split, NULL);
                if (rc != RC_OK) {
                    check_rc(rc, RC_UNPROCESSABLE);
                    continue;
                }
                check_sane(split, rows);
                check((v > 0) == (split->validation.count > 0));
                check((v < 9) == (split->test.count > 0));
                for (uint32_t c = 0; c < count; c++) {
                    const size_t elsewhere = count_class(&split->validation, classes, c) + count_class(&split->test, classes, c);
                    check(count_class(&split->train, classes, c) >= 1 || elsewhere == 0);
                }
            }
        }
    }
}

static void test_split_refuses_in_words(void **state)
{
    static const struct {
        size_t rows;
        double validation, test;
        enum rc rc;
        const char *path, *part;
    } rows[] = {
        { 1, 0, 0, RC_UNPROCESSABLE, "", "at least 2 are needed, got 1" },
        { 0, 0, 0, RC_UNPROCESSABLE, "", "at least 2 are needed, got 0" },
        { 100, 1, 0, RC_INVALID, "validation_split", "below 1, got 1" },
        { 100, -0.1, 0, RC_INVALID, "validation_split", "at least 0" },
        { 100, (double)NAN, 0, RC_INVALID, "validation_split", "got nan" },
        { 100, 0, 2, RC_INVALID, "test_split", "below 1" },
        { 100, 0.5, 0.5, RC_INVALID, "validation_split", "together be below 1" },
        { 2, 0.2, 0, RC_UNPROCESSABLE, "", "2 rows are too few: a validation split of 0.2" },
        { 3, 0, 0.1, RC_UNPROCESSABLE, "", "3 rows are too few: a test split of 0.1" },
        { 3, 0.2, 0, RC_OK, "", "" },
        { 2, 0, 0, RC_OK, "", "" },
        { 100, 0.98, 0.019, RC_OK, "", "" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct split_spec spec = { .rows = rows[i].rows, .validation = rows[i].validation, .test = rows[i].test };
        AUTO_PTR(split) struct split *split = NULL;
        struct why why = { 0 };
        check_rc(split_create(&spec, &split, &why), rows[i].rc);
        check_text(why.path, rows[i].path);
        check_contains(why.text, rows[i].part);
    }
}

static void test_split_survives_each_failing_allocation(void **state)
{
    const struct split_spec spec = { .rows = 10, .validation = 0.2 };
    for (long n = 1;; n++) {
        AUTO_PTR(split) struct split *split = NULL;
        mem_fail_at(n);
        const enum rc rc = split_create(&spec, &split, NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check_int(n, 5);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

CHECK_MAIN("core/data/split",
           CHECK(test_split_deals_every_row_once_and_repeats_itself),
           CHECK(test_split_gives_each_class_its_share),
           CHECK(test_split_rounds_fairly),
           CHECK(test_split_keeps_its_promises_for_small_tables),
           CHECK(test_split_refuses_in_words),
           CHECK(test_split_survives_each_failing_allocation))
