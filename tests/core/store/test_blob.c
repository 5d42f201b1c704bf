/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/blob.h"

#include <fcntl.h>

#include "tests/core/store/place.h"

#define LARGE (3 * BLOB_CHUNK + 17)

static char *large_text(void)
{
    char *text = mem_alloc(LARGE);
    for (size_t i = 0; i < LARGE; i++) {
        text[i] = (char)(i * 131 >> 3);
    }
    return text;
}

static struct blob_ref put_large(struct place *it, const char *text)
{
    struct blob_writer *writer = NULL;
    check_rc(blob_create(it->store, &writer), RC_OK);
    for (size_t done = 0, n = 1; done < LARGE; done += n, n = n * 7 % 99991) {
        n = n > LARGE - done ? LARGE - done : n;
        check_rc(blob_write(writer, text + done, n), RC_OK);
    }
    struct blob_ref ref;
    check_rc(blob_seal(writer, &ref), RC_OK);
    return ref;
}

static void test_blob_read_gives_back_what_was_sealed(void **state)
{
    struct place *it = *state;
    AUTO_FREE char *text = large_text();
    const struct blob_ref ref = put_large(it, text);
    check_int(ref.bytes, LARGE);
    AUTO(buf) struct buf out;
    buf_init(&out, 1 << 20);
    check_rc(buf_text(&out, "before"), RC_OK);
    check_rc(blob_read(it->store, &ref, LARGE, &out), RC_OK);
    check_int(out.len, LARGE + 6);
    check_bytes(out.data + 6, text, LARGE);
    buf_clear(&out);
    check_rc(blob_read(it->store, &ref, LARGE - 1, &out), RC_TOO_LARGE);
    const struct blob_ref empty = place_blob(it, "");
    check_rc(blob_read(it->store, &empty, 0, &out), RC_OK);
    check_int(out.len, 0);
    check_text(empty.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

struct seen {
    size_t bytes, largest;
    enum rc answer;
};

static enum rc see(void *arg, const char *bytes, size_t n)
{
    struct seen *seen = arg;
    seen->bytes += n;
    seen->largest = n > seen->largest ? n : seen->largest;
    return seen->answer;
}

static void test_blob_each_streams_in_chunks_and_stops(void **state)
{
    struct place *it = *state;
    AUTO_FREE char *text = large_text();
    const struct blob_ref ref = put_large(it, text);
    struct seen seen = { .answer = RC_OK };
    check_rc(blob_each(it->store, &ref, see, &seen), RC_OK);
    check_int(seen.bytes, LARGE);
    check_int(seen.largest, BLOB_CHUNK);
    seen = (struct seen){ .answer = RC_CANCELLED };
    check_rc(blob_each(it->store, &ref, see, &seen), RC_CANCELLED);
    check_int(seen.bytes, BLOB_CHUNK);
}

/* Every bit of a small file, then truncation and growth: a reader never believes any of them. */
static void test_blob_read_finds_every_damage(void **state)
{
    struct place *it = *state;
    static const char text[] = "twenty bytes of text";
    const struct blob_ref ref = place_blob(it, text);
    const int fd = open(place_path(it, "blobs", ref.name).text, O_RDWR);
    check(fd >= 0);
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    check_rc(buf_text(&out, "kept"), RC_OK);
    for (int bit = 0; bit < 160; bit++) {
        char byte = (char)(text[bit / 8] ^ 1 << bit % 8);
        check_int(pwrite(fd, &byte, 1, bit / 8), 1);
        check_rc(blob_read(it->store, &ref, 1000, &out), RC_CORRUPT);
        check_text(out.data, "kept");
        check_int(pwrite(fd, &text[bit / 8], 1, bit / 8), 1);
    }
    check_rc(blob_read(it->store, &ref, 1000, &out), RC_OK);
    check_int(pwrite(fd, "x", 1, 20), 1);
    check_rc(blob_read(it->store, &ref, 1000, &out), RC_CORRUPT);
    check_int(ftruncate(fd, 19), 0);
    check_rc(blob_read(it->store, &ref, 1000, &out), RC_CORRUPT);
    (void)close(fd);
    struct blob_ref elsewhere = ref;
    (void)snprintf(elsewhere.name, sizeof(elsewhere.name), "../licit.db");
    check_rc(blob_read(it->store, &elsewhere, 1000, &out), RC_CORRUPT);
    check_rc(blob_remove(it->store, &elsewhere), RC_CORRUPT);
}

static void test_blob_abandon_and_remove_leave_nothing(void **state)
{
    struct place *it = *state;
    struct blob_writer *writer = NULL;
    check_rc(blob_create(it->store, &writer), RC_OK);
    check_rc(blob_write(writer, "x", 1), RC_OK);
    blob_abandon(writer);
    blob_abandon(NULL);
    const struct blob_ref ref = place_blob(it, "x");
    check_rc(blob_remove(it->store, &ref), RC_OK);
    check_rc(blob_remove(it->store, &ref), RC_OK);
    check_int(rmdir(place_path(it, "blobs", "").text), 0);
}

static void test_blob_put_survives_each_failing_allocation(void **state)
{
    struct place *it = *state;
    for (long n = 1;; n++) {
        struct blob_ref ref;
        mem_fail_at(n);
        const enum rc rc = blob_put(it->store, "x", 1, &ref);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 1);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

CHECK_MAIN("core/store/blob",
           PLACE_CHECK(test_blob_read_gives_back_what_was_sealed),
           PLACE_CHECK(test_blob_each_streams_in_chunks_and_stops),
           PLACE_CHECK(test_blob_read_finds_every_damage),
           PLACE_CHECK(test_blob_abandon_and_remove_leave_nothing),
           PLACE_CHECK(test_blob_put_survives_each_failing_allocation))
