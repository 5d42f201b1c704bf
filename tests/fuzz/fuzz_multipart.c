/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/multipart.h"
#include "core/base/buf.h"
#include "tests/fuzz/fuzz.h"

/*
 * multipart/form-data. The first byte cuts, the first line is the Content-Type
 * (empty: a good one), the rest is the body.
 *
 * What must hold: cutting the body elsewhere changes neither the outcome nor its
 * words, nor the parts and their bytes. Events come in order: begin, bytes, end.
 * After a failure everything is refused. A body that was taken holds every byte
 * that was handed on.
 */

#define SEEN_MAX (8u << 20)

struct seen {
    struct buf text;
    bool open;
    int parts;
    size_t bytes;
};

static enum rc on_begin(void *arg, const struct multipart_part *part, struct why *why)
{
    struct seen *seen = arg;
    MUST(!seen->open && ++seen->parts <= MULTIPART_PARTS_MAX);
    MUST(strlen(part->name) <= MULTIPART_NAME_MAX);
    MUST(part->filename == NULL || strlen(part->filename) <= MULTIPART_FILENAME_MAX);
    seen->open = true;
    return buf_printf(&seen->text, "\n<%s|%s|%s>\n", part->name, part->filename == NULL ? "-" : part->filename,
                      part->type == NULL ? "-" : part->type);
}

static enum rc on_bytes(void *arg, const char *bytes, size_t n, struct why *why)
{
    struct seen *seen = arg;
    MUST(seen->open);
    seen->bytes += n;
    return buf_append(&seen->text, bytes, n);
}

static enum rc on_end(void *arg, struct why *why)
{
    struct seen *seen = arg;
    MUST(seen->open);
    seen->open = false;
    return buf_text(&seen->text, "\n</>\n");
}

static enum rc read_all(const char *type, const char *body, size_t n, uint32_t seed, struct seen *seen, struct why *why)
{
    const struct multipart_events events = { seen, on_begin, on_bytes, on_end };
    AUTO_PTR(multipart) struct multipart *multipart = NULL;
    buf_init(&seen->text, SEEN_MAX);
    enum rc rc = multipart_create(type, &events, &multipart, why);
    const bool made = rc == RC_OK;
    for (size_t at = 0; rc == RC_OK && at < n;) {
        const size_t piece = fuzz_cut(&seed, n - at);
        rc = multipart_push(multipart, body + at, piece, why);
        at += piece;
    }
    const bool pushed = rc == RC_OK;
    rc = pushed ? multipart_finish(multipart, why) : rc;
    MUST(rc == RC_OK ? !seen->open : why->text[0] != '\0');
    if (made && !pushed) {
        MUST(multipart_push(multipart, "x", 1, NULL) != RC_OK);
    }
    MUST(seen->bytes <= n);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const uint32_t seed = fuzz_byte(&input) + 1u;
    AUTO_FREE char *line = fuzz_line(&input);
    const char *type = line == NULL || line[0] == '\0' ? "multipart/form-data; boundary=b" : line;
    AUTO_FREE char *body = fuzz_bytes(&input);
    struct seen whole = { .open = false }, pieces = { .open = false };
    struct why why = { 0 }, why_pieces = { 0 };
    const enum rc rc = read_all(type, body, input.size, 0, &whole, &why);
    const enum rc rc_pieces = read_all(type, body, input.size, seed, &pieces, &why_pieces);
    MUST(rc == rc_pieces && strcmp(why.text, why_pieces.text) == 0);
    if (rc == RC_OK) {
        MUST(whole.text.len == pieces.text.len);
        MUST(whole.text.len == 0 || memcmp(whole.text.data, pieces.text.data, whole.text.len) == 0);
    }
    buf_finish(&whole.text);
    buf_finish(&pieces.text);
    return 0;
}
