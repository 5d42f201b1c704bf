/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "tests/check.h"
#include "tests/server/handshake.h"

/* Whole handshakes with a session that tls_open() prepared. */

static void test_tls_shows_its_certificate_and_nothing_unprepared(void **state)
{
    struct tls *tls = handshake_tls(TLS_CLIENTS_NONE);
    struct link link;
    char token[ID_SIZE] = "x";
    struct why why = { 0 };
    check(link_start(&link, tls, NULL, "+VERS-TLS1.3"));
    gnutls_datum_t der;
    unsigned int count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(link.client, &count);
    check(gnutls_x509_crt_export2(handshake_server.certificate, GNUTLS_X509_FMT_DER, &der) == 0);
    check(count == 1 && chain[0].size == der.size && memcmp(chain[0].data, der.data, der.size) == 0);
    gnutls_free(der.data);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, "");
    link_end(&link);
    check(!link_start(&link, NULL, NULL, "+VERS-TLS1.3"));
    link_end(&link);
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
    struct tls *tls = handshake_tls(TLS_CLIENTS_NONE);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct link link;
        const bool works = link_start(&link, tls, NULL, rows[i].priorities);
        if (works != rows[i].works) {
            fail_msg("%s: %s", rows[i].priorities, works ? "was spoken" : "was not spoken");
        }
        link_end(&link);
    }
    tls_destroy(tls);
}

static void test_tls_frees_old_credentials_with_their_last_connection(void **state)
{
    struct tls *tls = handshake_tls(TLS_CLIENTS_NONE);
    struct link links[3];
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        check(link_start(&links[i], tls, NULL, "+VERS-TLS1.3"));
        check_int(tls_live(tls), i + 1);
        handshake_reload(tls);
        check_int(tls_live(tls), i + 2);
        handshake_reload(tls); /* nobody holds the one between */
        check_int(tls_live(tls), i + 2);
    }
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        char bytes[5];
        check(gnutls_record_send(links[i].server, "hello", 5) == 5); /* an old certificate's connection goes on */
        check(gnutls_record_recv(links[i].client, bytes, sizeof(bytes)) == 5);
        link_end(&links[i]);
        check_int(tls_live(tls), 3 - (int)i);
    }
    tls_destroy(tls);
}

static void test_tls_cuts_off_whoever_renegotiates(void **state)
{
    struct tls *tls = handshake_tls(TLS_CLIENTS_REQUEST);
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &handshake_authority);
    for (int row = 0; row < 4; row++) { /* with a certificate or without; at once, or after some data */
        struct link link;
        char byte;
        check(link_start(&link, tls, row % 2 == 0 ? &pair : NULL, "+VERS-TLS1.2"));
        check(row < 2 || link_tell(&link, 1000000));
        check_int(gnutls_handshake(link.client), GNUTLS_E_AGAIN);
        check_int(gnutls_record_recv(link.server, &byte, 1), GNUTLS_E_PULL_ERROR);
        check(gnutls_bye(link.server, GNUTLS_SHUT_WR) != 0);
        check_int(recv(link.fds[0], &byte, 1, 0), 0);
        link_end(&link);
    }
    certs_free(&pair);
    tls_destroy(tls);
}

/* New keys in mid-connection, which TLS 1.3 has in the place of renegotiation; and a second hello of the client. */
static void test_tls_takes_new_keys(void **state)
{
    struct tls *tls = handshake_tls(TLS_CLIENTS_REQUEST);
    struct link link;
    check(link_start(&link, tls, NULL, "+VERS-TLS1.3"));
    for (int i = 0; i < 5; i++) {
        check(link_tell(&link, 50000));
        check_int(gnutls_session_key_update(link.client, GNUTLS_KU_PEER), 0);
    }
    link_end(&link);
    check(link_start(&link, tls, NULL, "+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE2048:+GROUP-SECP384R1"));
    check(link_tell(&link, 50000));
    link_end(&link);
    tls_destroy(tls);
}

static void test_tls_reload_is_all_or_nothing(void **state)
{
    handshake_write("more-tokens", "name:client " ONE "\n");
    struct tls *both[] = { handshake_tls(TLS_CLIENTS_REQUEST), handshake_tls_with(TLS_CLIENTS_REQUEST, "more-tokens") };
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &handshake_authority);
    struct certs_pair fresh = certs_make(&(struct certs_spec){ .name = "fresh", .for_servers = true, .from = -1, .until = 90 }, NULL);
    struct why why = { 0 };
    struct link link;
    char token[ID_SIZE];
    certs_write(&fresh, handshake_path("server.pem"), NULL); /* the key is the old one's */
    check_rc(tls_reload(both, 2, &why), RC_INVALID);
    check_text(why.path, "listener.edge.key");
    check_contains(why.text, "must belong to the certificate");
    certs_write(&fresh, handshake_path("server.pem"), handshake_path("server.key"));
    handshake_write("tokens", "name:client " TWO "\n");
    handshake_write("more-tokens", "name:client " TWO "\nwhat\n");
    check_rc(tls_reload(both, 2, &why), RC_INVALID); /* the first one's files are good now */
    check_contains(why.path, "more-tokens:2");
    for (size_t i = 0; i < 2; i++) {
        check(link_start(&link, both[i], &pair, "+VERS-TLS1.3"));
        unsigned int count = 0;
        const gnutls_datum_t *chain = gnutls_certificate_get_peers(link.client, &count);
        gnutls_datum_t der;
        check(gnutls_x509_crt_export2(handshake_server.certificate, GNUTLS_X509_FMT_DER, &der) == 0);
        check(count == 1 && chain[0].size == der.size && memcmp(chain[0].data, der.data, der.size) == 0);
        gnutls_free(der.data);
        check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
        check_text(token, ONE);
        link_end(&link);
        check_int(tls_live(both[i]), 1);
    }
    tls_destroy(both[0]);
    tls_destroy(both[1]);
    certs_free(&pair);
    certs_free(&fresh);
}

static void test_tls_says_what_is_wrong_with_its_files(void **state)
{
    handshake_write("empty", "");
    handshake_write("text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    handshake_write("broken-tokens", "who\n");
    certs_write(&handshake_server, handshake_path("copy.pem"), handshake_path("open.key"));
    check(chmod(handshake_path("open.key"), 0604) == 0);

    static const struct {
        const char *certificate, *key, *ca, *tokens;
        enum tls_clients clients;
        enum rc rc;
        const char *path, *words;
    } rows[] = {
        { "server.pem", "", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener.edge", "both or not at all" },
        { "none.pem", "server.key", "", "", TLS_CLIENTS_NONE, RC_IO, "tls", "cannot open" },
        { "server.pem", "none.key", "", "", TLS_CLIENTS_NONE, RC_IO, "tls", "cannot open" },
        { "server.pem", "open.key", "", "", TLS_CLIENTS_NONE, RC_DENIED, "tls", "chmod o-rwx" },
        { "empty", "server.key", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener.edge.certificate", "1 to 16 certificates" },
        { "text", "server.key", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener.edge.certificate", "1 to 16 certificates" },
        { "server.key", "server.key", "", "", TLS_CLIENTS_NONE, RC_INVALID, "listener.edge.certificate", "PEM file" },
        { "server.pem", "server.pem", "", "", TLS_CLIENTS_NONE, RC_DENIED, "tls", "chmod" },
        { "server.pem", "server.key", "", "", TLS_CLIENTS_REQUIRE, RC_INVALID, "listener.edge.client_certificates", "needs client_ca" },
        { "server.pem", "server.key", "ca.pem", "", TLS_CLIENTS_NONE, RC_INVALID, "listener.edge.client_certificates", "request or require" },
        { "server.pem", "server.key", "", "tokens", TLS_CLIENTS_NONE, RC_INVALID, "listener.edge.client_certificates", "request or require" },
        { "server.pem", "server.key", "empty", "", TLS_CLIENTS_REQUEST, RC_INVALID, "listener.edge.client_ca", "1 to 64" },
        { "server.pem", "server.key", "server.pem", "", TLS_CLIENTS_REQUEST, RC_INVALID, "listener.edge.client_ca", "authorities only" },
        { "server.pem", "server.key", "ca.pem", "broken-tokens", TLS_CLIENTS_REQUEST, RC_INVALID, "broken-tokens:1", "must begin with" },
        { "server.pem", "server.key", "ca.pem", "none", TLS_CLIENTS_REQUEST, RC_IO, "tls", "cannot open" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct tls_files files = {
            .section = "listener.edge",
            .state = handshake_folder,
            .certificate = handshake_path(rows[i].certificate),
            .key = rows[i].key[0] != '\0' ? handshake_path(rows[i].key) : "",
            .client_ca = rows[i].ca[0] != '\0' ? handshake_path(rows[i].ca) : "",
            .client_tokens = rows[i].tokens[0] != '\0' ? handshake_path(rows[i].tokens) : "",
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
    const struct tls_files files = { .state = handshake_folder,
                                     .certificate = handshake_path("server.pem"),
                                     .key = handshake_path("server.key"),
                                     .client_ca = handshake_path("ca.pem"),
                                     .client_tokens = handshake_path("tokens"),
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

#define CASE(function) CHECK_WITH(function, handshake_setup, handshake_teardown)

CHECK_MAIN("server/tls", CASE(test_tls_shows_its_certificate_and_nothing_unprepared),
           CASE(test_tls_speaks_only_what_is_strong),
           CASE(test_tls_frees_old_credentials_with_their_last_connection),
           CASE(test_tls_cuts_off_whoever_renegotiates),
           CASE(test_tls_takes_new_keys),
           CASE(test_tls_reload_is_all_or_nothing),
           CASE(test_tls_says_what_is_wrong_with_its_files),
           CASE(test_tls_survives_without_memory))
