/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_cert.h"

#include <stdint.h>
#include <string.h>

#include "core/base/str.h"
#include "core/vault/digest.h"

/* No less than 112 bits: RSA of 2048, and no SHA-1. */
#define FLAGS GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM)

struct chain {
    gnutls_x509_crt_t items[CLIENT_CERT_CHAIN_MAX];
    unsigned int count;
};

static void chain_finish(struct chain *chain)
{
    for (unsigned int i = 0; i < chain->count; i++) {
        gnutls_x509_crt_deinit(chain->items[i]);
    }
}
DEFINE_AUTO(chain)

static enum rc import(struct chain *chain, const gnutls_datum_t *raw, unsigned int count, struct why *why)
{
    if (count == 0 || count > CLIENT_CERT_CHAIN_MAX) {
        return why_fail(why, RC_DENIED, NULL, "must come with at most %d certificates of its chain, got %u", CLIENT_CERT_CHAIN_MAX, count);
    }
    for (unsigned int i = 0; i < count; i++) {
        if (gnutls_x509_crt_init(&chain->items[i]) != 0) {
            return RC_NO_MEMORY;
        }
        chain->count++;
        if (gnutls_x509_crt_import(chain->items[i], &raw[i], GNUTLS_X509_FMT_DER) != 0) {
            return why_fail(why, RC_DENIED, NULL, "cannot be read");
        }
    }
    return RC_OK;
}

/* The first that applies is said; any other bit refuses as well. */
static const struct {
    unsigned int bit;
    const char *words;
} faults[] = {
    { GNUTLS_CERT_SIGNER_NOT_FOUND, "must be signed by an authority that this listener knows" },
    { GNUTLS_CERT_SIGNATURE_FAILURE, "must be signed by an authority that this listener knows" }, /* another one of the same name */
    { GNUTLS_CERT_SIGNER_NOT_CA, "must be signed by an authority, not by another certificate" },
    { GNUTLS_CERT_EXPIRED, "has expired" },
    { GNUTLS_CERT_NOT_ACTIVATED, "is not valid yet" },
    { GNUTLS_CERT_PURPOSE_MISMATCH, "must be made for client authentication" },
    { GNUTLS_CERT_INSECURE_ALGORITHM, "must have a stronger key or signature" },
    { UINT32_MAX, "could not be verified" },
};

static enum rc verify(const struct client_rules *rules, struct chain *chain, struct why *why)
{
    gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
    unsigned int status = UINT32_MAX;
    if (gnutls_x509_trust_list_verify_crt2(rules->authorities, chain->items, chain->count, &purpose, 1, FLAGS, &status, NULL) != 0) {
        return why_fail(why, RC_DENIED, NULL, "%s", faults[COUNT_OF(faults) - 1].words);
    }
    for (size_t i = 0; status != 0 && i < COUNT_OF(faults); i++) {
        if ((status & faults[i].bit) != 0) {
            return why_fail(why, RC_DENIED, NULL, "%s", faults[i].words);
        }
    }
    return RC_OK;
}

static int64_t get_end(const struct chain *chain)
{
    int64_t end = INT64_MAX;
    for (unsigned int i = 0; i < chain->count; i++) {
        const time_t one = gnutls_x509_crt_get_expiration_time(chain->items[i]);
        end = one < end ? one : end; /* -1, which it cannot tell, is over at once */
    }
    return end;
}

static const char *find_uri(const struct client_map *map, gnutls_x509_crt_t certificate)
{
    char text[CLIENT_MAP_VALUE_MAX + 1];
    const char *token = NULL;
    for (unsigned int i = 0; token == NULL && i < CLIENT_CERT_URIS_MAX; i++) {
        size_t n = sizeof(text) - 1;
        const int kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, text, &n, NULL);
        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        if (kind == GNUTLS_SAN_URI && n < sizeof(text)) {
            text[n] = '\0';
            token = strlen(text) == n ? client_map_find(map, CLIENT_MAP_URI, text) : NULL;
        }
    }
    return token;
}

/* The common name with this number; 0 or an error of GnuTLS's. */
static int get_name(gnutls_x509_crt_t certificate, unsigned int index, char *out, size_t *n)
{
    return gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, index, 0, out, n);
}

/* A subject with two common names says neither. */
static const char *find_name(const struct client_map *map, gnutls_x509_crt_t certificate)
{
    char text[CLIENT_MAP_VALUE_MAX + 1], second[1];
    size_t n = sizeof(text) - 1, second_n = sizeof(second);
    if (get_name(certificate, 0, text, &n) != 0 || n >= sizeof(text) ||
        get_name(certificate, 1, second, &second_n) != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
        return NULL;
    }
    text[n] = '\0';
    return strlen(text) == n ? client_map_find(map, CLIENT_MAP_NAME, text) : NULL;
}

static enum rc find_token(const struct client_rules *rules, gnutls_x509_crt_t certificate, const gnutls_datum_t *raw, char ret[ID_SIZE])
{
    char sha256[DIGEST_HEX_SIZE];
    const enum rc rc = digest_sha256_hex(raw->data, raw->size, sha256);
    if (rc != RC_OK) {
        return rc;
    }
    const char *token = client_map_find(rules->map, CLIENT_MAP_SHA256, sha256);
    token = token != NULL ? token : find_uri(rules->map, certificate);
    token = token != NULL ? token : find_name(rules->map, certificate);
    (void)str_copy(ret, ID_SIZE, token != NULL ? token : ""); /* the map holds ids only, so it fits */
    return RC_OK;
}

enum rc client_cert_check(const struct client_rules *rules, const gnutls_datum_t *raw, unsigned int count,
                          struct client_cert *ret, struct why *why)
{
    AUTO(chain) struct chain chain = { .count = 0 };
    struct client_cert out = { .until = 0 };
    enum rc rc = import(&chain, raw, count, why);
    rc = rc != RC_OK ? rc : verify(rules, &chain, why);
    rc = rc != RC_OK ? rc : find_token(rules, chain.items[0], &raw[0], out.token);
    if (rc == RC_OK) {
        out.until = get_end(&chain);
        *ret = out;
    }
    return rc;
}
