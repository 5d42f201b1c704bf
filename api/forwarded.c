/* SPDX-License-Identifier: Apache-2.0 */
#include "api/forwarded.h"

#include <string.h>
#include <strings.h>

#include "core/base/str.h"

/* A piece of a header's text. */
struct span {
    const char *text;
    size_t n;
};

/* One hop as a header tells it. */
struct hop {
    struct address address; /* ADDRESS_NONE: it is hidden */
    int secure;             /* 1: https, 0: http, -1: not said */
};

static struct span trim(struct span in)
{
    while (in.n > 0 && (in.text[0] == ' ' || in.text[0] == '\t')) {
        in = (struct span){ in.text + 1, in.n - 1 };
    }
    while (in.n > 0 && (in.text[in.n - 1] == ' ' || in.text[in.n - 1] == '\t')) {
        in.n--;
    }
    return in;
}

static bool equals(struct span in, const char *text)
{
    return in.n == strlen(text) && strncasecmp(in.text, text, in.n) == 0;
}

static bool is_port(struct span in)
{
    size_t digits = 0;
    while (digits < in.n && in.text[digits] >= '0' && in.text[digits] <= '9') {
        digits++;
    }
    return in.n > 0 && in.n <= 5 && digits == in.n;
}

/* A name that hides the port or the whole node (RFC 7239, 6.3): _ and letters, digits, '.', '_', '-'. */
static bool is_hidden(struct span in)
{
    bool good = in.n > 1 && in.text[0] == '_';
    for (size_t i = 0; i < in.n; i++) {
        const char c = in.text[i];
        good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-');
    }
    return good;
}

/* Cuts ":port" off its end, where it has one. */
static bool cut_port(struct span *in)
{
    const char *colon = memrchr(in->text, ':', in->n);
    if (colon == NULL) {
        return true;
    }
    const struct span port = { colon + 1, in->n - (size_t)(colon + 1 - in->text) };
    in->n = (size_t)(colon - in->text);
    return is_port(port) || is_hidden(port);
}

/* 192.0.2.1, 192.0.2.1:80, [2001:db8::1], [2001:db8::1]:80, unknown, _hidden; bare: also 2001:db8::1. */
static bool read_node(struct span in, bool bare, struct address *ret)
{
    if (bare && address_read(in.text, in.n, ret)) {
        return true;
    }
    const char *close = in.n > 0 && in.text[0] == '[' ? memchr(in.text, ']', in.n) : NULL;
    if (close != NULL) {
        const struct span inner = { in.text + 1, (size_t)(close - in.text - 1) };
        struct span rest = { close + 1, in.n - inner.n - 2 };
        const bool good = rest.n == 0 || (rest.text[0] == ':' && cut_port(&rest) && rest.n == 0);
        return good && memchr(inner.text, ':', inner.n) != NULL && address_read(inner.text, inner.n, ret);
    }
    if (!cut_port(&in)) {
        return false;
    }
    *ret = (struct address){ ADDRESS_NONE, { 0 } };
    return equals(in, "unknown") || is_hidden(in) || (memchr(in.text, ':', in.n) == NULL && address_read(in.text, in.n, ret));
}

/* A token, or a quoted string without anything that would have to be escaped: addresses and schemes need none. */
static bool unquote(struct span *in)
{
    if (in->n > 0 && in->text[0] == '"') {
        if (in->n < 2 || in->text[in->n - 1] != '"') {
            return false;
        }
        *in = (struct span){ in->text + 1, in->n - 2 };
    }
    return in->n > 0 && memchr(in->text, '"', in->n) == NULL && memchr(in->text, '\\', in->n) == NULL;
}

/* for=192.0.2.1;proto=https;by=...: one element of Forwarded. An element without for= hides its node. */
static bool read_element(struct span in, struct hop *ret)
{
    bool has_for = false, has_proto = false;
    while (in.n > 0) {
        const char *semicolon = memchr(in.text, ';', in.n);
        const size_t n = semicolon == NULL ? in.n : (size_t)(semicolon - in.text);
        const struct span pair = trim((struct span){ in.text, n });
        const char *sign = memchr(pair.text, '=', pair.n);
        in = semicolon == NULL ? (struct span){ in.text + n, 0 } : (struct span){ semicolon + 1, in.n - n - 1 };
        if (sign == NULL) {
            return false;
        }
        const struct span name = { pair.text, (size_t)(sign - pair.text) };
        struct span value = { sign + 1, pair.n - name.n - 1 };
        if (name.n == 0 || !unquote(&value)) {
            return false;
        }
        if (equals(name, "for")) {
            if (has_for || !read_node(value, false, &ret->address)) {
                return false;
            }
            has_for = true;
        } else if (equals(name, "proto")) {
            if (has_proto) {
                return false;
            }
            has_proto = true;
            ret->secure = equals(value, "https") ? 1 : equals(value, "http") ? 0
                                                                             : -1;
        }
    }
    return true;
}

/* One header, its lines as one list: read from the end. */
struct list {
    const struct api_request *request;
    const char *name;
    size_t line;      /* headers before this one are still to be read */
    struct span left; /* of the line at hand */
    bool is_new;
};

/* The next element from the right; false: there is none. Empty elements are none. */
static bool next_element(struct list *list, struct span *ret)
{
    for (;;) {
        while (list->left.n == 0) {
            if (list->line == 0) {
                return false;
            }
            const struct api_header *header = &list->request->headers[--list->line];
            if (strcmp(header->name, list->name) == 0) {
                list->left = (struct span){ header->value, strlen(header->value) };
            }
        }
        const char *comma = memrchr(list->left.text, ',', list->left.n);
        const size_t head = comma == NULL ? 0 : (size_t)(comma - list->left.text);
        const size_t begin = comma == NULL ? 0 : head + 1;
        *ret = trim((struct span){ list->left.text + begin, list->left.n - begin });
        list->left.n = head;
        if (ret->n > 0) {
            return true;
        }
    }
}

static bool is_believed(const struct api_request *request, const struct address *address)
{
    const struct api_listener *listener = request->peer.listener;
    for (size_t i = 0; listener != NULL && i < listener->proxy_count; i++) {
        if (address_is_in(address, &listener->proxies[i])) {
            return true;
        }
    }
    return false;
}

static size_t count_bytes(const struct api_request *request, const char *name)
{
    size_t bytes = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        bytes += strcmp(request->headers[i].name, name) == 0 ? strlen(request->headers[i].value) + 1 : 0;
    }
    return bytes;
}

/* The client that one header names; *ret_given: it names one. */
static enum rc walk(const struct api_request *request, const char *name, const char *path,
                    struct hop *ret, bool *ret_given, struct why *why)
{
    const bool is_rfc = name[0] == 'f';
    struct list list = { .request = request, .name = name, .line = request->header_count };
    struct span element;
    if (count_bytes(request, name) > FORWARDED_BYTES_MAX) {
        return why_fail(why, RC_INVALID, path, "must be at most %d bytes", FORWARDED_BYTES_MAX);
    }
    for (int hops = 0; next_element(&list, &element); hops++) {
        struct hop hop = { .secure = -1 };
        if (!(is_rfc ? read_element(element, &hop) : read_node(element, true, &hop.address))) {
            return why_fail(why, RC_INVALID, path, "must hold addresses, got \"%.*s\"", element.n > 80 ? 80 : (int)element.n, element.text);
        }
        if (hops == FORWARDED_HOPS_MAX) {
            return why_fail(why, RC_INVALID, path, "must name at most %d proxies", FORWARDED_HOPS_MAX);
        }
        *ret = hop;
        *ret_given = true;
        if (!is_believed(request, &hop.address)) {
            break;
        }
    }
    return RC_OK;
}

static void take_scheme(struct api_request *request, const struct hop *hop)
{
    const char *scheme = api_get_header(request, "x-forwarded-proto");
    if (hop->secure >= 0) {
        request->client_is_secure = hop->secure == 1;
    } else if (scheme != NULL && strcasecmp(scheme, "https") == 0) {
        request->client_is_secure = true;
    } else if (scheme != NULL && strcasecmp(scheme, "http") == 0) {
        request->client_is_secure = false;
    }
}

enum rc forwarded_read(struct api_request *request, struct why *why)
{
    const struct api_listener *listener = request->peer.listener;
    const bool by_socket = listener != NULL && listener->trusts_unix && request->peer.address.family == ADDRESS_NONE;
    request->client = request->peer.address;
    request->client_is_secure = request->peer.is_secure;
    request->is_proxied = by_socket || is_believed(request, &request->peer.address);
    if (!request->is_proxied) {
        return RC_OK;
    }
    struct hop old = { .secure = -1 }, hop = { .secure = -1 };
    bool has_old = false, has_new = false;
    enum rc rc = walk(request, "x-forwarded-for", "header:X-Forwarded-For", &old, &has_old, why);
    rc = rc != RC_OK ? rc : walk(request, "forwarded", "header:Forwarded", &hop, &has_new, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (has_old && has_new && !address_equal(&old.address, &hop.address)) {
        return why_fail(why, RC_INVALID, "header:Forwarded", "names another client than X-Forwarded-For; the proxy must remove one of them");
    }
    if (has_old || has_new) {
        request->client = has_new ? hop.address : old.address;
    }
    take_scheme(request, &hop);
    return RC_OK;
}
