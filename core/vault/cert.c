/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/cert.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define HOST_MAX      253 /* characters of a DNS name, RFC 1035 */
#define SERIAL_BITS   159 /* positive and 20 bytes at most, RFC 5280 section 4.1.2.2 */
#define DAY_SECONDS   86400
#define EARLY_SECONDS 3600 /* clocks of clients may be behind ours */

/* "localhost" is in the certificate anyway, and a name that OpenSSL's text form would read as syntax stays out. */
static bool is_host(const char *host)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    if (host == NULL || host[0] == '\0' || strlen(host) > HOST_MAX || strcmp(host, "localhost") == 0) {
        return false;
    }
    return strspn(host, letters) == strlen(host) && host[0] != '.' && host[0] != '-';
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    const bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool add_extensions(X509 *cert, const char *host)
{
    char names[HOST_MAX + 64];
    const bool named = is_host(host);
    (void)snprintf(names, sizeof(names), "DNS:localhost,IP:127.0.0.1,IP:::1%s%s", named ? ",DNS:" : "", named ? host : "");
    return add_extension(cert, NID_subject_alt_name, names) &&
           add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, NID_ext_key_usage, "serverAuth") &&
           add_extension(cert, NID_subject_key_identifier, "hash") &&
           add_extension(cert, NID_authority_key_identifier, "keyid:always");
}

static bool set_serial(X509 *cert)
{
    BIGNUM *serial = BN_new();
    const bool ok = serial != NULL && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;
    BN_free(serial);
    return ok;
}

static bool set_times(X509 *cert, int64_t now)
{
    time_t from = (time_t)now - EARLY_SECONDS;
    return X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &from) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), CERT_DAYS, 0, &from) != NULL;
}

/* Subject and issuer are the same: that is what self-signed means. */
static bool set_names(X509 *cert)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)CERT_NAME, -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1;
}

static X509 *sign(EVP_PKEY *key, const char *host, int64_t now)
{
    X509 *cert = X509_new();
    if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) && set_times(cert, now) &&
        set_names(cert) && X509_set_pubkey(cert, key) == 1 && add_extensions(cert, host) &&
        X509_sign(cert, key, EVP_sha256()) > 0) {
        return cert;
    }
    X509_free(cert);
    return NULL;
}

/* Takes what a memory BIO holds. */
static enum rc copy(BIO *bio, struct buf *out)
{
    char *text;
    const long n = BIO_get_mem_data(bio, &text);
    return n <= 0 ? RC_INTERNAL : buf_append(out, text, (size_t)n);
}

static enum rc write_both(X509 *cert, EVP_PKEY *key, struct buf *ret_certificate, struct buf *ret_key)
{
    BIO *public = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    enum rc rc = RC_INTERNAL;
    if (public != NULL && secret != NULL && PEM_write_bio_X509(public, cert) == 1 &&
        PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1) {
        rc = copy(public, ret_certificate);
        rc = rc == RC_OK ? copy(secret, ret_key) : rc;
    }
    BIO_free(public);
    BIO_free(secret);
    return rc;
}

enum rc cert_make(const char *host, int64_t now, struct buf *ret_certificate, struct buf *ret_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key == NULL ? NULL : sign(key, host, now);
    const enum rc rc = cert == NULL ? RC_INTERNAL : write_both(cert, key, ret_certificate, ret_key);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return rc;
}
