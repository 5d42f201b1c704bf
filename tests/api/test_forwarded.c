/* SPDX-License-Identifier: Apache-2.0 */
#include "api/forwarded.h"

#include "tests/check.h"

/* Believed: 10.0.0.0/8 and 2001:db8::/32. The peer is 10.0.0.1 unless a row says another. */

struct row {
    const char *peer; /* NULL: 10.0.0.1; "": a Unix socket */
    const char *old, *old2, *rfc, *scheme;
    const char *client; /* "": not known; NULL: refused */
    bool secure;
};

static const struct row rows[] = {
    { NULL, NULL, NULL, NULL, NULL, "10.0.0.1", false },
    { NULL, "192.0.2.1", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, " 192.0.2.1 ", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, "192.0.2.1:5678", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, "2001:db9::1", NULL, NULL, NULL, "2001:db9::1", false },
    { NULL, "[2001:db9::1]", NULL, NULL, NULL, "2001:db9::1", false },
    { NULL, "[2001:db9::1]:443", NULL, NULL, NULL, "2001:db9::1", false },
    { NULL, "::ffff:192.0.2.1", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, "1.1.1.1, 192.0.2.1", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, "1.1.1.1, 192.0.2.1, 10.1.2.3", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, "1.1.1.1,192.0.2.1,10.1.2.3,2001:db8::9", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, "10.0.0.9, 10.0.0.8", NULL, NULL, NULL, "10.0.0.9", false },
    { NULL, "1.1.1.1", "192.0.2.1", NULL, NULL, "192.0.2.1", false },
    { NULL, "1.1.1.1, 192.0.2.1", "10.0.0.2", NULL, NULL, "192.0.2.1", false },
    { NULL, "192.0.2.1, ,", ",", NULL, NULL, "192.0.2.1", false },
    { NULL, "", "", NULL, NULL, "10.0.0.1", false },
    { NULL, ", ,", NULL, NULL, NULL, "10.0.0.1", false },
    { NULL, "unknown", NULL, NULL, NULL, "", false },
    { NULL, "_hidden", NULL, NULL, NULL, "", false },
    { NULL, "1.1.1.1, unknown", NULL, NULL, NULL, "", false },
    /* what the client wrote to the left is not looked at */
    { NULL, "garbage\"; ' OR 1=1, 192.0.2.1", NULL, NULL, NULL, "192.0.2.1", false },
    { NULL, "10.0.0.1, 127.0.0.1, 192.0.2.1", NULL, NULL, NULL, "192.0.2.1", false },
    /* what stands where the proxy writes must be an address */
    { NULL, "garbage", NULL, NULL, NULL, NULL, false },
    { NULL, "192.0.2.1, garbage", NULL, NULL, NULL, NULL, false },
    { NULL, "192.0.2.1 10.0.0.2", NULL, NULL, NULL, NULL, false },
    { NULL, "192.0.2", NULL, NULL, NULL, NULL, false },
    { NULL, "192.0.2.256", NULL, NULL, NULL, NULL, false },
    { NULL, "192.0.2.1:", NULL, NULL, NULL, NULL, false },
    { NULL, "192.0.2.1:123456", NULL, NULL, NULL, NULL, false },
    { NULL, "192.0.2.1:80x", NULL, NULL, NULL, NULL, false },
    { NULL, "[192.0.2.1]", NULL, NULL, NULL, NULL, false },
    { NULL, "[2001:db9::1", NULL, NULL, NULL, NULL, false },
    { NULL, "[2001:db9::1]x", NULL, NULL, NULL, NULL, false },
    { NULL, "[2001:db9::1]:", NULL, NULL, NULL, NULL, false },
    { NULL, "[]", NULL, NULL, NULL, NULL, false },
    { NULL, "2001:db9::g", NULL, NULL, NULL, NULL, false },
    { NULL, "fe80::1%eth0", NULL, NULL, NULL, NULL, false },
    { NULL, "\"192.0.2.1\"", NULL, NULL, NULL, NULL, false },
    { NULL, "_", NULL, NULL, NULL, NULL, false },
    { NULL, "_a b", NULL, NULL, NULL, NULL, false },
    { NULL, ":", NULL, NULL, NULL, NULL, false },
    { NULL, ":80", NULL, NULL, NULL, NULL, false },
    /* RFC 7239 */
    { NULL, NULL, NULL, "for=192.0.2.1", NULL, "192.0.2.1", false },
    { NULL, NULL, NULL, "For=192.0.2.1;Proto=HTTPS", NULL, "192.0.2.1", true },
    { NULL, NULL, NULL, "proto=https ; by=10.0.0.1 ; for=\"192.0.2.1:80\" ; host=a", NULL, "192.0.2.1", true },
    { NULL, NULL, NULL, "for=\"[2001:db9::1]:4711\"", NULL, "2001:db9::1", false },
    { NULL, NULL, NULL, "for=\"[2001:db9::1]\"", NULL, "2001:db9::1", false },
    { NULL, NULL, NULL, "for=\"[2001:db9::1]:_port\"", NULL, "2001:db9::1", false },
    { NULL, NULL, NULL, "for=1.1.1.1, for=192.0.2.1", NULL, "192.0.2.1", false },
    { NULL, NULL, NULL, "for=1.1.1.1;proto=https, for=192.0.2.1;proto=http, for=10.0.0.5;proto=http", NULL, "192.0.2.1", false },
    { NULL, NULL, NULL, "for=192.0.2.1;proto=https, for=10.0.0.5;proto=http", NULL, "192.0.2.1", true },
    { NULL, NULL, NULL, "for=unknown", NULL, "", false },
    { NULL, NULL, NULL, "for=\"_gazonk\"", NULL, "", false },
    { NULL, NULL, NULL, "for=\"_mdn:_p\";proto=https", NULL, "", true },
    { NULL, NULL, NULL, "by=10.0.0.1", NULL, "", false },
    { NULL, NULL, NULL, "for=\"x, for=192.0.2.1", NULL, "192.0.2.1", false },
    { NULL, NULL, NULL, "", NULL, "10.0.0.1", false },
    { NULL, NULL, NULL, "garbage", NULL, NULL, false },
    { NULL, NULL, NULL, "for=", NULL, NULL, false },
    { NULL, NULL, NULL, "for=\"\"", NULL, NULL, false },
    { NULL, NULL, NULL, "=192.0.2.1", NULL, NULL, false },
    { NULL, NULL, NULL, "for=2001:db9::1", NULL, NULL, false },
    { NULL, NULL, NULL, "for=\"192.0.2.1", NULL, NULL, false },
    { NULL, NULL, NULL, "for=192.0.2.1\"", NULL, NULL, false },
    { NULL, NULL, NULL, "for=\"192.0.\\2.1\"", NULL, NULL, false },
    { NULL, NULL, NULL, "for=192.0.2.1;for=1.1.1.1", NULL, NULL, false },
    { NULL, NULL, NULL, "for=192.0.2.1;proto=http;proto=https", NULL, NULL, false },
    { NULL, NULL, NULL, "for=192.0.2.1;;proto=https", NULL, NULL, false },
    { NULL, NULL, NULL, "for=192.0.2.1 for=1.1.1.1", NULL, NULL, false },
    { NULL, NULL, NULL, "for=999.1.1.1", NULL, NULL, false },
    { NULL, NULL, NULL, "for=192.0.2.1;proto=gopher", NULL, "192.0.2.1", false },
    /* both: the client sent one of them */
    { NULL, "192.0.2.1", NULL, "for=192.0.2.1", NULL, "192.0.2.1", false },
    { NULL, "1.1.1.1, 192.0.2.1", NULL, "for=\"192.0.2.1:1\";proto=https", NULL, "192.0.2.1", true },
    { NULL, "192.0.2.1", NULL, "for=192.0.2.2", NULL, NULL, false },
    { NULL, "192.0.2.1", NULL, "for=unknown", NULL, NULL, false },
    { NULL, "192.0.2.1", NULL, "for=10.0.0.7", NULL, NULL, false },
    { NULL, "192.0.2.1", NULL, "garbage", NULL, NULL, false },
    /* the scheme */
    { NULL, "192.0.2.1", NULL, NULL, "https", "192.0.2.1", true },
    { NULL, "192.0.2.1", NULL, NULL, "HTTPS", "192.0.2.1", true },
    { NULL, "192.0.2.1", NULL, NULL, "http", "192.0.2.1", false },
    { NULL, "192.0.2.1", NULL, NULL, "https, http", "192.0.2.1", false },
    { NULL, "192.0.2.1", NULL, NULL, "", "192.0.2.1", false },
    { NULL, NULL, NULL, "for=192.0.2.1;proto=http", "https", "192.0.2.1", false },
    { NULL, NULL, NULL, NULL, "https", "10.0.0.1", true },
    /* from anybody else nothing is read, not even garbage */
    { "192.0.2.9", "192.0.2.1", NULL, "for=192.0.2.2", "https", "192.0.2.9", false },
    { "192.0.2.9", "garbage", NULL, "garbage", "https", "192.0.2.9", false },
    { "2001:db8::5", "192.0.2.1", NULL, NULL, "https", "192.0.2.1", true },
    { "2001:db9::5", "192.0.2.1", NULL, NULL, "https", "2001:db9::5", false },
    { "", "192.0.2.1", NULL, NULL, NULL, "192.0.2.1", false },
    { "", NULL, NULL, NULL, NULL, "", false },
    { "", NULL, NULL, "for=192.0.2.1;proto=https", NULL, "192.0.2.1", true },
};

static struct address address_of(const char *text)
{
    struct address out = { ADDRESS_NONE, { 0 } };
    check(text[0] == '\0' || address_read(text, strlen(text), &out));
    return out;
}

static struct address_range proxies[2];
static struct api_listener listener = { .name = "main", .proxies = proxies, .proxy_count = 2, .trusts_unix = true };

static void prepare(void)
{
    check(address_range_read("10.0.0.0/8", 10, &proxies[0]));
    check(address_range_read("2001:db8::/32", 13, &proxies[1]));
}

static enum rc ask(const struct row *row, struct api_request *ret, struct why *why)
{
    static struct api_header headers[5];
    *ret = (struct api_request){ .headers = headers };
    ret->peer.listener = &listener;
    ret->peer.address = address_of(row->peer == NULL ? "10.0.0.1" : row->peer);
    const struct api_header all[] = {
        { "x-forwarded-for", row->old },
        { "forwarded", row->rfc },
        { "x-other", "1.2.3.4" },
        { "x-forwarded-for", row->old2 },
        { "x-forwarded-proto", row->scheme },
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (all[i].value != NULL) {
            headers[ret->header_count++] = all[i];
        }
    }
    return forwarded_read(ret, why);
}

static void test_forwarded_finds_the_client(void **state)
{
    prepare();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct api_request request;
        struct why why = { 0 };
        char client[ADDRESS_TEXT_SIZE];
        const enum rc rc = ask(&rows[i], &request, &why);
        address_write(&request.client, client);
        bool good = rc == RC_INVALID && strstr(why.path, "orwarded") != NULL;
        if (rows[i].client != NULL) {
            good = rc == RC_OK && strcmp(client, rows[i].client) == 0 && request.client_is_secure == rows[i].secure;
        }
        if (!good) {
            fail_msg("row %zu (%s, %s) gave %s, \"%s\", %d: %s", i, rows[i].old, rows[i].rfc, rc_name(rc), client, request.client_is_secure, why.text);
        }
    }
}

static void test_forwarded_believes_only_who_is_named(void **state)
{
    prepare();
    const struct row row = { "", "192.0.2.1", NULL, NULL, "https", NULL, false };
    struct api_request request;
    listener.trusts_unix = false;
    check_rc(ask(&row, &request, NULL), RC_OK);
    check_int(request.client.family, ADDRESS_NONE);
    check(!request.client_is_secure && !request.is_proxied);
    listener.trusts_unix = true;
    check_rc(ask(&row, &request, NULL), RC_OK);
    check_int(request.client.family, ADDRESS_IPV4);
    check(request.client_is_secure && request.is_proxied);
    /* Without a listener, as in other tests, nobody is. */
    request.peer.listener = NULL;
    check_rc(forwarded_read(&request, NULL), RC_OK);
    check_int(request.client.family, ADDRESS_NONE);
}

static void test_forwarded_has_ceilings(void **state)
{
    prepare();
    static char text[FORWARDED_BYTES_MAX + 10];
    struct row row = { .old = text };
    struct api_request request;
    for (size_t n = 0; n + 10 < FORWARDED_BYTES_MAX; n += 10) {
        memcpy(text + n, "192.0.2.1,", 11);
    }
    check_rc(ask(&row, &request, NULL), RC_OK);
    memset(text, ' ', sizeof(text) - 1);
    check_rc(ask(&row, &request, NULL), RC_INVALID);
    for (int hops = FORWARDED_HOPS_MAX - 1; hops < FORWARDED_HOPS_MAX + 2; hops++) {
        memcpy(text, "192.0.2.1", 10);
        for (int i = 0; i < hops; i++) {
            memcpy(text + strlen(text), ",10.0.0.1", 10);
        }
        check_rc(ask(&row, &request, NULL), hops < FORWARDED_HOPS_MAX ? RC_OK : RC_INVALID);
    }
}

CHECK_MAIN("api/forwarded",
           CHECK(test_forwarded_finds_the_client),
           CHECK(test_forwarded_believes_only_who_is_named),
           CHECK(test_forwarded_has_ceilings))
