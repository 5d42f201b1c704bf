/* SPDX-License-Identifier: Apache-2.0 */
#include "server/own_cert.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/vault/cert.h"
#include "server/tls_file.h"

#define DAY_SECONDS 86400

struct own_files {
    char folder[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX], new_certificate[PATH_MAX], new_key[PATH_MAX];
};

static enum rc name_files(const char *state, struct own_files *ret, struct why *why)
{
    const int max = PATH_MAX - OWN_CERT_NAME_MAX;
    if (snprintf(ret->folder, PATH_MAX, "%s/tls", state) >= max) {
        return why_fail(why, RC_INVALID, "--state", "the path is too long");
    }
    /* Each fits: the longest name is shorter than OWN_CERT_NAME_MAX. */
    (void)snprintf(ret->certificate, PATH_MAX, "%.*s/certificate.pem", max, ret->folder);
    (void)snprintf(ret->key, PATH_MAX, "%.*s/key.pem", max, ret->folder);
    (void)snprintf(ret->new_certificate, PATH_MAX, "%.*s/certificate.pem.new", max, ret->folder);
    (void)snprintf(ret->new_key, PATH_MAX, "%.*s/key.pem.new", max, ret->folder);
    return RC_OK;
}

static enum rc move(const char *from, const char *to, struct why *why)
{
    return rename(from, to) == 0 ? RC_OK : why_fail(why, RC_IO, "tls", "cannot rename %s: %s", from, strerror(errno));
}

static enum rc write_pair(const struct own_files *files, const struct buf *certificate, const struct buf *key, struct why *why)
{
    enum rc rc = tls_file_write(files->new_key, key, 0600, why);
    rc = rc != RC_OK ? rc : tls_file_sync(files->folder, why);
    rc = rc != RC_OK ? rc : tls_file_write(files->new_certificate, certificate, 0644, why);
    rc = rc != RC_OK ? rc : tls_file_sync(files->folder, why);
    rc = rc != RC_OK ? rc : move(files->new_key, files->key, why);
    rc = rc != RC_OK ? rc : tls_file_sync(files->folder, why); /* or complete() could not tell how far it came */
    rc = rc != RC_OK ? rc : move(files->new_certificate, files->certificate, why);
    return rc != RC_OK ? rc : tls_file_sync(files->folder, why);
}

/* What a process that died in write_pair() left behind. */
static enum rc complete(const struct own_files *files, struct why *why)
{
    if (access(files->new_certificate, F_OK) == 0 && access(files->new_key, F_OK) != 0) {
        return move(files->new_certificate, files->certificate, why); /* its key is in place */
    }
    (void)unlink(files->new_certificate); /* mostly not there */
    (void)unlink(files->new_key);
    return RC_OK;
}

static enum rc make(const struct own_files *files, struct why *why)
{
    char host[256] = "";
    AUTO(buf) struct buf certificate, key;
    buf_init(&certificate, CERT_PEM_MAX);
    buf_init(&key, CERT_PEM_MAX);
    (void)gethostname(host, sizeof(host) - 1); /* without a name it is for localhost alone */
    enum rc rc = cert_make(host, wall_seconds(), &certificate, &key);
    rc = rc == RC_OK ? write_pair(files, &certificate, &key, why) : why_fail(why, rc, "tls", "a certificate could not be made");
    tls_file_wipe(&key);
    buf_finish(&key);
    if (rc == RC_OK) {
        log_info("certificate_made", "file=%s days=%d", log_quote(files->certificate).text, CERT_DAYS);
    }
    return rc;
}

enum rc own_cert_prepare(const char *state, char *ret_certificate, char *ret_key, struct why *why)
{
    struct own_files files;
    enum rc rc = name_files(state, &files, why);
    if (rc == RC_OK && mkdir(files.folder, 0700) != 0 && errno != EEXIST) {
        rc = why_fail(why, RC_IO, "tls", "cannot make %s: %s", files.folder, strerror(errno));
    }
    rc = rc != RC_OK ? rc : complete(&files, why);
    if (rc == RC_OK && access(files.certificate, F_OK) != 0) {
        rc = make(&files, why);
    }
    if (rc == RC_OK) {
        memcpy(ret_certificate, files.certificate, PATH_MAX);
        memcpy(ret_key, files.key, PATH_MAX);
    }
    return rc;
}

/* Ours, and near its end? */
static bool is_due(gnutls_x509_crt_t certificate)
{
    char name[16];
    size_t n = sizeof(name);
    const bool ours = gnutls_x509_crt_check_issuer(certificate, certificate) == 1 &&
                      gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &n) == 0 &&
                      strcmp(name, CERT_NAME) == 0;
    return ours && gnutls_x509_crt_get_expiration_time(certificate) < wall_seconds() + OWN_CERT_DAYS * DAY_SECONDS;
}

enum rc own_cert_renew(const char *state, struct why *why)
{
    struct own_files files;
    AUTO(buf) struct buf text;
    gnutls_x509_crt_t certificate = NULL;
    buf_init(&text, TLS_FILE_MAX);
    enum rc rc = name_files(state, &files, why);
    rc = rc != RC_OK ? rc : tls_file_read(files.certificate, false, &text, why);
    if (rc != RC_OK || gnutls_x509_crt_init(&certificate) != 0) {
        return rc != RC_OK ? rc : RC_NO_MEMORY;
    }
    const gnutls_datum_t pem = { (unsigned char *)text.data, (unsigned int)text.len };
    const bool due = gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM) == 0 && is_due(certificate);
    gnutls_x509_crt_deinit(certificate);
    rc = due ? complete(&files, why) : RC_OK;
    return due && rc == RC_OK ? make(&files, why) : rc;
}
