/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/vault/cert.h"

#define PEM_MAX   (256u << 10)
#define CHAIN_MAX 16

struct credential {
    struct credential *before;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned int count;
    gnutls_privkey_t key;
    struct buf certificate_pem; /* to see whether a reload brings anything new */
};

struct tls {
    char certificate[PATH_MAX], key[PATH_MAX];
    struct credential *all; /* newest first; main's */
    _Atomic(struct credential *) present;
};

/* GnuTLS gives its callback no argument, so the one tls of the process is known by name. */
static _Atomic(struct tls *) the_tls;

static void free_credential(struct credential *it)
{
    if (it == NULL) {
        return;
    }
    for (unsigned int i = 0; i < it->count; i++) {
        gnutls_pcert_deinit(&it->chain[i]);
    }
    if (it->key != NULL) {
        gnutls_privkey_deinit(it->key);
    }
    buf_finish(&it->certificate_pem);
    mem_free(it);
}

static enum rc read_file(const char *path, struct buf *out, struct why *why)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t n = 1; fd >= 0 && n > 0;) {
        char *room = buf_room(out, 4096);
        if (room == NULL) {
            return why_fail(why, out->failed, "tls", "the file %s is too large", path);
        }
        n = read(fd, room, 4096);
        if (n > 0) {
            buf_grown(out, (size_t)n);
        } else if (n < 0) {
            return why_fail(why, RC_IO, "tls", "cannot read %s: %s", path, strerror(errno));
        }
    }
    return fd >= 0 ? RC_OK : why_fail(why, RC_IO, "tls", "cannot open %s: %s", path, strerror(errno));
}

/* Written whole and synced under its name, or not at all. */
static enum rc write_file(const char *path, const struct buf *bytes, mode_t mode, struct why *why)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, bytes->data, bytes->len) != (ssize_t)bytes->len || fsync(fd) != 0) {
        const enum rc rc = why_fail(why, RC_IO, "tls", "cannot write %s: %s", path, strerror(errno));
        if (fd >= 0) {
            (void)unlink(path);
        }
        return rc;
    }
    return RC_OK;
}

static enum rc make_own(const struct tls *tls, struct why *why)
{
    char host[256] = "";
    AUTO(buf) struct buf certificate, key;
    buf_init(&certificate, CERT_PEM_MAX);
    buf_init(&key, CERT_PEM_MAX);
    (void)gethostname(host, sizeof(host) - 1); /* without a name it is for localhost alone */
    enum rc rc = cert_make(host, wall_seconds(), &certificate, &key);
    rc = rc == RC_OK ? write_file(tls->key, &key, 0600, why) : why_fail(why, rc, "tls", "a certificate could not be made");
    rc = rc != RC_OK ? rc : write_file(tls->certificate, &certificate, 0644, why);
    if (key.data != NULL) {
        mem_wipe(key.data, key.len);
    }
    buf_finish(&key);
    if (rc == RC_OK) {
        log_info("certificate_made", "file=%s days=%d", log_quote(tls->certificate).text, CERT_DAYS);
    }
    return rc;
}

/* Does the key belong to the first certificate of the chain? */
static bool is_pair(struct credential *it)
{
    unsigned char one[64], two[64];
    size_t one_size = sizeof(one), two_size = sizeof(two);
    gnutls_pubkey_t public = NULL;
    if (gnutls_pubkey_init(&public) != 0) {
        return false;
    }
    const bool same = gnutls_pubkey_import_privkey(public, it->key, 0, 0) == 0 &&
                      gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, one, &one_size) == 0 &&
                      gnutls_pubkey_get_key_id(it->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, two, &two_size) == 0 &&
                      one_size == two_size && memcmp(one, two, one_size) == 0;
    gnutls_pubkey_deinit(public);
    return same;
}

static enum rc import(struct credential *it, const struct buf *key, struct why *why)
{
    const gnutls_datum_t chain_pem = { (unsigned char *)it->certificate_pem.data, (unsigned int)it->certificate_pem.len };
    const gnutls_datum_t key_pem = { (unsigned char *)key->data, (unsigned int)key->len };
    unsigned int count = CHAIN_MAX;
    if (gnutls_pcert_list_import_x509_raw(it->chain, &count, &chain_pem, GNUTLS_X509_FMT_PEM, 0) != 0 || count == 0) {
        return why_fail(why, RC_INVALID, "tls.certificate", "must be a PEM file with 1 to %d certificates", CHAIN_MAX);
    }
    it->count = count;
    if (gnutls_privkey_init(&it->key) != 0) {
        return RC_NO_MEMORY;
    }
    if (gnutls_privkey_import_x509_raw(it->key, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0) != 0) {
        return why_fail(why, RC_INVALID, "tls.key", "must be a PEM file with a private key that has no password");
    }
    return is_pair(it) ? RC_OK : why_fail(why, RC_INVALID, "tls.key", "must belong to the certificate");
}

static bool is_same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

enum rc tls_reload(struct tls *tls, struct why *why)
{
    struct credential *it = mem_alloc(sizeof(*it));
    if (it == NULL) {
        return RC_NO_MEMORY;
    }
    AUTO(buf) struct buf key;
    buf_init(&key, PEM_MAX);
    buf_init(&it->certificate_pem, PEM_MAX);
    enum rc rc = read_file(tls->certificate, &it->certificate_pem, why);
    rc = rc != RC_OK ? rc : read_file(tls->key, &key, why);
    rc = rc != RC_OK ? rc : import(it, &key, why);
    if (key.data != NULL) {
        mem_wipe(key.data, key.len);
    }
    if (rc != RC_OK || (tls->all != NULL && is_same(&tls->all->certificate_pem, &it->certificate_pem))) {
        free_credential(it);
        return rc;
    }
    it->before = tls->all;
    tls->all = it;
    atomic_store(&tls->present, it);
    return RC_OK;
}

static enum rc find_files(const struct tls_files *files, struct tls *tls, struct why *why)
{
    char folder[PATH_MAX];
    if ((files->certificate[0] == '\0') != (files->key[0] == '\0')) {
        return why_fail(why, RC_INVALID, "tls", "certificate and key must be given both or not at all");
    }
    if (files->certificate[0] != '\0') {
        return str_copy(tls->certificate, PATH_MAX, files->certificate) && str_copy(tls->key, PATH_MAX, files->key)
                   ? RC_OK
                   : why_fail(why, RC_INVALID, "tls", "the path is too long");
    }
    if (snprintf(folder, sizeof(folder), "%s/tls", files->state) >= PATH_MAX - 20) {
        return why_fail(why, RC_INVALID, "--state", "the path is too long");
    }
    (void)snprintf(tls->certificate, PATH_MAX, "%.*s/certificate.pem", PATH_MAX - 20, folder);
    (void)snprintf(tls->key, PATH_MAX, "%.*s/key.pem", PATH_MAX - 20, folder);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return why_fail(why, RC_IO, "tls", "cannot make %s: %s", folder, strerror(errno));
    }
    if (access(tls->certificate, F_OK) == 0) {
        return RC_OK;
    }
    (void)unlink(tls->key); /* a key without a certificate is left from a first start that was cut off */
    return make_own(tls, why);
}

enum rc tls_create(const struct tls_files *files, struct tls **ret, struct why *why)
{
    struct tls *tls = mem_alloc(sizeof(*tls));
    if (tls == NULL) {
        return RC_NO_MEMORY;
    }
    enum rc rc = find_files(files, tls, why);
    rc = rc != RC_OK ? rc : tls_reload(tls, why);
    if (rc != RC_OK) {
        tls_destroy(tls);
        return rc;
    }
    atomic_store(&the_tls, tls);
    *ret = tls;
    return RC_OK;
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                 const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                 gnutls_pcert_st **ret_chain, unsigned int *ret_count, gnutls_privkey_t *ret_key)
{
    struct tls *tls = atomic_load(&the_tls);
    struct credential *it = tls == NULL ? NULL : atomic_load(&tls->present);
    if (it == NULL) {
        return -1;
    }
    *ret_chain = it->chain;
    *ret_count = it->count;
    *ret_key = it->key;
    return 0;
}

void tls_destroy(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    struct tls *expected = tls;
    (void)atomic_compare_exchange_strong(&the_tls, &expected, NULL); /* another one may be in place */
    while (tls->all != NULL) {
        struct credential *it = tls->all;
        tls->all = it->before;
        free_credential(it);
    }
    mem_free(tls);
}
