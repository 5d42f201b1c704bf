/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * The certificate that TLS shows: from the configured files, or one of its own
 * that the first start makes in DIR/tls/ (the key with mode 0600).
 *
 * A reload puts a new certificate in place for the next handshakes; connections
 * that stand keep theirs. Old ones live until tls_destroy(), since a handshake
 * may still hold them; a reload of the same bytes changes nothing.
 *
 * Threads: tls_retrieve() any; the rest main. Logs: that a certificate was made.
 */

/* TLS 1.2 and 1.3 with authenticated ciphers only. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-AES-256-CBC:-AES-128-CBC"

struct tls;

struct tls_files {
    const char *state;       /* the state directory */
    const char *certificate; /* empty: the own one */
    const char *key;
};

/* RC_INVALID (no PEM, a key of another certificate, only one of the two files), RC_IO, RC_NO_MEMORY. */
enum rc tls_create(const struct tls_files *files, struct tls **ret, struct why *why) MUST_CHECK;

/* Reads the files again; on failure the present certificate stays. Same errors. */
enum rc tls_reload(struct tls *tls, struct why *why) MUST_CHECK;

/* GnuTLS asks for the certificate of a handshake; knows the one tls of the process. */
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                 const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                 gnutls_pcert_st **ret_chain, unsigned int *ret_count, gnutls_privkey_t *ret_key);

void tls_destroy(struct tls *tls);

#endif
