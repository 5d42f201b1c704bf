/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/base/buf.h"
#include "tests/fuzz/door.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/http_reader.h"

/*
 * Raw bytes on a socket of the real door, with the real routes behind it whose
 * handlers only note that they ran. The first byte cuts, the rest is sent.
 *
 * What must hold: only what http_reader.h takes has an effect, in its order, each
 * with its own method, path and body, and with a token whose scope allows it; so no
 * bytes make a second request out of one. Every request of that reader gets its
 * one reply, unless a reply before it closed the connection; nothing hangs.
 */

#define REPLY_MAX   (4u << 20)
#define PATIENCE_MS 8000

/* One piece of what comes, or the end: false. */
static bool hear_piece(int fd, struct buf *out)
{
    char piece[8192];
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    int ready;
    do {
        ready = poll(&waiting, 1, PATIENCE_MS);
    } while (ready < 0 && errno == EINTR); /* libFuzzer's alarm */
    MUST(ready > 0);
    const ssize_t n = recv(fd, piece, sizeof(piece), 0);
    MUST(n <= 0 || buf_append(out, piece, (size_t)n) == RC_OK);
    return n > 0;
}

/* Reads until so many whole replies have come; false: it was closed before. */
static bool hear(int fd, size_t want, const struct http_stream *stream, struct buf *out, struct http_replies *replies)
{
    bool open = true;
    for (http_read_replies(out->data, out->len, stream, replies); open && replies->count < want;) {
        open = hear_piece(fd, out);
        http_read_replies(out->data, out->len, stream, replies);
    }
    return replies->count >= want;
}

/* Until the door has read all, or speaks: the end of a connection is an event of its own to it only when nothing is left before it. */
static void let_it_read(int fd)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    int left = 0;
    while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0 && poll(&waiting, 1, 1) == 0) {
    }
}

static void talk(const char *bytes, size_t n, uint32_t seed, const struct http_stream *stream)
{
    AUTO(buf) struct buf out;
    AUTO_CLOSE int fd = door_dial();
    struct http_replies replies;
    buf_init(&out, REPLY_MAX);
    for (size_t at = 0; at < n;) {
        const ssize_t sent = send(fd, bytes + at, fuzz_cut(&seed, n - at), MSG_NOSIGNAL);
        if (sent <= 0) {
            break; /* it closed after a refusal */
        }
        at += (size_t)sent;
    }
    const bool stays = hear(fd, stream->count, stream, &out, &replies);
    MUST(stays || replies.closes);
    let_it_read(fd);
    (void)shutdown(fd, SHUT_WR); /* what is not whole by now never will be */
    (void)hear(fd, SIZE_MAX, stream, &out, &replies);
    MUST(!stays || replies.count <= stream->count + (stream->clean ? 0 : 2)); /* the library says some refusals twice */
}

static bool is_right(const struct door_effect *effect, const struct http_request *request, struct region *region)
{
    char *target = region_printf(region, "%.*s", (int)request->target.n, request->target.at);
    char *given = region_printf(region, "%.*s", (int)request->authorization.n, request->authorization.at);
    AUTO(url) struct url url = { NULL, NULL };
    MUST(target != NULL && given != NULL);
    const size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8
                                                                                                               : 0;
    const size_t origin = scheme == 0 ? 0 : scheme + strcspn(target + scheme, "/?#"); /* the absolute form */
    target = scheme > 0 && target[origin] != '/' ? region_printf(region, "/%s", target + origin) : target + origin;
    MUST(target != NULL);
    const bool bearer = strncasecmp(given, "Bearer ", 7) == 0;
    const char *token = given + (bearer ? 7 + strspn(given + 7, " ") : 0);
    const bool may = effect->open || (bearer && (strcmp(token, "all") == 0 || (effect->reads && strcmp(token, "read") == 0)));
    return may && url_parse(target, region, &url, NULL) == RC_OK && strcmp(url.path, effect->path) == 0 &&
           strlen(effect->method) == request->method.n && memcmp(effect->method, request->method.at, request->method.n) == 0 &&
           effect->bytes == request->body_bytes && effect->sum == request->body_sum;
}

/* Each effect belongs to a later request than the one before it. */
static void check_effects(const struct http_stream *stream)
{
    AUTO(region) struct region region;
    region_init(&region, 1u << 20);
    size_t at = 0, count;
    const struct door_effect *effects = door_take_effects(&count);
    for (size_t i = 0; i < count; i++) {
        while (at < stream->possible && !is_right(&effects[i], &stream->requests[at], &region)) {
            at++;
        }
        MUST(at < stream->possible);
        at++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const uint32_t seed = fuzz_byte(&input) & 7u;
    AUTO_FREE char *bytes = fuzz_bytes(&input);
    struct http_stream stream;
    http_read(bytes, input.size, &stream);
    talk(bytes, input.size, seed, &stream);
    check_effects(&stream);
    return 0;
}
