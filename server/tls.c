/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "server/client_cert.h"
#include "server/own_cert.h"
#include "server/tls_credential.h"

struct tls {
    /* set at create, then constant */
    struct tls_paths paths;
    char state[PATH_MAX]; /* empty: certificate and key are configured */

    struct tls_credential *next; /* read, and not yet in place; main's */
    _Atomic uint64_t generation; /* of the present one */
    pthread_mutex_t lock;
    /* guarded by lock */
    struct tls_credential *present;
    int64_t live; /* credentials that are not freed */
};

static struct tls_credential *take(struct tls *tls)
{
    (void)pthread_mutex_lock(&tls->lock); /* fails only on a broken mutex, here and below */
    struct tls_credential *it = tls->present;
    it->users++;
    (void)pthread_mutex_unlock(&tls->lock);
    return it;
}

static void release(struct tls *tls, struct tls_credential *it)
{
    (void)pthread_mutex_lock(&tls->lock);
    const bool last = --it->users == 0;
    tls->live -= last ? 1 : 0;
    (void)pthread_mutex_unlock(&tls->lock);
    if (last) {
        tls_credential_destroy(it);
    }
}

/* Into tls->next. */
static enum rc read_next(struct tls *tls, struct why *why)
{
    const enum rc rc = tls_credential_read(&tls->paths, &tls->next, why);
    if (rc == RC_OK) {
        tls->next->users = 1;
        tls->next->generation = atomic_load(&tls->generation) + 1;
    }
    return rc;
}

static void put_next(struct tls *tls)
{
    struct tls_credential *it = TAKE(tls->next);
    (void)pthread_mutex_lock(&tls->lock);
    struct tls_credential *old = tls->present;
    tls->present = it;
    tls->live++;
    atomic_store(&tls->generation, it->generation);
    (void)pthread_mutex_unlock(&tls->lock);
    if (old != NULL) {
        release(tls, old);
    }
}

/* The old one still serves when this fails, so that is a line in the log. */
static void renew_own(const struct tls *tls)
{
    struct why why = { 0 };
    if (tls->state[0] != '\0' && own_cert_renew(tls->state, &why) != RC_OK) {
        log_warn("certificate_not_renewed", "why=%s", log_quote(why.text).text);
    }
}

enum rc tls_reload(struct tls *const *all, size_t count, struct why *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        renew_own(all[i]);
        rc = read_next(all[i], why);
    }
    for (size_t i = 0; i < count; i++) {
        if (rc == RC_OK) {
            put_next(all[i]);
        } else {
            tls_credential_destroy(TAKE(all[i]->next));
        }
    }
    return rc;
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static enum rc copy_path(const struct tls *tls, const char *key, const char *from, char *to, struct why *why)
{
    return str_copy(to, PATH_MAX, is_empty(from) ? "" : from) ? RC_OK : tls_paths_fail(&tls->paths, key, RC_INVALID, why, "the path is too long");
}

static enum rc check_files(const struct tls *tls, const struct tls_files *files, struct why *why)
{
    if (is_empty(files->certificate) != is_empty(files->key)) {
        return tls_paths_fail(&tls->paths, NULL, RC_INVALID, why, "certificate and key must be given both or not at all");
    }
    if (tls->paths.clients != TLS_CLIENTS_NONE && is_empty(files->client_ca)) {
        return tls_paths_fail(&tls->paths, "client_certificates", RC_INVALID, why, "needs client_ca, whose signatures count");
    }
    if (tls->paths.clients == TLS_CLIENTS_NONE && (!is_empty(files->client_ca) || !is_empty(files->client_tokens))) {
        return tls_paths_fail(&tls->paths, "client_certificates", RC_INVALID, why, "must be request or require where client_ca or client_tokens is given");
    }
    return RC_OK;
}

static enum rc take_files(const struct tls_files *files, struct tls *tls, struct why *why)
{
    tls->paths.clients = files->clients;
    if (!str_copy(tls->paths.section, sizeof(tls->paths.section), is_empty(files->section) ? "tls" : files->section)) {
        return why_fail(why, RC_INVALID, "tls", "the name of the listener is too long");
    }
    enum rc rc = check_files(tls, files, why);
    rc = rc != RC_OK ? rc : copy_path(tls, "client_ca", files->client_ca, tls->paths.client_ca, why);
    rc = rc != RC_OK ? rc : copy_path(tls, "client_tokens", files->client_tokens, tls->paths.client_tokens, why);
    if (rc == RC_OK && is_empty(files->certificate)) {
        rc = copy_path(tls, "--state", files->state, tls->state, why);
        return rc != RC_OK ? rc : own_cert_prepare(tls->state, tls->paths.certificate, tls->paths.key, why);
    }
    rc = rc != RC_OK ? rc : copy_path(tls, "certificate", files->certificate, tls->paths.certificate, why);
    return rc != RC_OK ? rc : copy_path(tls, "key", files->key, tls->paths.key, why);
}

enum rc tls_create(const struct tls_files *files, struct tls **ret, struct why *why)
{
    struct tls *tls = mem_alloc(sizeof(*tls));
    if (tls == NULL) {
        return RC_NO_MEMORY;
    }
    MUST(pthread_mutex_init(&tls->lock, NULL) == 0);
    enum rc rc = take_files(files, tls, why);
    rc = rc != RC_OK ? rc : tls_reload(&tls, 1, why);
    if (rc != RC_OK) {
        tls_destroy(tls);
        return rc;
    }
    *ret = tls;
    return RC_OK;
}

enum rc tls_open(struct tls *tls, gnutls_session_t session, struct tls_peer *ret)
{
    struct tls_peer peer = { .tls = tls, .credential = take(tls) };
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, peer.credential->gnutls) != 0) {
        tls_close(&peer);
        return RC_NO_MEMORY;
    }
    if (tls->paths.clients != TLS_CLIENTS_NONE) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    }
    *ret = peer;
    tls_wire_attach(&ret->wire, session);
    return RC_OK;
}

/* Holds the client's certificate against what the files say now. */
static enum rc judge(struct tls_peer *peer, const struct tls_credential *by, gnutls_session_t session, struct why *why)
{
    unsigned int count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    struct client_rules rules = { .map = by->map };
    struct client_cert found = { .until = INT64_MAX };
    enum rc rc = RC_OK;
    if (chain == NULL || count == 0) {
        rc = peer->tls->paths.clients == TLS_CLIENTS_REQUIRE
                 ? why_fail(why, RC_DENIED, TLS_CLIENT_PATH, "must be sent: this listener serves only clients with a certificate")
                 : RC_OK;
    } else {
        gnutls_certificate_get_trust_list(by->gnutls, &rules.authorities);
        rc = client_cert_check(&rules, chain, count, &found, why);
    }
    peer->until = found.until;
    memcpy(peer->token, found.token, ID_SIZE);
    return rc;
}

enum rc tls_identify(struct tls_peer *peer, gnutls_session_t session, char ret_token[ID_SIZE], struct why *why)
{
    struct tls *tls = peer->tls;
    if (tls == NULL || tls->paths.clients == TLS_CLIENTS_NONE) {
        ret_token[0] = '\0';
        return RC_OK;
    }
    if (peer->generation != atomic_load(&tls->generation) || wall_seconds() > peer->until) {
        struct why found = { 0 };
        struct tls_credential *by = take(tls);
        peer->rc = judge(peer, by, session, &found);
        peer->generation = peer->rc == RC_NO_MEMORY ? 0 : by->generation;                        /* 0: it is looked at again */
        (void)snprintf(peer->words, sizeof(peer->words), "%.*s", TLS_WORDS_MAX - 1, found.text); /* cut is enough */
        release(tls, by);
    }
    if (peer->rc != RC_OK) {
        return why_fail(why, peer->rc, TLS_CLIENT_PATH, "%s", peer->words);
    }
    memcpy(ret_token, peer->token, ID_SIZE);
    return RC_OK;
}

void tls_close(struct tls_peer *peer)
{
    if (peer->tls != NULL) {
        release(peer->tls, peer->credential);
        *peer = (struct tls_peer){ .tls = NULL };
    }
}

int64_t tls_live(struct tls *tls)
{
    (void)pthread_mutex_lock(&tls->lock);
    const int64_t live = tls->live;
    (void)pthread_mutex_unlock(&tls->lock);
    return live;
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                 const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                 gnutls_pcert_st **ret_chain, unsigned int *ret_count, gnutls_privkey_t *ret_key)
{
    return -1;
}

void tls_destroy(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    if (tls->present != NULL) {
        release(tls, tls->present);
    }
    MUST(tls->live == 0);
    (void)pthread_mutex_destroy(&tls->lock); /* nobody holds it any more */
    mem_free(tls);
}
