/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_cert.h"

#include "core/base/clock.h"
#include "core/vault/digest.h"
#include "tests/check.h"
#include "tests/server/handshake.h"

/* Certificates that clients show in whole handshakes, and what tls_identify() makes of them. */

static void test_client_cert_judges_certificates_of_clients(void **state)
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
    struct certs_pair other_authority = certs_make(&(struct certs_spec){ .name = "authority", .is_authority = true }, NULL);
    struct certs_pair client = certs_make(&(struct certs_spec){ .name = "between" }, &handshake_authority);
    const struct certs_pair *issuers[] = { &handshake_authority, &other_authority, NULL, &client };
    for (size_t i = 0; i < COUNT_OF(rows) * 4; i++) {
        const size_t row = i / 4;
        struct tls *tls = handshake_tls(i % 2 == 0 ? TLS_CLIENTS_REQUEST : TLS_CLIENTS_REQUIRE);
        struct certs_pair pair = certs_make(&rows[row].spec, issuers[rows[row].issuer]);
        struct link link;
        char token[ID_SIZE] = "untouched";
        struct why why = { 0 };
        check(link_start(&link, tls, &pair, versions[i / 2 % 2]));
        for (int again = 0; again < 2; again++) {
            const enum rc rc = tls_identify(&link.peer, link.server, token, &why);
            const bool right = rows[row].token != NULL
                                   ? rc == RC_OK && strcmp(token, rows[row].token) == 0
                                   : rc == RC_DENIED && strstr(why.text, rows[row].words) != NULL && strcmp(token, "untouched") == 0;
            if (!right) {
                fail_msg("%s, %zu: %s, token %s, %s: %s", rows[row].what, i, rc_name(rc), token, why.path, why.text);
            }
        }
        link_end(&link);
        certs_free(&pair);
        tls_destroy(tls);
    }
    certs_free(&client);
    certs_free(&other_authority);
}

static void test_client_cert_follows_the_chain_of_a_client(void **state)
{
    struct certs_pair between = certs_make(&(struct certs_spec){ .name = "between", .is_authority = true }, &handshake_authority);
    struct certs_pair expired = certs_make(&(struct certs_spec){ .name = "between", .is_authority = true, .from = -9, .until = -1 }, &handshake_authority);
    struct certs_pair client = certs_make(&(struct certs_spec){ .name = "client", .from = -1, .until = 90 }, &between);
    struct certs_pair other = certs_make(&(struct certs_spec){ .name = "client", .from = -1, .until = 90 }, &expired);

    const struct {
        struct shown shown;
        const char *words; /* NULL: it is good */
    } rows[] = {
        { { { &client, &between }, 2 }, NULL },
        { { { &client, &between, &handshake_authority }, 3 }, NULL },
        { { { &client }, 1 }, "must be signed by an authority" },
        { { { &other, &expired }, 2 }, "" },
        { { { &client, &between, &between, &between, &between, &between, &between, &between, &between }, 9 }, "at most 8 certificates" },
    };
    struct tls *tls = handshake_tls(TLS_CLIENTS_REQUIRE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct link link;
        char token[ID_SIZE] = "";
        struct why why = { 0 };
        check(link_start_with(&link, tls, &rows[i].shown, "+VERS-TLS1.3"));
        const enum rc rc = tls_identify(&link.peer, link.server, token, &why);
        if (rc != (rows[i].words == NULL ? RC_OK : RC_DENIED) || (rows[i].words != NULL && strstr(why.text, rows[i].words) == NULL)) {
            fail_msg("row %zu: %s: %s", i, rc_name(rc), why.text);
        }
        if (rc == RC_OK) { /* the chain ends with the first of its certificates */
            check_text(token, ONE);
            check_int(link.peer.until, gnutls_x509_crt_get_expiration_time(between.certificate));
        }
        link_end(&link);
    }
    tls_destroy(tls);
    certs_free(&between);
    certs_free(&expired);
    certs_free(&client);
    certs_free(&other);
}

static void test_client_cert_asks_for_a_certificate_as_configured(void **state)
{
    static const enum tls_clients modes[] = { TLS_CLIENTS_NONE, TLS_CLIENTS_REQUEST, TLS_CLIENTS_REQUIRE };
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &handshake_authority);
    for (size_t i = 0; i < COUNT_OF(modes) * 2; i++) {
        const enum tls_clients mode = modes[i / 2];
        struct tls *tls = handshake_tls(mode);
        struct link link;
        char token[ID_SIZE];
        struct why why = { 0 };
        check(link_start(&link, tls, NULL, i % 2 == 0 ? "+VERS-TLS1.2" : "+VERS-TLS1.3"));
        check_rc(tls_identify(&link.peer, link.server, token, &why), mode == TLS_CLIENTS_REQUIRE ? RC_DENIED : RC_OK);
        if (mode == TLS_CLIENTS_REQUIRE) {
            check_text(why.path, TLS_CLIENT_PATH);
            check_contains(why.text, "must be sent");
        }
        link_end(&link);
        check(link_start(&link, tls, &pair, i % 2 == 0 ? "+VERS-TLS1.2" : "+VERS-TLS1.3"));
        check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
        check_text(token, mode == TLS_CLIENTS_NONE ? "" : ONE);
        link_end(&link);
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

/* The same connection throughout: what the files say holds from its next request on. */
static void test_client_cert_maps_by_the_most_exact_line_and_reads_it_again(void **state)
{
    struct certs_pair other_authority = certs_make(&(struct certs_spec){ .name = "authority", .is_authority = true }, NULL);
    struct tls *tls = handshake_tls(TLS_CLIENTS_REQUIRE);
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client", .uri = "spiffe://shop/web" }, &handshake_authority);
    struct link link;
    char token[ID_SIZE], hex[DIGEST_HEX_SIZE], text[300];
    struct why why = { 0 };
    check(link_start(&link, tls, &pair, "+VERS-TLS1.3"));
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, ONE);
    handshake_write("tokens", "name:client " ONE "\nuri:spiffe://shop/web " TWO "\n");
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, ONE);
    handshake_reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, TWO);
    get_hex(&pair, hex);
    (void)snprintf(text, sizeof(text), "uri:spiffe://shop/web " TWO "\nsha256:%s " ONE "\n", hex);
    handshake_write("tokens", text);
    handshake_reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, ONE);
    handshake_write("tokens", "");
    handshake_reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check_text(token, "");
    certs_write(&other_authority, handshake_path("ca.pem"), NULL);
    handshake_reload(tls);
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_DENIED);
    link_end(&link);
    certs_free(&pair);
    tls_destroy(tls);
    certs_free(&other_authority);
}

static void test_client_cert_refuses_a_certificate_that_expires_on_the_way(void **state)
{
    struct tls *tls = handshake_tls(TLS_CLIENTS_REQUIRE);
    struct certs_pair pair = certs_make(&(struct certs_spec){ .name = "client" }, &handshake_authority);
    struct link link;
    char token[ID_SIZE];
    struct why why = { 0 };
    check(link_start(&link, tls, &pair, "+VERS-TLS1.3"));
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    link.peer.until = wall_seconds() - 1; /* GnuTLS has a clock of its own: so it is looked at again, and found good */
    check_rc(tls_identify(&link.peer, link.server, token, &why), RC_OK);
    check(link.peer.until > wall_seconds());
    check_int(link.peer.until, gnutls_x509_crt_get_expiration_time(pair.certificate));
    link_end(&link);
    certs_free(&pair);
    tls_destroy(tls);
}

#define CASE(function) CHECK_WITH(function, handshake_setup, handshake_teardown)

CHECK_MAIN("server/client_cert", CASE(test_client_cert_judges_certificates_of_clients),
           CASE(test_client_cert_follows_the_chain_of_a_client),
           CASE(test_client_cert_asks_for_a_certificate_as_configured),
           CASE(test_client_cert_maps_by_the_most_exact_line_and_reads_it_again),
           CASE(test_client_cert_refuses_a_certificate_that_expires_on_the_way))
