/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/random.h"

#include "tests/check.h"

static void test_vault_random_fills_all_and_differs(void **state)
{
    unsigned char a[64] = { 0 }, b[64] = { 0 };
    check_rc(vault_random(a, sizeof(a)), RC_OK);
    check_rc(vault_random(b, sizeof(b)), RC_OK);
    check(memcmp(a, b, sizeof(a)) != 0);
    /* The chance of eight zero bytes at the end is 2^-64. */
    static const unsigned char zeros[8];
    check(memcmp(a + 56, zeros, 8) != 0);
}

static void test_vault_random_hex_has_the_asked_length(void **state)
{
    char text[2 * 16 + 1];
    check_rc(vault_random_hex(text, 16), RC_OK);
    check_int(strlen(text), 32);
    check_int(strspn(text, "0123456789abcdef"), 32);
}

CHECK_MAIN("core/vault/random",
           CHECK(test_vault_random_fills_all_and_differs),
           CHECK(test_vault_random_hex_has_the_asked_length))
