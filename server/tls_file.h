/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_FILE_H
#define SERVER_TLS_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/base/why.h"

/*
 * The files of TLS: read whole under a ceiling, written whole or not at all.
 *
 * Threads: main. Memory: the caller's buffers; that of a key is wiped by its
 * reader. Logs: no.
 */

#define TLS_FILE_MAX (256u << 10) /* bytes of a file with certificates or with a key */

/* Appends the bytes. RC_IO, RC_TOO_LARGE over the buffer's ceiling, RC_NO_MEMORY; RC_DENIED: a secret that everybody may read. */
enum rc tls_file_read(const char *path, bool is_secret, struct buf *out, struct why *why) MUST_CHECK;

/* Makes the file, which must not be there, and syncs it. RC_IO; then no file stays. */
enum rc tls_file_write(const char *path, const struct buf *bytes, mode_t mode, struct why *why) MUST_CHECK;

/* Syncs the names in a folder. RC_IO. */
enum rc tls_file_sync(const char *folder, struct why *why) MUST_CHECK;

/* For buffers that held a key. */
void tls_file_wipe(struct buf *secret);

#endif
