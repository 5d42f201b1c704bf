/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/vault/cert.h"
#include "core/vault/digest.h"
#include "server/own_cert.h"
#include "tests/check.h"
#include "tests/server/certs.h"

/* Whole handshakes between a client of the test's and a session that tls_open() prepared. */

#define ONE "tok-000000000000000000a1"
#define TWO "tok-000000000000000000b2"

static char folder[64];
static struct certs_pair authority, other_authority, server;

static const char *in_folder(const char *name)
{
    static char paths[8][128];
    static size_t turn;
    char *path = paths[turn++ % COUNT_OF(paths)];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    check(file != NULL && fputs(text, file) >= 0);
    check(fclose(file) == 0);
}

static int setup(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/licit-tls-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    authority = certs_make(&(struct certs_spec){ .name = "authority", .is_authority = true }, NULL);
    other_authority = certs_make(&(struct certs_spec){ .name = "authority", .is_authority = true }, NULL);
    server = certs_make(&(struct certs_spec){ .name = "server", .for_servers = true, .from = -1, .until = 90 }, &authority);
    certs_write(&authority, in_folder("ca.pem"), NULL);
    certs_write(&server, in_folder("server.pem"), in_folder("server.key"));
    write_text("tokens", "name:client " ONE "\n");
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

static int teardown(void **state)
{
    wall_set((struct wall){ -1 });
    certs_free(&authority);
    certs_free(&other_authority);
    certs_free(&server);
    return nftw(folder, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

static struct tls *make_with(enum tls_clients clients, const char *tokens)
{
    const bool asks = clients != TLS_CLIENTS_NONE;
    const struct tls_files files = {
        .section = "listener edge",
        .state = folder,
        .certificate = in_folder("server.pem"),
        .key = in_folder("server.key"),
        .client_ca = asks ? in_folder("ca.pem") : NULL,
        .client_tokens = asks ? in_folder(tokens) : NULL,
        .clients = clients,
    };
    struct tls *tls = NULL;
    struct why why = { 0 };
    check_ok(tls_create(&files, &tls, &why), &why);
    return tls;
}

static struct tls *make(enum tls_clients clients)
{
    return make_with(clients, "tokens");
}

/* Both ends of one connection. */
struct link {
    int fds[2];
    gnutls_session_t client, server;
    gnutls_certificate_credentials_t credentials, none;
    struct tls_peer peer;
};

static int give_always(gnutls_session_t session, const gnutls_datum_t *names, int count, const gnutls_pk_algorithm_t *algorithms,
                       int algorithm_count, gnutls_retr2_st *ret)
{
    const struct certs_pair *pair = gnutls_session_get_ptr(session);
    if (pair == NULL) {
        return 0;
    }
    static gnutls_x509_crt_t chain[1];
    chain[0] = pair->certificate;
    *ret = (gnutls_retr2_st){ .cert_type = GNUTLS_CRT_X509, .key_type = GNUTLS_PRIVKEY_X509, .ncerts = 1, .cert.x509 = chain, .key.x509 = pair->key };
    return 0;
}

static void start_client(struct link *link, const struct certs_pair *pair, const char *versions)
{
    char priorities[100];
    (void)snprintf(priorities, sizeof(priorities), "NORMAL:-VERS-ALL:%s", versions);
    check(gnutls_certificate_allocate_credentials(&link->credentials) == 0);
    gnutls_certificate_set_retrieve_function(link->credentials, give_always);
    check(gnutls_init(&link->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK) == 0);
    check(gnutls_priority_set_direct(link->client, priorities, NULL) == 0);
    check(gnutls_credentials_set(link->client, GNUTLS_CRD_CERTIFICATE, link->credentials) == 0);
    gnutls_session_set_ptr(link->client, (void *)pair);
    gnutls_transport_set_int(link->client, link->fds[0]);
}

/* As libmicrohttpd makes its sessions: a credential that gives nothing stands there before tls_open(). */
static void start_server(struct link *link, struct tls *tls)
{
    check(gnutls_certificate_allocate_credentials(&link->none) == 0);
    gnutls_certificate_set_retrieve_function2(link->none, tls_retrieve);
    check(gnutls_init(&link->server, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
    check(gnutls_priority_set_direct(link->server, TLS_PRIORITIES, NULL) == 0);
    check(gnutls_credentials_set(link->server, GNUTLS_CRD_CERTIFICATE, link->none) == 0);
    gnutls_transport_set_int(link->server, link->fds[1]);
    if (tls != NULL) {
        check_rc(tls_open(tls, link->server, &link->peer), RC_OK);
    }
}

/* False: the handshake fails. tls NULL: nobody prepares the session. */
static bool dial(struct link *link, struct tls *tls, const struct certs_pair *pair, const char *versions)
{
    *link = (struct link){ .client = NULL };
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, link->fds) == 0);
    start_client(link, pair, versions);
    start_server(link, tls);
    int here = GNUTLS_E_AGAIN, there = GNUTLS_E_AGAIN;
    while (here == GNUTLS_E_AGAIN || there == GNUTLS_E_AGAIN) {
        here = here == GNUTLS_E_AGAIN ? gnutls_handshake(link->client) : here;
        there = there == GNUTLS_E_AGAIN ? gnutls_handshake(link->server) : there;
        if ((here < 0 && here != GNUTLS_E_AGAIN) || (there < 0 && there != GNUTLS_E_AGAIN)) {
            return false;
        }
    }
    return true;
}

static void hang_up(struct link *link)
{
    gnutls_deinit(link->client);
    gnutls_deinit(link->server);
    tls_close(&link->peer);
    tls_close(&link->peer); /* idempotent */
    gnutls_certificate_free_credentials(link->credentials);
    gnutls_certificate_free_credentials(link->none);
    (void)close(link->fds[0]);
    (void)close(link->fds[1]);
}

static void test_tls_shows_its_certificate_and_nothing_unprepared(void **state)
{
    struct tls *tls = make(TLS_CLIENTS_NONE);
    struct link link;
    char token[ID_SIZE] = "x";
    struct why why = { 0 };
    check(dial(&link, tls, NULL, "+VERS-TLS1.3"));
    gnutls_datum_t der;
    unsigned int count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(link.client, &count);
    check(gnutls_x509_crt_export2(server.certificate, GNUTLS_X509_FMT_DER, &der) == 0);
    check(count == 1 && chain[0].size == der.size && memcmp(chain[0].data, der.data, der.size) == 0);
    gnutls_free(der.data);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, "");
    hang_up(&link);
    check(!dial(&link, NULL, NULL, "+VERS-TLS1.3"));
    hang_up(&link);
    tls_destroy(tls);
}

static void test_tls_speaks_only_what_is_strong(void **state)
{
    static const struct {
        const char *priorities;
        bool works;
    } rows[] = {
        { "+VERS-TLS1.3", true },
        { "+VERS-TLS1.2", true },
        { "+VERS-TLS1.1", false },
        { "+VERS-TLS1.0", false },
        { "+VERS-TLS1.2:-AEAD", false },
        { "+VERS-TLS1.2:-CIPHER-ALL:+AES-256-CBC", false },
        { "+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM", false },
        { "+VERS-TLS1.2:-KX-ALL:+RSA", false },
        { "+VERS-TLS1.2:-KX-ALL:+DHE-RSA", false },
        { "+VERS-TLS1.2:-SIGN-ALL:+SIGN-ECDSA-SHA1", false },
        { "+VERS-TLS1.2:-SIGN-ALL:+SIGN-ECDSA-SHA256", true },
        { "+VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP192R1:+GROUP-FFDHE2048", false },
        { "+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519", true },
    };
    struct tls *tls = make(TLS_CLIENTS_NONE);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct link link;
        const bool works = dial(&link, tls, NULL, rows[i].priorities);
        if (works != rows[i].works) {
            fail_msg("%s: %s", rows[i].priorities, works ? "was spoken" : "was not spoken");
        }
        hang_up(&link);
    }
    tls_destroy(tls);
}

static void test_tls_judges_certificates_of_clients(void **state)
{
    static const struct {
        const char *what;
        struct certs_spec spec;
        int issuer;        /* 0: the listener's authority, 1: another one of the same name, 2: itself, 3: a client */
        const char *token; /* NULL: it is refused with these words */
        const char *words;
    } rows[] = {
        { "valid", { .name = "client" }, 0, ONE, NULL },
        { "valid without a line", { .name = "nobody" }, 0, "", NULL },
        { "two names", { .name = "client", .second_name = "server" }, 0, "", NULL },
        { "wrong authority", { .name = "client" }, 1, NULL, "must be signed by an authority" },
        { "self-signed", { .name = "client" }, 2, NULL, "must be signed by an authority" },
        { "signed by a client", { .name = "client" }, 3, NULL, "must be signed by an authority" },
        { "expired", { .name = "client", .from = -10, .until = -1 }, 0, NULL, "has expired" },
        { "not yet valid", { .name = "client", .from = 1, .until = 10 }, 0, NULL, "is not valid yet" },
        { "of a server", { .name = "client", .for_servers = true }, 0, NULL, "client authentication" },
        { "short key", { .name = "client", .short_key = true }, 0, NULL, "stronger" },
        { "SHA-1", { .name = "client", .sha1 = true }, 0, NULL, "stronger" },
    };

    static const char *const versions[] = { "+VERS-TLS1.2", "+VERS-TLS1.3" };
    struct certs_pair client = certs_make(&(struct certs_spec){ .name = "between" }, &authority);
    const struct certs_pair *issuers[] = { &authority, &other_authority, NULL, &client };
    for (size_t i = 0; i < COUNT_OF(rows) * 4; i++) {
        const size_t row = i / 4;
        struct tls *tls = make(i % 2 == 0 ? TLS_CLIENTS_REQUEST : TLS_CLIENTS_REQUIRE);
        struct certs_pair pair = certs_make(&rows[row].spec, issuers[rows[row].issuer]);
        struct link link;
        char token[ID_SIZE] = "untouched";
        struct why why = { 0 };
        check(dial(&link, tls, &pair, versions[i / 2 % 2]));
        for (int again = 0; again < 2; again++) {
            const enum rc rc = tls_identify(&link.peer, link.server, token, &why);
            const bool right = rows[row].token != NULL
                                   ? rc == RC_OK && strcmp(token, rows[row].token) == 0
                                   : rc == RC_DENIED && strstr(why.text, rows[row].words) != NULL && strcmp(token, "untouched") == 0;
            if (!right) {
                fail_msg("%s, %zu: %s, token %s, %s: %s", rows[row].what, i, rc_name(rc), token, why.path, why.text);
            }
        }
        hang_up(&link);
        certs_free(&pair);
        tls_destroy(tls);
    }
    certs_free(&client);
}

static void test_tls_asks_for_a_certificate_as_configured(void **state)
{
    static const enum tls_clients modes[] = { TLS_CLIENTS_NONE, TLS_CLIENTS_REQUEST, TLS_CLIENTS_REQUIRE };
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &authority);
    for (size_t i = 0; i < COUNT_OF(modes) * 2; i++) {
        const enum tls_clients mode = modes[i / 2];
        struct tls *tls = make(mode);
        struct link link;
        char token[ID_SIZE];
        struct why why = { 0 };
        check(dial(&link, tls, NULL, i % 2 == 0 ? "+VERS-TLS1.2" : "+VERS-TLS1.3"));
        check_rc(tls_identify(&link.peer, link.server, token, &why), mode == TLS_CLIENTS_REQUIRE ? RC_DENIED : RC_OK);
        if (mode == TLS_CLIENTS_REQUIRE) {
            check_text(why.path, TLS_CLIENT_PATH);
            check_contains(why.text, "must be sent");
        }
        hang_up(&link);
        check(dial(&link, tls, &pair, i % 2 == 0 ? "+VERS-TLS1.2" : "+VERS-TLS1.3"));
        check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
        check_text(token, mode == TLS_CLIENTS_NONE ? "" : ONE);
        hang_up(&link);
        tls_destroy(tls);
    }
    certs_free(&pair);
}

static void get_hex(const struct certs_pair *pair, char ret[DIGEST_HEX_SIZE])
{
    gnutls_datum_t der;
    check(gnutls_x509_crt_export2(pair->certificate, GNUTLS_X509_FMT_DER, &der) == 0);
    check_rc(digest_sha256_hex(der.data, der.size, ret), RC_OK);
    gnutls_free(der.data);
}

static void reload(struct tls *tls)
{
    struct why why = { 0 };
    check_ok(tls_reload(&tls, 1, &why), &why);
}

/* The same connection throughout: what the files say holds from its next request on. */
static void test_tls_maps_by_the_most_exact_line_and_reads_it_again(void **state)
{
    struct tls *tls = make(TLS_CLIENTS_REQUIRE);
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client", .uri = "spiffe://shop/web" }, &authority);
    struct link link;
    char token[ID_SIZE], hex[DIGEST_HEX_SIZE], text[300];
    struct why why = { 0 };
    check(dial(&link, tls, &pair, "+VERS-TLS1.3"));
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, ONE);
    write_text("tokens", "name:client " ONE "\nuri:spiffe://shop/web " TWO "\n");
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, ONE);
    reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, TWO);
    get_hex(&pair, hex);
    (void)snprintf(text, sizeof(text), "uri:spiffe://shop/web " TWO "\nsha256:%s " ONE "\n", hex);
    write_text("tokens", text);
    reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, ONE);
    write_text("tokens", "");
    reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, "");
    certs_write(&other_authority, in_folder("ca.pem"), NULL);
    reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_DENIED);
    hang_up(&link);
    certs_free(&pair);
    tls_destroy(tls);
}

static void test_tls_refuses_a_certificate_that_expires_on_the_way(void **state)
{
    struct tls *tls = make(TLS_CLIENTS_REQUIRE);
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &authority);
    struct link link;
    char token[ID_SIZE];
    struct why why = { 0 };
    check(dial(&link, tls, &pair, "+VERS-TLS1.3"));
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    link.peer.until = wall_seconds() - 1; /* GnuTLS has a clock of its own: so it is looked at again, and found good */
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check(link.peer.until > wall_seconds());
    check_int(link.peer.until, gnutls_x509_crt_get_expiration_time(pair.certificate));
    hang_up(&link);
    certs_free(&pair);
    tls_destroy(tls);
}

static void test_tls_frees_old_credentials_with_their_last_connection(void **state)
{
    struct tls *tls = make(TLS_CLIENTS_NONE);
    struct link links[3];
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        check(dial(&links[i], tls, NULL, "+VERS-TLS1.3"));
        check_int(tls_live(tls), i + 1);
        reload(tls);
        check_int(tls_live(tls), i + 2);
        reload(tls); /* nobody holds the one between */
        check_int(tls_live(tls), i + 2);
    }
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        char bytes[5];
        check(gnutls_record_send(links[i].server, "hello", 5) == 5); /* an old certificate's connection goes on */
        check(gnutls_record_recv(links[i].client, bytes, sizeof(bytes)) == 5);
        hang_up(&links[i]);
        check_int(tls_live(tls), 3 - (int)i);
    }
    tls_destroy(tls);
}

static bool in_pieces;

/* While in_pieces, a network that cuts records anywhere, and brings the pieces one by one. */
static ssize_t push_some(gnutls_transport_ptr_t arg, const void *bytes, size_t n)
{
    static bool waits;
    waits = !waits;
    if (in_pieces && waits) {
        errno = EAGAIN;
        return -1;
    }
    return send((int)(intptr_t)arg, bytes, in_pieces && n > 701 ? 701 : n, MSG_NOSIGNAL);
}

/* Bytes from the client to the server, through both sessions. */
static bool tell(struct link *link, size_t size)
{
    static char bytes[1000000], got[100000];
    size_t sent = 0, come = 0;
    gnutls_transport_set_push_function(link->client, push_some);
    in_pieces = true;
    while (come < size) {
        const ssize_t out = sent < size ? gnutls_record_send(link->client, bytes, size - sent) : 0;
        sent += out > 0 ? (size_t)out : 0;
        const ssize_t in = gnutls_record_recv(link->server, got, sizeof(got));
        if ((out < 0 && out != GNUTLS_E_AGAIN) || (in <= 0 && in != GNUTLS_E_AGAIN)) {
            return false;
        }
        come += in > 0 ? (size_t)in : 0;
    }
    in_pieces = false;
    return true;
}

static void test_tls_cuts_off_whoever_renegotiates(void **state)
{
    struct tls *tls = make(TLS_CLIENTS_REQUEST);
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &authority);
    for (int row = 0; row < 4; row++) { /* with a certificate or without; at once, or after some data */
        struct link link;
        char byte;
        check(dial(&link, tls, row % 2 == 0 ? &pair : NULL, "+VERS-TLS1.2"));
        check(row < 2 || tell(&link, 1000000));
        check_int(gnutls_handshake(link.client), GNUTLS_E_AGAIN);
        check_int(gnutls_record_recv(link.server, &byte, 1), GNUTLS_E_PULL_ERROR);
        check(gnutls_bye(link.server, GNUTLS_SHUT_WR) != 0);
        check_int(recv(link.fds[0], &byte, 1, 0), 0);
        hang_up(&link);
    }
    certs_free(&pair);
    tls_destroy(tls);
}

/* New keys in mid-connection, which TLS 1.3 has in the place of renegotiation; and a second hello of the client. */
static void test_tls_takes_new_keys(void **state)
{
    struct tls *tls = make(TLS_CLIENTS_REQUEST);
    struct link link;
    check(dial(&link, tls, NULL, "+VERS-TLS1.3"));
    for (int i = 0; i < 5; i++) {
        check(tell(&link, 50000));
        check_int(gnutls_session_key_update(link.client, GNUTLS_KU_PEER), 0);
    }
    hang_up(&link);
    check(dial(&link, tls, NULL, "+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE2048:+GROUP-SECP384R1"));
    check(tell(&link, 50000));
    hang_up(&link);
    tls_destroy(tls);
}

static void test_tls_reload_is_all_or_nothing(void **state)
{
    write_text("more-tokens", "name:client " ONE "\n");
    struct tls *both[] = { make(TLS_CLIENTS_REQUEST), make_with(TLS_CLIENTS_REQUEST, "more-tokens") };
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &authority);
    struct certs_pair fresh = certs_make(&(struct certs_spec){ .name = "fresh", .for_servers = true, .from = -1, .until = 90 }, NULL);
    struct why why = { 0 };
    struct link link;
    char token[ID_SIZE];
    certs_write(&fresh, in_folder("server.pem"), NULL); /* the key is the old one's */
    check_rc(tls_reload(both, 2, &why), RC_INVALID);
    check_text(why.path, "listener edge.key");
    check_contains(why.text, "must belong to the certificate");
    certs_write(&fresh, in_folder("server.pem"), in_folder("server.key"));
    write_text("tokens", "name:client " TWO "\n");
    write_text("more-tokens", "name:client " TWO "\nwhat\n");
    check_rc(tls_reload(both, 2, &why), RC_INVALID); /* the first one's files are good now */
    check_contains(why.path, "more-tokens:2");
    for (size_t i = 0; i < 2; i++) {
        check(dial(&link, both[i], &pair, "+VERS-TLS1.3"));
        unsigned int count = 0;
        const gnutls_datum_t *chain = gnutls_certificate_get_peers(link.client, &count);
        gnutls_datum_t der;
        check(gnutls_x509_crt_export2(server.certificate, GNUTLS_X509_FMT_DER, &der) == 0);
        check(count == 1 && chain[0].size == der.size && memcmp(chain[0].data, der.data, der.size) == 0);
        gnutls_free(der.data);
        check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
        check_text(token, ONE);
        hang_up(&link);
        check_int(tls_live(both[i]), 1);
    }
    tls_destroy(both[0]);
    tls_destroy(both[1]);
    certs_free(&pair);
    certs_free(&fresh);
}

static void test_tls_says_what_is_wrong_with_its_files(void **state)
{
    write_text("empty", "");
    write_text("text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    write_text("broken-tokens", "who\n");
    certs_write(&server, in_folder("copy.pem"), in_folder("open.key"));
    check(chmod(in_folder("open.key"), 0604) == 0);

    static const struct {
        const char *certificate, *key, *ca, *tokens;
        enum tls_clients clients;
        enum rc rc;
        const char *path, *words;
    } rows[] = {
        { "server.pem", "", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener edge", "both or not at all" },
        { "none.pem", "server.key", "", "", TLS_CLIENTS_NONE, RC_IO, "tls", "cannot open" },
        { "server.pem", "none.key", "", "", TLS_CLIENTS_NONE, RC_IO, "tls", "cannot open" },
        { "server.pem", "open.key", "", "", TLS_CLIENTS_NONE, RC_DENIED, "tls", "chmod o-rwx" },
        { "empty", "server.key", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener edge.certificate", "1 to 16 certificates" },
        { "text", "server.key", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener edge.certificate", "1 to 16 certificates" },
        { "server.key", "server.key", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener edge.certificate", "PEM file" },
        { "server.pem", "server.pem", "", "", TLS_CLIENTS_NONE, RC_DENIED, "tls", "chmod" },
        { "server.pem", "server.key", "", "", TLS_CLIENTS_REQUIRE, RC_INVALID, "listener edge.client_certificates", "needs client_ca" },
        { "server.pem", "server.key", "ca.pem", "", TLS_CLIENTS_NONE, RC_INVALID, "listener edge.client_certificates", "request or require" },
        { "server.pem", "server.key", "", "tokens", TLS_CLIENTS_NONE, RC_INVALID, "listener edge.client_certificates", "request or require" },
        { "server.pem", "server.key", "empty", "", TLS_CLIENTS_REQUEST, RC_INVALID, "listener edge.client_ca", "1 to 64" },
        { "server.pem", "server.key", "server.pem", "", TLS_CLIENTS_REQUEST, RC_INVALID, "listener edge.client_ca", "authorities only" },
        { "server.pem", "server.key", "ca.pem", "broken-tokens", TLS_CLIENTS_REQUEST, RC_INVALID, "broken-tokens:1", "must begin with" },
        { "server.pem", "server.key", "ca.pem", "none", TLS_CLIENTS_REQUEST, RC_IO, "tls", "cannot open" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct tls_files files = {
            .section = "listener edge",
            .state = folder,
            .certificate = in_folder(rows[i].certificate),
            .key = rows[i].key[0] != '\0' ? in_folder(rows[i].key) : "",
            .client_ca = rows[i].ca[0] != '\0' ? in_folder(rows[i].ca) : "",
            .client_tokens = rows[i].tokens[0] != '\0' ? in_folder(rows[i].tokens) : "",
            .clients = rows[i].clients,
        };
        struct tls *tls = NULL;
        struct why why = { 0 };
        const enum rc rc = tls_create(&files, &tls, &why);
        if (rc != rows[i].rc || strstr(why.path, rows[i].path) == NULL || strstr(why.text, rows[i].words) == NULL) {
            fail_msg("row %zu gave %s at %s: %s", i, rc_name(rc), why.path, why.text);
        }
        check(tls == NULL);
    }
}

static void test_tls_survives_without_memory(void **state)
{
    const struct tls_files files = { .state = folder,
                                     .certificate = in_folder("server.pem"),
                                     .key = in_folder("server.key"),
                                     .client_ca = in_folder("ca.pem"),
                                     .client_tokens = in_folder("tokens"),
                                     .clients = TLS_CLIENTS_REQUEST };
    enum rc rc = RC_NO_MEMORY;
    for (long n = 1; rc != RC_OK; n++) {
        struct tls *tls = NULL;
        struct why why = { 0 };
        mem_fail_at(n);
        rc = tls_create(&files, &tls, &why);
        mem_fail_at(0);
        check(rc == RC_OK || (rc == RC_NO_MEMORY && tls == NULL));
        tls_destroy(tls);
    }
}

static void write_own(int64_t made)
{
    AUTO(buf) struct buf certificate, key;
    buf_init(&certificate, CERT_PEM_MAX);
    buf_init(&key, CERT_PEM_MAX);
    check_rc(cert_make("host", made, &certificate, &key), RC_OK);
    (void)mkdir(in_folder("tls"), 0700);
    write_text("tls/certificate.pem", certificate.data);
    write_text("tls/key.pem", key.data);
    check(chmod(in_folder("tls/key.pem"), 0600) == 0);
}

static int64_t get_days(void)
{
    char text[CERT_PEM_MAX] = "";
    FILE *file = fopen(in_folder("tls/certificate.pem"), "r");
    check(file != NULL && fread(text, 1, sizeof(text) - 1, file) > 0);
    (void)fclose(file);
    gnutls_x509_crt_t certificate;
    const gnutls_datum_t pem = { (unsigned char *)text, (unsigned int)strlen(text) };
    check(gnutls_x509_crt_init(&certificate) == 0 && gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM) == 0);
    const int64_t days = (gnutls_x509_crt_get_expiration_time(certificate) - wall_seconds()) / 86400;
    gnutls_x509_crt_deinit(certificate);
    return days;
}

static struct tls *make_own(void)
{
    struct tls *tls = NULL;
    struct why why = { 0 };
    check_ok(tls_create(&(struct tls_files){ .state = folder }, &tls, &why), &why);
    return tls;
}

static void test_tls_renews_its_own_certificate_in_time(void **state)
{
    static const struct {
        int64_t age, days;
    } rows[] = { { 0, 824 }, { CERT_DAYS - 31, 30 }, { CERT_DAYS - 29, 824 }, { CERT_DAYS + 10, 824 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        write_own(wall_seconds() - rows[i].age * 86400);
        struct tls *tls = make_own();
        check_int(get_days(), rows[i].days);
        write_own(wall_seconds() - rows[i].age * 86400);
        reload(tls);
        check_int(get_days(), rows[i].days);
        tls_destroy(tls);
        struct stat status;
        check(stat(in_folder("tls/key.pem"), &status) == 0 && (status.st_mode & 0777) == 0600);
        check(access(in_folder("tls/key.pem.new"), F_OK) != 0 && access(in_folder("tls/certificate.pem.new"), F_OK) != 0);
    }
}

static void test_tls_leaves_a_certificate_of_others_alone(void **state)
{
    struct certs_pair old = certs_make(&(struct certs_spec){ .name = "shop", .for_servers = true, .from = -10, .until = 3 }, NULL);
    check(mkdir(in_folder("tls"), 0700) == 0);
    certs_write(&old, in_folder("tls/certificate.pem"), in_folder("tls/key.pem"));
    struct tls *tls = make_own();
    check(get_days() <= 3);
    reload(tls);
    check(get_days() <= 3);
    tls_destroy(tls);
    certs_free(&old);
}

/* What a process that died between the steps of a renewal leaves; every start then has a pair that fits. */
static void test_tls_completes_a_renewal_that_was_cut_off(void **state)
{
    for (int step = 0; step < 4; step++) {
        write_own(wall_seconds() - 500 * (int64_t)86400);
        check(rename(in_folder("tls/certificate.pem"), in_folder("old")) == 0 && rename(in_folder("tls/key.pem"), in_folder("old.key")) == 0);
        write_own(wall_seconds());
        check(rename(in_folder("tls/certificate.pem"), in_folder("tls/certificate.pem.new")) == 0);
        check(rename(in_folder("tls/key.pem"), in_folder("tls/key.pem.new")) == 0);
        check(rename(in_folder("old"), in_folder("tls/certificate.pem")) == 0 && rename(in_folder("old.key"), in_folder("tls/key.pem")) == 0);
        if (step == 0) { /* before the second file was made */
            check(unlink(in_folder("tls/certificate.pem.new")) == 0);
        }
        if (step >= 2) {
            check(rename(in_folder("tls/key.pem.new"), in_folder("tls/key.pem")) == 0);
        }
        if (step >= 3) {
            check(rename(in_folder("tls/certificate.pem.new"), in_folder("tls/certificate.pem")) == 0);
        }
        struct tls *tls = make_own();
        check_int(get_days(), step < 2 ? CERT_DAYS - 501 : CERT_DAYS - 1);
        check(access(in_folder("tls/key.pem.new"), F_OK) != 0 && access(in_folder("tls/certificate.pem.new"), F_OK) != 0);
        tls_destroy(tls);
    }
}

#define CASE(function) CHECK_WITH(function, setup, teardown)

CHECK_MAIN("server/tls", CASE(test_tls_shows_its_certificate_and_nothing_unprepared), CASE(test_tls_speaks_only_what_is_strong),
           CASE(test_tls_judges_certificates_of_clients), CASE(test_tls_asks_for_a_certificate_as_configured),
           CASE(test_tls_maps_by_the_most_exact_line_and_reads_it_again), CASE(test_tls_refuses_a_certificate_that_expires_on_the_way),
           CASE(test_tls_frees_old_credentials_with_their_last_connection), CASE(test_tls_cuts_off_whoever_renegotiates),
           CASE(test_tls_takes_new_keys), CASE(test_tls_reload_is_all_or_nothing),
           CASE(test_tls_says_what_is_wrong_with_its_files), CASE(test_tls_survives_without_memory),
           CASE(test_tls_renews_its_own_certificate_in_time), CASE(test_tls_leaves_a_certificate_of_others_alone),
           CASE(test_tls_completes_a_renewal_that_was_cut_off))
