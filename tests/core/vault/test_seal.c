/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/seal.h"

#include "tests/check.h"

#define PLAIN "what is kept"
#define N     (sizeof(PLAIN) - 1)

static const unsigned char secret[SEAL_KEY_BYTES] = { 1, 2, 3 };

static struct seal_key key_for(const char *label)
{
    struct seal_key key;
    seal_derive(secret, label, &key);
    return key;
}

static void test_seal_opens_what_it_closed(void **state)
{
    const struct seal_key key = key_for("one");
    AUTO(buf) struct buf sealed, opened;
    buf_init(&sealed, 1000);
    buf_init(&opened, 1000);
    check_rc(seal_close(&key, "it", PLAIN, N, &sealed), RC_OK);
    check_int(sealed.len, N + SEAL_OVERHEAD);
    check_int(sealed.data[0], 1);
    check(memmem(sealed.data, sealed.len, PLAIN, 4) == NULL);
    check_rc(seal_open(&key, "it", sealed.data, sealed.len, &opened), RC_OK);
    check_text(opened.data, PLAIN);

    /* The same bytes never look the same. */
    AUTO(buf) struct buf again;
    buf_init(&again, 1000);
    check_rc(seal_close(&key, "it", PLAIN, N, &again), RC_OK);
    check(memcmp(again.data, sealed.data, sealed.len) != 0);
    check(memcmp(again.data + 5, sealed.data + 5, 12) != 0);
    check_rc(seal_close(&key, "", "", 0, &again), RC_OK);
}

static void test_seal_open_refuses_other_keys_and_places(void **state)
{
    const struct seal_key key = key_for("one"), other = key_for("two");
    struct seal_key renewed = key;
    renewed.number = 7;
    AUTO(buf) struct buf sealed, opened;
    buf_init(&sealed, 1000);
    buf_init(&opened, 1000);
    check_rc(seal_close(&key, "token a", PLAIN, N, &sealed), RC_OK);
    check_rc(seal_open(&other, "token a", sealed.data, sealed.len, &opened), RC_CORRUPT);
    check_rc(seal_open(&renewed, "token a", sealed.data, sealed.len, &opened), RC_CORRUPT);
    check_rc(seal_open(&key, "token b", sealed.data, sealed.len, &opened), RC_CORRUPT);
    check_rc(seal_open(&key, "", sealed.data, sealed.len, &opened), RC_CORRUPT);
    check_int(opened.len, 0);
}

static void test_seal_open_sees_every_change(void **state)
{
    const struct seal_key key = key_for("one");
    AUTO(buf) struct buf sealed, opened;
    buf_init(&sealed, 1000);
    buf_init(&opened, 1000);
    check_rc(seal_close(&key, "it", PLAIN, N, &sealed), RC_OK);
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
        const enum rc rc = seal_open(&key, "it", sealed.data, sealed.len, &opened);
        check_rc(rc, bit < 8 ? RC_UNSUPPORTED : RC_CORRUPT);
        sealed.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t n = 0; n < sealed.len; n++) {
        check_rc(seal_open(&key, "it", sealed.data, n, &opened), RC_CORRUPT);
    }
    check_int(opened.len, 0);
}

/* A key of its own for a thing, wrapped by a numbered one: as datasets will have it. */
static void test_seal_wraps_keys(void **state)
{
    struct seal_key wrapping = key_for("wrapping"), own = { .number = 0 };
    wrapping.number = 0x01020304;
    memset(own.bytes, 0x42, sizeof(own.bytes));
    AUTO(buf) struct buf wrapped, opened;
    buf_init(&wrapped, 1000);
    buf_init(&opened, 1000);
    check_rc(seal_close(&wrapping, "key of ds-1", own.bytes, sizeof(own.bytes), &wrapped), RC_OK);
    uint32_t number = 0;
    check(seal_get_number(wrapped.data, wrapped.len, &number));
    check_int(number, 0x01020304);
    check(!seal_get_number(wrapped.data, SEAL_OVERHEAD - 1, &number));
    check_rc(seal_open(&wrapping, "key of ds-1", wrapped.data, wrapped.len, &opened), RC_OK);
    check_bytes(opened.data, own.bytes, sizeof(own.bytes));
}

static void test_seal_gives_up_at_the_ceiling_and_without_memory(void **state)
{
    const struct seal_key key = key_for("one");
    AUTO(buf) struct buf small;
    buf_init(&small, N + SEAL_OVERHEAD - 1);
    check_rc(seal_close(&key, "it", PLAIN, N, &small), RC_TOO_LARGE);
    AUTO(buf) struct buf sealed;
    buf_init(&sealed, 1000);
    mem_fail_at(1);
    const enum rc rc = seal_close(&key, "it", PLAIN, N, &sealed);
    mem_fail_at(0);
    check_rc(rc, RC_NO_MEMORY);
}

CHECK_MAIN("core/vault/seal",
           CHECK(test_seal_opens_what_it_closed),
           CHECK(test_seal_open_refuses_other_keys_and_places),
           CHECK(test_seal_open_sees_every_change),
           CHECK(test_seal_wraps_keys),
           CHECK(test_seal_gives_up_at_the_ceiling_and_without_memory))
