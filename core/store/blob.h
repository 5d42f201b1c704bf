/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_BLOB_H
#define CORE_STORE_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * Files beside the database: uploaded tables, checkpoints, weights.
 *
 * A file is written under a temporary name, synced, renamed and its directory
 * synced (blob_seal()); only then may a row name it. It never changes after
 * that. SQLite has no checksums, so the row's digest is the proof that the
 * bytes are still the ones that were written: every reading verifies it.
 *
 * Threads: a writer belongs to one thread at a time; the rest any. All calls
 * touch the disk. Memory: the writer is freed by seal or abandon. Logs: no.
 */

#define BLOB_NAME_SIZE   33        /* 32 hex digits that we made, and a NUL */
#define BLOB_CHUNK       (1 << 17) /* bytes that blob_each() gives at most at once */
#define BLOB_SHA256_SIZE 65
#define BLOB_UNFINISHED  "tmp-" /* what a name begins with until the file is sealed */

/* What a row keeps of its file. An empty name: no file. */
struct blob_ref {
    char name[BLOB_NAME_SIZE];
    char sha256[BLOB_SHA256_SIZE];
    uint64_t bytes;
};

struct store;
struct blob_writer;

/* RC_IO, RC_STORAGE_FULL, RC_NO_MEMORY. */
enum rc blob_create(struct store *store, struct blob_writer **ret) MUST_CHECK;

/* RC_IO, RC_STORAGE_FULL; the writer can then only be abandoned. */
enum rc blob_write(struct blob_writer *writer, const void *bytes, size_t n) MUST_CHECK;

/* Makes it durable and says how to find it. The writer is freed, also on failure. */
enum rc blob_seal(struct blob_writer *writer, struct blob_ref *ret) MUST_CHECK;

/* Drops what was written. NULL is allowed. */
void blob_abandon(struct blob_writer *writer);

/* All at once: create, write, seal. */
enum rc blob_put(struct store *store, const void *bytes, size_t n, struct blob_ref *ret) MUST_CHECK;

/* Appends the whole file. RC_CORRUPT: not the bytes that were sealed (nothing is appended); RC_GONE:
 * the file has been removed; RC_TOO_LARGE: more than bytes_max; RC_IO, RC_NO_MEMORY. */
enum rc blob_read(struct store *store, const struct blob_ref *ref, uint64_t bytes_max, struct buf *ret) MUST_CHECK;

/* Gives the file in chunks. What the chunks say may be believed only after RC_OK: the digest is known
 * at the end. Stops at and returns the first rc of chunk() that is not RC_OK. Errors as blob_read(). */
enum rc blob_each(struct store *store, const struct blob_ref *ref,
                  enum rc (*chunk)(void *arg, const char *bytes, size_t n), void *arg) MUST_CHECK;

/* Removes a sealed file that no row names (any more). One that is not there is not an error. */
enum rc blob_remove(struct store *store, const struct blob_ref *ref) MUST_CHECK;

#endif
