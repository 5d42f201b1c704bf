/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/cert.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/check.h"

static X509 *read_cert(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return cert;
}

static EVP_PKEY *read_key(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return key;
}

static void test_cert_make_gives_a_certificate_of_its_key(void **state)
{
    AUTO(buf) struct buf cert_pem;
    buf_init(&cert_pem, CERT_PEM_MAX);
    AUTO(buf) struct buf key_pem;
    buf_init(&key_pem, CERT_PEM_MAX);
    check_rc(cert_make("host.example", 1700000000, &cert_pem, &key_pem), RC_OK);

    X509 *cert = read_cert(&cert_pem);
    EVP_PKEY *key = read_key(&key_pem);
    check(cert != NULL && key != NULL);
    check_int(X509_check_private_key(cert, key), 1);
    check_int(X509_verify(cert, key), 1);
    check_int(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    check_int(X509_check_host(cert, "host.example", 0, 0, NULL), 1);
    check_int(X509_check_host(cert, "other.example", 0, 0, NULL), 0);
    check_int(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    check_int(X509_check_ip_asc(cert, "::1", 0), 1);
    check_int(X509_check_ca(cert), 0);
    int days, seconds;
    check_int(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), X509_get0_notAfter(cert)), 1);
    check_int(days, CERT_DAYS);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* A host name must not be able to write further entries into the certificate. */
static void test_cert_make_leaves_out_what_is_no_host(void **state)
{
    static const char *const hosts[] = { NULL, "", "a,DNS:evil.example", "my_host", "-a", ".a" };
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        AUTO(buf) struct buf cert_pem;
        buf_init(&cert_pem, CERT_PEM_MAX);
        AUTO(buf) struct buf key_pem;
        buf_init(&key_pem, CERT_PEM_MAX);
        check_rc(cert_make(hosts[i], 1700000000, &cert_pem, &key_pem), RC_OK);
        X509 *cert = read_cert(&cert_pem);
        check_int(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
        check_int(X509_check_host(cert, "evil.example", 0, 0, NULL), 0);
        X509_free(cert);
    }
}

CHECK_MAIN("core/vault/cert",
           CHECK(test_cert_make_gives_a_certificate_of_its_key),
           CHECK(test_cert_make_leaves_out_what_is_no_host))
