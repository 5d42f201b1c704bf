/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/server/certs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/check.h"

#define DAY_SECONDS 86400

static void set_names(gnutls_x509_crt_t it, const struct certs_spec *spec)
{
    const char *name = spec->name != NULL ? spec->name : "client", *second = spec->second_name;
    check(gnutls_x509_crt_set_dn_by_oid(it, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned int)strlen(name)) == 0);
    if (second != NULL) {
        check(gnutls_x509_crt_set_dn_by_oid(it, GNUTLS_OID_X520_COMMON_NAME, 0, second, (unsigned int)strlen(second)) == 0);
    }
    if (spec->uri != NULL) {
        check(gnutls_x509_crt_set_subject_alt_name(it, GNUTLS_SAN_URI, spec->uri, (unsigned int)strlen(spec->uri), GNUTLS_FSAN_SET) == 0);
    }
}

static void set_uses(gnutls_x509_crt_t it, const struct certs_spec *spec)
{
    check(gnutls_x509_crt_set_basic_constraints(it, spec->is_authority ? 1 : 0, -1) == 0);
    check(gnutls_x509_crt_set_key_usage(it, spec->is_authority ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE) == 0);
    if (!spec->is_authority) {
        check(gnutls_x509_crt_set_key_purpose_oid(it, spec->for_servers ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0) == 0);
    }
}

struct certs_pair certs_make(const struct certs_spec *spec, const struct certs_pair *issuer)
{
    static unsigned char serial;
    struct certs_pair pair;
    const time_t now = (time_t)wall_seconds();
    const int64_t from = spec->from == 0 && spec->until == 0 ? -1 : spec->from;
    const int64_t until = spec->from == 0 && spec->until == 0 ? 1 : spec->until;
    serial++;
    check(gnutls_x509_privkey_init(&pair.key) == 0 && gnutls_x509_crt_init(&pair.certificate) == 0);
    const unsigned int bits = spec->short_key ? 1024 : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
    check(gnutls_x509_privkey_generate(pair.key, spec->short_key ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA, bits, 0) == 0);
    check(gnutls_x509_crt_set_version(pair.certificate, 3) == 0 && gnutls_x509_crt_set_serial(pair.certificate, &serial, 1) == 0);
    check(gnutls_x509_crt_set_activation_time(pair.certificate, now + from * DAY_SECONDS) == 0);
    check(gnutls_x509_crt_set_expiration_time(pair.certificate, now + until * DAY_SECONDS) == 0);
    check(gnutls_x509_crt_set_key(pair.certificate, pair.key) == 0);
    set_names(pair.certificate, spec);
    set_uses(pair.certificate, spec);
    const struct certs_pair *by = issuer != NULL ? issuer : &pair;
    check(gnutls_x509_crt_sign2(pair.certificate, by->certificate, by->key, spec->sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0) == 0);
    return pair;
}

void certs_free(struct certs_pair *pair)
{
    gnutls_x509_crt_deinit(pair->certificate);
    gnutls_x509_privkey_deinit(pair->key);
}

static void write_all(const char *path, mode_t mode, gnutls_datum_t *pem)
{
    (void)unlink(path); /* mostly not there */
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    check(fd >= 0 && write(fd, pem->data, pem->size) == (ssize_t)pem->size);
    (void)close(fd);
    gnutls_free(pem->data);
}

void certs_write(const struct certs_pair *pair, const char *certificate, const char *key)
{
    gnutls_datum_t pem;
    check(gnutls_x509_crt_export2(pair->certificate, GNUTLS_X509_FMT_PEM, &pem) == 0);
    write_all(certificate, 0644, &pem);
    if (key != NULL) {
        check(gnutls_x509_privkey_export2(pair->key, GNUTLS_X509_FMT_PEM, &pem) == 0);
        write_all(key, 0600, &pem);
    }
}
