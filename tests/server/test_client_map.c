/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_map.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "tests/check.h"

/* The file that says which token a client certificate stands for. */

#define ONE "tok-000000000000000000a1"
#define TWO "tok-000000000000000000b2"
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_client_map_finds_what_stands_there(void **state)
{
    static const char text[] = "# who\n\n  sha256:" HEX "  " ONE "\r\nuri:spiffe://shop/web\t" TWO "\n"
                               "name:web 1 of the shop   " ONE "\nname:\xc3\xbc " TWO;

    static const struct {
        enum client_map_kind kind;
        const char *value, *token;
    } rows[] = {
        { CLIENT_MAP_SHA256, HEX, ONE },
        { CLIENT_MAP_URI, "spiffe://shop/web", TWO },
        { CLIENT_MAP_NAME, "web 1 of the shop", ONE },
        { CLIENT_MAP_NAME, "\xc3\xbc", TWO },
        { CLIENT_MAP_NAME, "web 1", NULL },
        { CLIENT_MAP_NAME, "spiffe://shop/web", NULL },
        { CLIENT_MAP_URI, HEX, NULL },
        { CLIENT_MAP_URI, "", NULL },
    };
    struct why why = { 0 };
    struct client_map *map = NULL;
    check_ok(client_map_read(text, strlen(text), "f", &map, &why), &why);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *token = client_map_find(map, rows[i].kind, rows[i].value);
        if (rows[i].token == NULL ? token != NULL : token == NULL || strcmp(token, rows[i].token) != 0) {
            fail_msg("row %zu gave %s", i, token == NULL ? "none" : token);
        }
    }
    client_map_destroy(map);
    check(client_map_find(NULL, CLIENT_MAP_NAME, "web") == NULL);
    check_ok(client_map_read(NULL, 0, "f", &map, &why), &why);
    check(client_map_find(map, CLIENT_MAP_NAME, "web") == NULL);
    client_map_destroy(map);
}

static void test_client_map_refuses_what_is_not_exactly_right(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *path, *words;
    } rows[] = {
        { "web " ONE, RC_INVALID, "f:1", "must begin with sha256:, uri: or name:" },
        { "\nName:web " ONE, RC_INVALID, "f:2", "must begin with" },
        { "name:web", RC_INVALID, "f:1", "id of a token" },
        { "name:" ONE, RC_INVALID, "f:1", "id of a token" },
        { "name: " ONE, RC_INVALID, "f:1", "1 to 512 bytes" },
        { "name:web tok-short", RC_INVALID, "f:1", "id of a token" },
        { "name:web req-000000000000000000a1", RC_INVALID, "f:1", "id of a token" },
        { "name:web " ONE " # mine", RC_INVALID, "f:1", "id of a token" },
        { "sha256:0123 " ONE, RC_INVALID, "f:1", "64 digits" },
        { "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef " ONE, RC_INVALID, "f:1", "64 digits" },
        { "sha256:" HEX "0 " ONE, RC_INVALID, "f:1", "64 digits" },
        { "name:\xff " ONE, RC_INVALID, "f:1", "UTF-8" },
        { "name:a\x01 " ONE, RC_INVALID, "f:1", "control" },
        { "name:a " ONE "\nname:b " ONE "\nname:a " TWO, RC_DUPLICATE_KEY, "f:3", "second token" },
        { "uri:a " ONE "\nuri:a " ONE, RC_DUPLICATE_KEY, "f:2", "second token" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct why why = { 0 };
        struct client_map *map = NULL;
        const enum rc rc = client_map_read(rows[i].text, strlen(rows[i].text), "f", &map, &why);
        if (rc != rows[i].rc || strcmp(why.path, rows[i].path) != 0 || strstr(why.text, rows[i].words) == NULL || map != NULL) {
            fail_msg("row %zu gave %s at %s: %s", i, rc_name(rc), why.path, why.text);
        }
    }
    struct client_map *map = NULL;
    struct why why = { 0 };
    check_rc(client_map_read("name:a\0b " ONE, 9, "f", &map, &why), RC_INVALID);
    check_contains(why.text, "without NULs");
}

static void test_client_map_has_ceilings(void **state)
{
    AUTO(buf) struct buf text;
    struct client_map *map = NULL;
    struct why why = { 0 };
    buf_init(&text, 2 * CLIENT_MAP_BYTES_MAX);
    for (int i = 0; i < CLIENT_MAP_LINES_MAX; i++) {
        check_rc(buf_printf(&text, "name:%d " ONE "\n", i), RC_OK);
    }
    check_ok(client_map_read(text.data, text.len, "f", &map, &why), &why);
    check_text(client_map_find(map, CLIENT_MAP_NAME, "49999"), ONE);
    client_map_destroy(map);
    check_rc(buf_text(&text, "#\n"), RC_OK);
    check_rc(client_map_read(text.data, text.len, "f", &map, &why), RC_TOO_LARGE);
    check_contains(why.text, "at most 50000 lines");

    buf_clear(&text);
    while (text.len <= CLIENT_MAP_BYTES_MAX) {
        check_rc(buf_text(&text, "################"), RC_OK);
    }
    check_rc(client_map_read(text.data, text.len, "f", &map, &why), RC_TOO_LARGE);
    check_rc(client_map_read(text.data, CLIENT_MAP_BYTES_MAX, "f", &map, &why), RC_OK);
    client_map_destroy(map);
}

static void test_client_map_survives_without_memory(void **state)
{
    static const char text[] = "name:a " ONE "\n";
    enum rc rc = RC_NO_MEMORY;
    for (long n = 1; rc != RC_OK; n++) {
        struct client_map *map = NULL;
        struct why why = { 0 };
        mem_fail_at(n);
        rc = client_map_read(text, strlen(text), "f", &map, &why);
        mem_fail_at(0);
        check(rc == RC_OK || (rc == RC_NO_MEMORY && map == NULL));
        client_map_destroy(map);
    }
}

CHECK_MAIN("server/client_map", CHECK(test_client_map_finds_what_stands_there),
           CHECK(test_client_map_refuses_what_is_not_exactly_right), CHECK(test_client_map_has_ceilings),
           CHECK(test_client_map_survives_without_memory))
