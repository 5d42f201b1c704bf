/* SPDX-License-Identifier: Apache-2.0 */
#include "server/own_cert.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/vault/cert.h"
#include "tests/check.h"
#include "tests/server/handshake.h"

/* The certificate that licit makes for itself: when it is made anew, and what a process that dies meanwhile leaves. */

static void write_own(int64_t made)
{
    AUTO(buf) struct buf certificate, key;
    buf_init(&certificate, CERT_PEM_MAX);
    buf_init(&key, CERT_PEM_MAX);
    check_rc(cert_make("host", made, &certificate, &key), RC_OK);
    (void)mkdir(handshake_path("tls"), 0700);
    handshake_write("tls/certificate.pem", certificate.data);
    handshake_write("tls/key.pem", key.data);
    check(chmod(handshake_path("tls/key.pem"), 0600) == 0);
}

static int64_t get_days(void)
{
    char text[CERT_PEM_MAX] = "";
    FILE *file = fopen(handshake_path("tls/certificate.pem"), "r");
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
    check_ok(tls_create(&(struct tls_files){ .state = handshake_folder }, &tls, &why), &why);
    return tls;
}

static void test_own_cert_renews_its_own_certificate_in_time(void **state)
{
    static const struct {
        int64_t age, days;
    } rows[] = { { 0, 824 }, { CERT_DAYS - 31, 30 }, { CERT_DAYS - 29, 824 }, { CERT_DAYS + 10, 824 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        write_own(wall_seconds() - rows[i].age * 86400);
        struct tls *tls = make_own();
        check_int(get_days(), rows[i].days);
        write_own(wall_seconds() - rows[i].age * 86400);
        handshake_reload(tls);
        check_int(get_days(), rows[i].days);
        tls_destroy(tls);
        struct stat status;
        check(stat(handshake_path("tls/key.pem"), &status) == 0 && (status.st_mode & 0777) == 0600);
        check(access(handshake_path("tls/key.pem.new"), F_OK) != 0 && access(handshake_path("tls/certificate.pem.new"), F_OK) != 0);
    }
}

static void test_own_cert_leaves_a_certificate_of_others_alone(void **state)
{
    struct certs_pair old = certs_make(&(struct certs_spec){ .name = "shop", .for_servers = true, .from = -10, .until = 3 }, NULL);
    check(mkdir(handshake_path("tls"), 0700) == 0);
    certs_write(&old, handshake_path("tls/certificate.pem"), handshake_path("tls/key.pem"));
    struct tls *tls = make_own();
    check(get_days() <= 3);
    handshake_reload(tls);
    check(get_days() <= 3);
    tls_destroy(tls);
    certs_free(&old);
}

/* What a process that died between the steps of a renewal leaves; every start then has a pair that fits. */
static void test_own_cert_completes_a_renewal_that_was_cut_off(void **state)
{
    for (int step = 0; step < 4; step++) {
        write_own(wall_seconds() - 500 * (int64_t)86400);
        check(rename(handshake_path("tls/certificate.pem"), handshake_path("old")) == 0 && rename(handshake_path("tls/key.pem"), handshake_path("old.key")) == 0);
        write_own(wall_seconds());
        check(rename(handshake_path("tls/certificate.pem"), handshake_path("tls/certificate.pem.new")) == 0);
        check(rename(handshake_path("tls/key.pem"), handshake_path("tls/key.pem.new")) == 0);
        check(rename(handshake_path("old"), handshake_path("tls/certificate.pem")) == 0 && rename(handshake_path("old.key"), handshake_path("tls/key.pem")) == 0);
        if (step == 0) { /* before the second file was made */
            check(unlink(handshake_path("tls/certificate.pem.new")) == 0);
        }
        if (step >= 2) {
            check(rename(handshake_path("tls/key.pem.new"), handshake_path("tls/key.pem")) == 0);
        }
        if (step >= 3) {
            check(rename(handshake_path("tls/certificate.pem.new"), handshake_path("tls/certificate.pem")) == 0);
        }
        struct tls *tls = make_own();
        check_int(get_days(), step < 2 ? CERT_DAYS - 501 : CERT_DAYS - 1);
        check(access(handshake_path("tls/key.pem.new"), F_OK) != 0 && access(handshake_path("tls/certificate.pem.new"), F_OK) != 0);
        tls_destroy(tls);
    }
}

#define CASE(function) CHECK_WITH(function, handshake_setup, handshake_teardown)

CHECK_MAIN("server/own_cert", CASE(test_own_cert_renews_its_own_certificate_in_time),
           CASE(test_own_cert_leaves_a_certificate_of_others_alone),
           CASE(test_own_cert_completes_a_renewal_that_was_cut_off))
