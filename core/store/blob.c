/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/store/inside.h"
#include "core/vault/digest.h"
#include "core/vault/random.h"

#define NAME_DIGITS     (BLOB_NAME_SIZE - 1)
#define UNFINISHED_SIZE (sizeof(BLOB_UNFINISHED) + NAME_DIGITS)

struct blob_writer {
    int folder; /* borrowed from the store */
    int fd;
    char name[BLOB_NAME_SIZE];
    char unfinished[UNFINISHED_SIZE]; /* empty: nothing to remove */
    uint64_t bytes;
    struct digest digest;
};

enum rc blob_create(struct store *store, struct blob_writer **ret)
{
    struct blob_writer *writer = mem_alloc(sizeof(*writer));
    if (writer == NULL) {
        return RC_NO_MEMORY;
    }
    writer->folder = store->blobs;
    writer->fd = -1;
    enum rc rc = digest_init(&writer->digest);
    rc = rc == RC_OK ? vault_random_hex(writer->name, NAME_DIGITS / 2) : rc;
    if (rc == RC_OK) {
        char name[UNFINISHED_SIZE];
        (void)snprintf(name, sizeof(name), BLOB_UNFINISHED "%s", writer->name); /* fits by its size */
        writer->fd = openat(writer->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        rc = writer->fd < 0 ? store_rc_of_errno(errno) : RC_OK;
        memcpy(writer->unfinished, name, writer->fd < 0 ? 0 : sizeof(name));
    }
    if (rc != RC_OK) {
        blob_abandon(writer);
        return rc;
    }
    *ret = writer;
    return RC_OK;
}

enum rc blob_write(struct blob_writer *writer, const void *bytes, size_t n)
{
    const char *at = bytes;
    for (size_t left = n; left > 0;) {
        const ssize_t wrote = write(writer->fd, at, left);
        if (wrote < 0 && errno != EINTR) {
            return store_rc_of_errno(errno);
        }
        if (wrote > 0) {
            at += wrote;
            left -= (size_t)wrote;
        }
    }
    digest_add(&writer->digest, bytes, n);
    writer->bytes += n;
    return RC_OK;
}

/* A failed fsync is final: the file is given up, never synced a second time. */
static enum rc make_durable(struct blob_writer *writer)
{
    if (fsync(writer->fd) != 0) {
        return store_rc_of_errno(errno);
    }
    if (renameat(writer->folder, writer->unfinished, writer->folder, writer->name) != 0) {
        return store_rc_of_errno(errno);
    }
    memcpy(writer->unfinished, writer->name, sizeof(writer->name)); /* what to remove if the last step fails */
    if (fsync(writer->folder) != 0) {
        return store_rc_of_errno(errno);
    }
    writer->unfinished[0] = '\0';
    return RC_OK;
}

enum rc blob_seal(struct blob_writer *writer, struct blob_ref *ret)
{
    const enum rc rc = make_durable(writer);
    if (rc == RC_OK) {
        memcpy(ret->name, writer->name, sizeof(ret->name));
        digest_end_hex(&writer->digest, ret->sha256);
        ret->bytes = writer->bytes;
    }
    blob_abandon(writer);
    return rc;
}

void blob_abandon(struct blob_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->fd >= 0) {
        (void)close(writer->fd);
    }
    if (writer->unfinished[0] != '\0') {
        (void)unlinkat(writer->folder, writer->unfinished, 0); /* else the next start sweeps it */
    }
    digest_finish(&writer->digest);
    mem_free(writer);
}

enum rc blob_put(struct store *store, const void *bytes, size_t n, struct blob_ref *ret)
{
    struct blob_writer *writer = NULL;
    enum rc rc = blob_create(store, &writer);
    if (rc != RC_OK) {
        return rc;
    }
    rc = blob_write(writer, bytes, n);
    if (rc != RC_OK) {
        blob_abandon(writer);
        return rc;
    }
    return blob_seal(writer, ret);
}

/* Names come from rows, and rows have no checksum. */
static bool is_name(const char *name)
{
    return strlen(name) == NAME_DIGITS && strspn(name, "0123456789abcdef") == NAME_DIGITS;
}

static enum rc open_blob(struct store *store, const struct blob_ref *ref, int *ret_fd)
{
    if (!is_name(ref->name)) {
        return RC_CORRUPT;
    }
    AUTO_CLOSE int fd = openat(store->blobs, ref->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (fd < 0) {
        return errno == ENOENT ? RC_GONE : store_rc_of_errno(errno);
    }
    if (fstat(fd, &status) != 0) {
        return store_rc_of_errno(errno);
    }
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != ref->bytes) {
        return RC_CORRUPT;
    }
    *ret_fd = fd;
    fd = -1;
    return RC_OK;
}

/* Up to n bytes; fewer only at the end of the file. */
static enum rc read_some(int fd, char *bytes, size_t n, size_t *ret_n)
{
    size_t have = 0;
    while (have < n) {
        const ssize_t got = read(fd, bytes + have, n - have);
        if (got < 0 && errno != EINTR) {
            return store_rc_of_errno(errno);
        }
        if (got == 0) {
            break;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    *ret_n = have;
    return RC_OK;
}

static enum rc check_digest(struct digest *digest, const struct blob_ref *ref)
{
    char sha256[DIGEST_HEX_SIZE];
    digest_end_hex(digest, sha256);
    return strcmp(sha256, ref->sha256) == 0 ? RC_OK : RC_CORRUPT;
}

enum rc blob_each(struct store *store, const struct blob_ref *ref,
                  enum rc (*chunk)(void *arg, const char *bytes, size_t n), void *arg)
{
    AUTO_CLOSE int fd = -1;
    AUTO(digest) struct digest digest = { 0 };
    AUTO_FREE char *bytes = mem_alloc(BLOB_CHUNK);
    enum rc rc = bytes == NULL ? RC_NO_MEMORY : open_blob(store, ref, &fd);
    rc = rc == RC_OK ? digest_init(&digest) : rc;
    for (uint64_t left = ref->bytes; rc == RC_OK && left > 0;) {
        size_t n = 0;
        rc = read_some(fd, bytes, left < BLOB_CHUNK ? (size_t)left : BLOB_CHUNK, &n);
        rc = rc == RC_OK && n == 0 ? RC_CORRUPT : rc; /* shorter than it was a moment ago */
        if (rc == RC_OK) {
            digest_add(&digest, bytes, n);
            left -= n;
            rc = chunk(arg, bytes, n);
        }
    }
    return rc == RC_OK ? check_digest(&digest, ref) : rc;
}

static enum rc append(void *arg, const char *bytes, size_t n)
{
    return buf_append(arg, bytes, n);
}

enum rc blob_read(struct store *store, const struct blob_ref *ref, uint64_t bytes_max, struct buf *ret)
{
    if (ref->bytes > bytes_max || ref->bytes > SIZE_MAX) {
        return RC_TOO_LARGE;
    }
    const size_t before = ret->len;
    if (buf_room(ret, (size_t)ref->bytes) == NULL) { /* once, instead of growing by halves */
        return ret->failed;
    }
    const enum rc rc = blob_each(store, ref, append, ret);
    if (rc != RC_OK) {
        ret->len = before;
        ret->data[before] = '\0';
    }
    return rc;
}

enum rc blob_remove(struct store *store, const struct blob_ref *ref)
{
    if (!is_name(ref->name)) {
        return RC_CORRUPT;
    }
    if (unlinkat(store->blobs, ref->name, 0) != 0) {
        return errno == ENOENT ? RC_OK : store_rc_of_errno(errno);
    }
    return fsync(store->blobs) == 0 ? RC_OK : store_rc_of_errno(errno);
}
