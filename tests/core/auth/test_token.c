/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/token.h"

#include <stdlib.h>

#include "tests/check.h"

#define ZEROS "0000000000000000000000000000000000000000000"

/* The contract's own example: 43 zeros have the check 3Llial. */
static void test_token_is_well_formed_knows_the_published_check(void **state)
{
    check(token_is_well_formed("licit_" ZEROS "_3Llial"));
}

static void test_token_is_well_formed_refuses(void **state)
{
    static const char *const rows[] = {
        "",
        "licit_",
        "licit_" ZEROS,
        "licit_" ZEROS "_",
        "licit_" ZEROS "_3Llia",
        "licit_" ZEROS "_3Llial ",
        "licit_" ZEROS "_3LliaL",
        "licit_0" ZEROS "_3Llial",
        "Licit_" ZEROS "_3Llial",
        "licit-" ZEROS "_3Llial",
        "licit_" ZEROS "-3Llial",
        " licit_" ZEROS "_3Llial",
        "licit_-000000000000000000000000000000000000000000_3Llial",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check(!token_is_well_formed(rows[i]));
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_token_make_gives_ten_thousand_different_ones(void **state)
{
    enum {
        COUNT = 10000
    };

    static char tokens[COUNT][TOKEN_SIZE];
    size_t seen[128] = { 0 };
    for (size_t i = 0; i < COUNT; i++) {
        check_rc(token_make(tokens[i]), RC_OK);
        check_int(strlen(tokens[i]), TOKEN_SIZE - 1);
        check(token_is_well_formed(tokens[i]));
        seen[tokens[i][30] & 127]++;
    }
    qsort(tokens, COUNT, TOKEN_SIZE, compare);
    for (size_t i = 1; i < COUNT; i++) {
        check(strcmp(tokens[i - 1], tokens[i]) != 0);
    }
    /* Digits in the middle are even: 161 each on average, with a standard deviation of 13. */
    for (const char *c = "09AMZamz"; *c != '\0'; c++) {
        check(seen[(int)*c] > 80 && seen[(int)*c] < 250);
    }
}

/* A CRC finds every single wrong character, and every swap of neighbours. */
static void test_token_is_well_formed_finds_typing_errors(void **state)
{
    char token[TOKEN_SIZE];
    check_rc(token_make(token), RC_OK);
    for (size_t i = 6; i < TOKEN_SIZE - 1; i++) {
        const char right = token[i];
        for (const char *c = "09AZaz_-"; *c != '\0'; c++) {
            token[i] = *c;
            check_int(token_is_well_formed(token), *c == right);
        }
        token[i] = right;
    }
    for (size_t i = 6; i < 48; i++) {
        const char left = token[i], right = token[i + 1];
        token[i] = right;
        token[i + 1] = left;
        check_int(token_is_well_formed(token), left == right);
        token[i] = left;
        token[i + 1] = right;
    }
}

static void test_token_digest_is_that_of_the_text(void **state)
{
    char sha256[DIGEST_HEX_SIZE];
    check_rc(token_digest("abc", sha256), RC_OK);
    check_text(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

CHECK_MAIN("core/auth/token",
           CHECK(test_token_is_well_formed_knows_the_published_check),
           CHECK(test_token_is_well_formed_refuses),
           CHECK(test_token_make_gives_ten_thousand_different_ones),
           CHECK(test_token_is_well_formed_finds_typing_errors),
           CHECK(test_token_digest_is_that_of_the_text))
