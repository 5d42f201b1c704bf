/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VAULT_ROOT_H
#define CORE_VAULT_ROOT_H

#include <stdbool.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/vault/digest.h"
#include "core/vault/seal.h"

/*
 * The root key: 32 random bytes from which every other key follows, and without
 * which a copy of the state directory's database and files opens nothing.
 *
 * It lies in the file root-key: of the directory of credentials that systemd
 * passes, or else of the state directory. There it must be a plain file that
 * its owner alone can read. A first start makes it, whole or not at all; it is
 * never made anew where it may have been lost: that is the caller's to know.
 *
 * Threads: one opens, any derive. Memory: root_close() wipes and frees; the key
 * lies in a page that no core dump holds, and that is not swapped out where the
 * system allows to ask for that. Logs: no.
 */

#define ROOT_FILE "root-key"

struct root;

/* Where it may lie. */
struct root_places {
    const char *credentials; /* NULL: there are none */
    const char *state;       /* the state directory; nobody else writes there meanwhile */
};

/* may_make: makes one when there is none, else RC_NOT_FOUND. RC_CONFLICT: what lies there is no key, or others can
 * read it; RC_IO, RC_STORAGE_FULL, RC_NO_MEMORY. */
enum rc root_open(const struct root_places *places, bool may_make, struct root **ret, struct why *why) MUST_CHECK;
void root_close(struct root *root);

/* The key for what the label says. Wipe it. */
void root_derive(const struct root *root, const char *label, struct seal_key *ret);

/* Tells this root key from every other, and nothing about it: may be kept beside what it seals. */
void root_check_value(const struct root *root, char ret[DIGEST_HEX_SIZE]);

#endif
