/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/cors.h"
#include "api/etag.h"
#include "api/forwarded.h"
#include "api/trace.h"
#include "tests/fuzz/fuzz.h"

/*
 * Headers that lists, proxies and browsers write: the first byte says who the
 * peer is, then a header a line, "name: value".
 *
 * What must hold: from a peer that is no believed proxy nothing is read, the client
 * is the peer. From one that is, what stands left of the first foreign address
 * changes nothing. An entity tag matches a list only if it stands in it. A trace
 * that was read is one by the specification's form, and reads back. A list of
 * origins is taken or refused with words.
 */

#define HEADERS_MAX 16

static struct address_range proxies[1];
static const struct api_listener listener = { .name = "main", .proxies = proxies, .proxy_count = 1, .trusts_unix = true };

/* Who asks: a believed proxy, a believed Unix socket, or anybody. */
static struct address make_peer(uint8_t choice)
{
    static const char *const peers[] = { "10.0.0.1", "", "192.0.2.9", "2001:db8::9" };
    struct address out = { .family = ADDRESS_NONE };
    const char *text = peers[choice % COUNT_OF(peers)];
    MUST(address_range_read("10.0.0.0/8", 10, &proxies[0]));
    MUST(text[0] == '\0' || address_read(text, strlen(text), &out));
    return out;
}

static enum rc read_client(struct api_header *headers, size_t count, const struct address *peer, struct api_request *ret, struct why *why)
{
    *ret = (struct api_request){ .headers = headers, .header_count = count };
    ret->peer.listener = &listener;
    ret->peer.address = *peer;
    ret->client = *peer;
    return forwarded_read(ret, why);
}

/* The same with more at the left of the nearest proxy's lists: "name: 6.6.6.6, ..." */
static void check_left(struct api_header *headers, size_t count, const struct address *peer, const struct api_request *first)
{
    for (size_t i = 0; i < count; i++) {
        const bool old = strcmp(headers[i].name, "x-forwarded-for") == 0, rfc = strcmp(headers[i].name, "forwarded") == 0;
        const char *kept = headers[i].value;
        if ((!old && !rfc) || strlen(kept) + 20 > FORWARDED_BYTES_MAX) {
            continue;
        }
        AUTO_FREE char *longer = mem_alloc(strlen(kept) + 20);
        struct api_request again;
        MUST(longer != NULL);
        (void)sprintf(longer, "%s,%s", old ? "6.6.6.6" : "for=6.6.6.6", kept);
        headers[i].value = longer;
        const enum rc rc = read_client(headers, count, peer, &again, NULL);
        headers[i].value = kept;
        MUST(rc != RC_OK || address_equal(&again.client, &first->client));
        return;
    }
}

static void check_client(struct api_header *headers, size_t count, const struct address *peer)
{
    struct api_request request;
    struct why why = { 0 };
    const bool believed = peer->family == ADDRESS_NONE || address_is_in(peer, &proxies[0]);
    const enum rc rc = read_client(headers, count, peer, &request, &why);
    MUST(rc == RC_OK || (believed && why.text[0] != '\0'));
    MUST(believed || (!request.is_proxied && address_equal(&request.client, peer)));
    if (rc == RC_OK && believed && request.client.family != ADDRESS_NONE && !address_is_in(&request.client, &proxies[0])) {
        check_left(headers, count, peer, &request);
    }
}

static bool is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n && strspn(text, "0") < n;
}

static void check_trace(const char *value)
{
    struct trace trace, again;
    char text[60];
    (void)trace_is_state(value); /* may say either: it only must not overrun */
    if (!trace_read(value, &trace)) {
        return;
    }
    MUST(is_hex(trace.id, TRACE_ID_SIZE - 1) && is_hex(trace.parent, TRACE_SPAN_SIZE - 1) && trace.flags < 256);
    (void)snprintf(text, sizeof(text), "00-%s-%s-%02x", trace.id, trace.parent, trace.flags);
    MUST(trace_read(text, &again) && strcmp(again.id, trace.id) == 0 && again.flags == trace.flags);
}

static void check_etag(const char *value)
{
    char tag[ETAG_SIZE], list[ETAG_SIZE + 10];
    MUST(etag_make(value, strlen(value), tag) == RC_OK && strlen(tag) == ETAG_SIZE - 1);
    (void)snprintf(list, sizeof(list), "\"x\", W/%s", tag);
    MUST(etag_matches(tag, tag) && etag_matches(list, tag) && etag_matches("*", tag));
    MUST(!etag_matches(value, tag) || strcmp(value, "*") == 0 || strstr(value, tag) != NULL);
    MUST(!etag_matches(value, "\"x\"") || strcmp(value, "*") == 0 || strstr(value, "\"x\"") != NULL);
}

static void check_origins(const char *value)
{
    struct cors *cors = NULL;
    struct why why = { 0 };
    const enum rc rc = cors_create(value, &cors, &why);
    MUST(rc == RC_OK || (why.text[0] != '\0' && cors == NULL));
    cors_destroy(cors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const struct address peer = make_peer(fuzz_byte(&input));
    struct api_header headers[HEADERS_MAX];
    char *lines[HEADERS_MAX];
    size_t count = 0;
    for (char *line = fuzz_line(&input); line != NULL && count < HEADERS_MAX; line = count < HEADERS_MAX ? fuzz_line(&input) : NULL) {
        char *colon = strstr(line, ": ");
        const char *value = colon == NULL ? line : colon + 2;
        if (colon != NULL) {
            *colon = '\0';
        }
        for (char *c = line; colon != NULL && *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        headers[count] = (struct api_header){ colon == NULL ? "forwarded" : line, value };
        lines[count++] = line;
        check_trace(value);
        check_etag(value);
        check_origins(value);
    }
    check_client(headers, count, &peer);
    for (size_t i = 0; i < count; i++) {
        mem_free(lines[i]);
    }
    return 0;
}
