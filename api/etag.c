/* SPDX-License-Identifier: Apache-2.0 */
#include "api/etag.h"

#include <string.h>

#include "core/vault/digest.h"

#define TAG_BYTES 16

enum rc etag_make(const void *body, size_t n, char ret[ETAG_SIZE])
{
    unsigned char digest[DIGEST_BYTES];
    const enum rc rc = digest_sha256(body, n, digest);
    if (rc == RC_OK) {
        ret[0] = '"';
        digest_hex(digest, TAG_BYTES, ret + 1);
        ret[ETAG_SIZE - 2] = '"';
        ret[ETAG_SIZE - 1] = '\0';
    }
    return rc;
}

bool etag_matches(const char *list, const char *tag)
{
    const size_t n = strlen(tag);
    if (strcmp(list, "*") == 0) {
        return true;
    }
    for (const char *at = list + strspn(list, " \t,"); *at != '\0'; at += strspn(at, " \t,")) {
        at += strncmp(at, "W/", 2) == 0 ? 2 : 0;
        const char *close = at[0] == '"' ? strchr(at + 1, '"') : NULL;
        if (close == NULL) {
            return false;
        }
        if ((size_t)(close + 1 - at) == n && strncmp(at, tag, n) == 0) {
            return true;
        }
        at = close + 1;
    }
    return false;
}

/* The client has this body: the reply says so without it. */
static void answer_unmodified(struct api_request *request)
{
    struct api_response *response = &request->response;
    size_t kept = 0;
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, "Content-Type") != 0) {
            response->headers[kept++] = response->headers[i];
        }
    }
    response->header_count = kept;
    buf_clear(&response->body);
    response->status = 304;
}

enum rc etag_apply(struct api_request *request)
{
    const struct api_response *response = &request->response;
    const bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    char made[ETAG_SIZE];
    const char *tag = response->etag;
    if (!reads || response->status != 200 || response->stream.next != NULL) {
        return RC_OK;
    }
    enum rc rc = RC_OK;
    if (tag == NULL) {
        rc = etag_make(response->body.data == NULL ? "" : response->body.data, response->body.len, made);
        tag = made;
    }
    rc = rc != RC_OK ? rc : api_add_header(request, "ETag", tag);
    for (size_t i = 0; rc == RC_OK && i < request->header_count && response->status == 200; i++) {
        if (strcmp(request->headers[i].name, "if-none-match") == 0 && etag_matches(request->headers[i].value, tag)) {
            answer_unmodified(request);
        }
    }
    return rc;
}
