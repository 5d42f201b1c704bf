/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdatomic.h>
#include <stdint.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "core/base/id.h"
#include "core/base/rc.h"
#include "core/base/why.h"
#include "server/tls_wire.h"

/*
 * The TLS of one listener: the certificate that it shows (configured, or one of
 * its own, server/own_cert.h), and what it asks of its clients.
 *
 * tls_open() prepares a connection before its handshake; a session that it did
 * not prepare gets no certificate and so no handshake. A reload puts new files
 * in place for the next handshakes; connections that stand keep their
 * certificate, and the last of them frees it.
 *
 * Client certificates are requested in the handshake and judged at the first
 * request, where there are words to say what is wrong with one; after a reload,
 * and when the certificate has expired meanwhile, they are judged again. With
 * TLS_CLIENTS_REQUEST a missing one is allowed and an invalid one is not.
 *
 * Session tickets and session ids are not offered: each handshake has keys of
 * its own. A connection that asks to renegotiate is cut off (server/tls_wire.h).
 *
 * Threads: tls_open(), tls_identify(), tls_close() that of the connection, the
 * rest main. Memory: tls_destroy() frees, after the last tls_close(). Logs: that
 * a certificate was made, or ends soon.
 */

/* TLS 1.2 and 1.3; ephemeral keys, authenticated ciphers, no SHA-1; the order is ours. */
#define TLS_PRIORITIES                                                                              \
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL:+CTYPE-X509:+AEAD:+ECDHE-ECDSA:+ECDHE-RSA:"          \
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:" \
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:"                                     \
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"       \
    "+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"                      \
    "+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:%SERVER_PRECEDENCE"

#define TLS_CHAIN_MAX       16 /* certificates in the file of a chain */
#define TLS_AUTHORITIES_MAX 64 /* in client_ca; their names go out in each handshake */
#define TLS_SECTION_MAX     80
#define TLS_WORDS_MAX       100 /* bytes of what is said about a client's certificate */
#define TLS_WARN_DAYS       30  /* a certificate that ends sooner is worth a line in the log */

#define TLS_CLIENT_PATH "client_certificate" /* where a refusal points to */

enum tls_clients {
    TLS_CLIENTS_NONE,    /* certificates are not asked for */
    TLS_CLIENTS_REQUEST, /* one that comes must be valid */
    TLS_CLIENTS_REQUIRE, /* and one must come */
};

/* NULL counts as empty; borrowed for the call. */
struct tls_files {
    const char *section;     /* where its keys stand, for words: "tls", "listener.edge" */
    const char *state;       /* the state directory */
    const char *certificate; /* empty: the own one */
    const char *key;
    const char *client_ca;     /* whose signatures on client certificates count */
    const char *client_tokens; /* server/client_map.h; empty: certificates stand for no token */
    enum tls_clients clients;
};

struct tls;
struct tls_credential;

/* The TLS side of one connection; all zero: none. It stays where it is. */
struct tls_peer {
    struct tls *tls;
    struct tls_credential *credential; /* what it was opened with */
    struct tls_wire wire;

    /* What tls_identify() found last, and up to when that holds. */
    uint64_t generation; /* of the files that it was held against; 0: not looked yet */
    int64_t until;       /* Unix seconds */
    enum rc rc;
    char token[ID_SIZE];
    char words[TLS_WORDS_MAX]; /* of a refusal */
};

/*
 * RC_INVALID (no PEM, a key of another certificate, only one of the two files,
 * client_certificates without client_ca or the reverse), RC_DENIED (a key that
 * everybody may read), RC_IO, RC_NO_MEMORY, and those of client_map_read().
 */
enum rc tls_create(const struct tls_files *files, struct tls **ret, struct why *why) MUST_CHECK;

/* Reads the files of all of them again; on failure each keeps what it had. Same errors. */
enum rc tls_reload(struct tls *const *all, size_t count, struct why *why) MUST_CHECK;

/* RC_NO_MEMORY; then the connection must be ended. */
enum rc tls_open(struct tls *tls, gnutls_session_t session, struct tls_peer *ret) MUST_CHECK;

/*
 * After the handshake, before each request: the id of the token that the
 * client's certificate stands for; empty: none. RC_DENIED: the request must be
 * refused, why says it; RC_NO_MEMORY.
 */
enum rc tls_identify(struct tls_peer *peer, gnutls_session_t session, char ret_token[ID_SIZE], struct why *why) MUST_CHECK;

/* How many credentials are not freed: the present one, and older ones that connections hold. */
int64_t tls_live(struct tls *tls);

/* Idempotent. */
void tls_close(struct tls_peer *peer);

/* What libmicrohttpd is given in the place of a certificate: always says that there is none. */
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                 const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                 gnutls_pcert_st **ret_chain, unsigned int *ret_count, gnutls_privkey_t *ret_key);

void tls_destroy(struct tls *tls);

#endif
