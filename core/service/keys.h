/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_KEYS_H
#define CORE_SERVICE_KEYS_H

#include "core/base/buf.h"
#include "core/service/internal.h"
#include "core/store/token.h"

/*
 * The keys of a service: its root key, which the database must know, and what
 * is sealed with keys that follow from it.
 *
 * Invariant: nothing is sealed before the database keeps the check value of the
 * root key (fact root_key_check). So a state with sealed things and a root key
 * that is lost, or another one, is told from a first start, and refused.
 *
 * Threads: keys_open() one, others any. Memory: see each. Logs: root_key_learned.
 */

/* Opens or makes the root key, service->root. has_sealed: the database holds sealed things. RC_NOT_FOUND: it is
 * missing; RC_CONFLICT: another one, or not fit to be one; RC_CORRUPT: has_sealed, but no check value. Disk. */
enum rc keys_open(struct service *service, bool has_sealed, struct why *why) MUST_CHECK;

/* Appends, sealed, where the narrowing of this token starts. RC_NO_MEMORY, RC_TOO_LARGE, RC_INTERNAL. */
enum rc keys_seal_start(const struct service *service, const char *id, const unsigned char start[DIGEST_BYTES], struct buf *ret) MUST_CHECK;

/* Opens it again; row->chain is there. RC_CORRUPT, RC_UNSUPPORTED, RC_NO_MEMORY. Wipe it. */
enum rc keys_open_start(const struct service *service, const struct token_row *row, unsigned char ret[DIGEST_BYTES]) MUST_CHECK;

#endif
