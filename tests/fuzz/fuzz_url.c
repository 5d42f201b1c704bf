/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/url.h"
#include "core/base/str.h"
#include "tests/fuzz/fuzz.h"

/*
 * Request targets.
 *
 * What must hold: a decoded path begins with one slash, has no empty, "." or
 * ".." segment, no control character, no backslash, and is UTF-8. Written with
 * every byte escaped that may be, it gives the same path again; so there is one
 * path for all its spellings. The query has at most URL_KEYS_MAX names, none of them empty.
 */

#define REGION_MAX (1u << 20)

static void check_path(const char *path)
{
    MUST(path[0] == '/');
    MUST(str_is_utf8(path, strlen(path)));
    MUST(strchr(path, '\\') == NULL && strstr(path, "//") == NULL);
    for (const char *c = path; *c != '\0'; c++) {
        const unsigned char byte = (unsigned char)*c;
        MUST(byte >= 0x20 && byte != 0x7f);
        if (*c == '/') {
            const size_t n = strcspn(c + 1, "/");
            MUST(!(n == 1 && c[1] == '.') && !(n == 2 && c[1] == '.' && c[2] == '.'));
        }
    }
}

/* The same path in its longest spelling. */
static void check_spelling(const char *path, struct region *region)
{
    AUTO_FREE char *raw = mem_alloc(3 * strlen(path) + 1);
    size_t n = 0;
    MUST(raw != NULL);
    for (const char *c = path; *c != '\0'; c++) {
        n += (size_t)(*c == '/' ? sprintf(raw + n, "/") : sprintf(raw + n, "%%%02X", (unsigned char)*c));
    }
    AUTO(url) struct url again = { NULL, NULL };
    struct why why = { 0 };
    const enum rc rc = url_parse(raw, region, &again, &why);
    MUST(rc == RC_OK || n > URL_BYTES_MAX);
    MUST(rc != RC_OK || strcmp(again.path, path) == 0);
}

static void check_query(const struct url *url, struct region *region)
{
    struct why why = { 0 };
    void *query = NULL;
    MUST(doc_count(url->query) <= URL_KEYS_MAX);
    for (struct doc_pair pair = { 0 }; doc_next(url->query, &pair);) {
        MUST(pair.key[0] != '\0' && doc_string(pair.value) != NULL);
    }
    const enum rc page = url_query(url, &list_query_schema, region, &query, &why);
    MUST(page == RC_OK ? query != NULL : why.text[0] != '\0');
    const enum rc none = url_query(url, NULL, region, &query, &why);
    MUST((none == RC_OK) == (doc_count(url->query) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    AUTO_FREE char *raw = fuzz_text(&input);
    AUTO(region) struct region region;
    region_init(&region, REGION_MAX);
    AUTO(url) struct url url = { NULL, NULL };
    struct why why = { 0 };
    if (url_parse(raw, &region, &url, &why) != RC_OK) {
        MUST(why.text[0] != '\0');
        return 0;
    }
    check_path(url.path);
    check_spelling(url.path, &region);
    check_query(&url, &region);
    return 0;
}
