/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_credential.h"

#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/tls_file.h"

#define DAY_SECONDS 86400

enum rc tls_paths_fail(const struct tls_paths *paths, const char *key, enum rc rc, struct why *why, const char *words)
{
    (void)why_fail(why, rc, key, "%s", words);
    return why_under(why, rc, "%s", paths->section);
}

/* The certificates of a PEM file; freed as one. */
struct crts {
    gnutls_x509_crt_t *items;
    unsigned int count;
};

static void crts_finish(struct crts *crts)
{
    for (unsigned int i = 0; i < crts->count; i++) {
        gnutls_x509_crt_deinit(crts->items[i]);
    }
    gnutls_free(crts->items);
}
DEFINE_AUTO(crts)

static enum rc read_crts(const struct tls_paths *paths, const char *key, const char *path, unsigned int max,
                         struct crts *out, struct why *why)
{
    char words[TLS_WORDS_MAX];
    AUTO(buf) struct buf text;
    buf_init(&text, TLS_FILE_MAX);
    const enum rc rc = tls_file_read(path, false, &text, why);
    if (rc != RC_OK) {
        return rc;
    }
    const gnutls_datum_t pem = { (unsigned char *)text.data, (unsigned int)text.len };
    const int got = gnutls_x509_crt_list_import2(&out->items, &out->count, &pem, GNUTLS_X509_FMT_PEM, 0);
    if (got != 0) {
        *out = (struct crts){ NULL, 0 };
    }
    if (got == GNUTLS_E_MEMORY_ERROR) {
        return RC_NO_MEMORY;
    }
    if (out->count == 0 || out->count > max) {
        (void)snprintf(words, sizeof(words), "must be a PEM file with 1 to %u certificates", max);
        return tls_paths_fail(paths, key, RC_INVALID, why, words);
    }
    return RC_OK;
}

/* A line for whoever has to bring a new one. */
static void warn_of_end(const struct tls_paths *paths, const struct crts *chain)
{
    const int64_t left = (int64_t)gnutls_x509_crt_get_expiration_time(chain->items[0]) - wall_seconds();
    if (left < TLS_WARN_DAYS * (int64_t)DAY_SECONDS) {
        log_warn("certificate_ends", "section=%s file=%s days=%lld why=%s", log_quote(paths->section).text, log_quote(paths->certificate).text,
                 (long long)(left / DAY_SECONDS), log_quote(left < 0 ? "clients refuse it: it has expired" : "clients will refuse it then").text);
    }
}

static enum rc read_key(const struct tls_paths *paths, gnutls_x509_privkey_t key, struct why *why)
{
    AUTO(buf) struct buf text;
    buf_init(&text, TLS_FILE_MAX);
    enum rc rc = tls_file_read(paths->key, true, &text, why);
    const gnutls_datum_t pem = { (unsigned char *)text.data, (unsigned int)text.len };
    if (rc == RC_OK && (text.len == 0 || gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) != 0)) {
        rc = tls_paths_fail(paths, "key", RC_INVALID, why, "must be a PEM file with a private key that has no password");
    }
    tls_file_wipe(&text);
    return rc;
}

static enum rc read_pair(const struct tls_paths *paths, struct tls_credential *it, struct why *why)
{
    AUTO(crts) struct crts chain = { NULL, 0 };
    gnutls_x509_privkey_t key = NULL;
    enum rc rc = read_crts(paths, "certificate", paths->certificate, TLS_CHAIN_MAX, &chain, why);
    if (rc != RC_OK || gnutls_x509_privkey_init(&key) != 0) {
        return rc != RC_OK ? rc : RC_NO_MEMORY;
    }
    rc = read_key(paths, key, why);
    if (rc == RC_OK && gnutls_certificate_set_x509_key(it->gnutls, chain.items, (int)chain.count, key) < 0) {
        rc = tls_paths_fail(paths, "key", RC_INVALID, why, "must belong to the certificate");
    }
    gnutls_x509_privkey_deinit(key);
    if (rc == RC_OK) {
        warn_of_end(paths, &chain);
    }
    return rc;
}

static enum rc read_authorities(const struct tls_paths *paths, struct tls_credential *it, struct why *why)
{
    AUTO(crts) struct crts crts = { NULL, 0 };
    if (paths->clients == TLS_CLIENTS_NONE) {
        return RC_OK;
    }
    const enum rc rc = read_crts(paths, "client_ca", paths->client_ca, TLS_AUTHORITIES_MAX, &crts, why);
    for (unsigned int i = 0; rc == RC_OK && i < crts.count; i++) {
        if (gnutls_x509_crt_get_ca_status(crts.items[i], NULL) <= 0) {
            return tls_paths_fail(paths, "client_ca", RC_INVALID, why, "must hold certificates of authorities only (basic constraint CA)");
        }
    }
    if (rc == RC_OK && gnutls_certificate_set_x509_trust(it->gnutls, crts.items, (int)crts.count) < 0) {
        return RC_NO_MEMORY;
    }
    return rc;
}

static enum rc read_map(const struct tls_paths *paths, struct tls_credential *it, struct why *why)
{
    AUTO(buf) struct buf text;
    buf_init(&text, CLIENT_MAP_BYTES_MAX);
    if (paths->client_tokens[0] == '\0') {
        return RC_OK;
    }
    const enum rc rc = tls_file_read(paths->client_tokens, false, &text, why);
    return rc != RC_OK ? rc : client_map_read(text.data, text.len, paths->client_tokens, &it->map, why);
}

enum rc tls_credential_read(const struct tls_paths *paths, struct tls_credential **ret, struct why *why)
{
    AUTO_PTR(tls_credential) struct tls_credential *it = mem_alloc(sizeof(*it));
    if (it == NULL || gnutls_certificate_allocate_credentials(&it->gnutls) != 0) {
        return RC_NO_MEMORY;
    }
    enum rc rc = read_pair(paths, it, why);
    rc = rc != RC_OK ? rc : read_authorities(paths, it, why);
    rc = rc != RC_OK ? rc : read_map(paths, it, why);
    if (rc == RC_OK) {
        *ret = TAKE(it);
    }
    return rc;
}

void tls_credential_destroy(struct tls_credential *it)
{
    if (it != NULL) {
        if (it->gnutls != NULL) {
            gnutls_certificate_free_credentials(it->gnutls);
        }
        client_map_destroy(it->map);
        mem_free(it);
    }
}
