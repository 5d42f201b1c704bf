/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/server/handshake.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "tests/check.h"

char handshake_folder[64];
struct certs_pair handshake_authority, handshake_server;

const char *handshake_path(const char *name)
{
    static char paths[8][128];
    static size_t turn;
    char *path = paths[turn++ % COUNT_OF(paths)];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", handshake_folder, name);
    return path;
}

void handshake_write(const char *name, const char *text)
{
    FILE *file = fopen(handshake_path(name), "w");
    check(file != NULL && fputs(text, file) >= 0);
    check(fclose(file) == 0);
}

int handshake_setup(void **state)
{
    (void)snprintf(handshake_folder, sizeof(handshake_folder), "/tmp/licit-tls-XXXXXX");
    if (mkdtemp(handshake_folder) == NULL) {
        return 1;
    }
    handshake_authority = certs_make(&(struct certs_spec){ .name = "authority", .is_authority = true }, NULL);
    handshake_server = certs_make(&(struct certs_spec){ .name = "server", .for_servers = true, .from = -1, .until = 90 }, &handshake_authority);
    certs_write(&handshake_authority, handshake_path("ca.pem"), NULL);
    certs_write(&handshake_server, handshake_path("server.pem"), handshake_path("server.key"));
    handshake_write("tokens", "name:client " ONE "\n");
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

int handshake_teardown(void **state)
{
    wall_set((struct wall){ -1 });
    certs_free(&handshake_authority);
    certs_free(&handshake_server);
    return nftw(handshake_folder, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

struct tls *handshake_tls_with(enum tls_clients clients, const char *tokens)
{
    const bool asks = clients != TLS_CLIENTS_NONE;
    const struct tls_files files = {
        .section = "listener.edge",
        .state = handshake_folder,
        .certificate = handshake_path("server.pem"),
        .key = handshake_path("server.key"),
        .client_ca = asks ? handshake_path("ca.pem") : NULL,
        .client_tokens = asks ? handshake_path(tokens) : NULL,
        .clients = clients,
    };
    struct tls *tls = NULL;
    struct why why = { 0 };
    check_ok(tls_create(&files, &tls, &why), &why);
    return tls;
}

struct tls *handshake_tls(enum tls_clients clients)
{
    return handshake_tls_with(clients, "tokens");
}

void handshake_reload(struct tls *tls)
{
    struct why why = { 0 };
    check_ok(tls_reload(&tls, 1, &why), &why);
}

static int give_always(gnutls_session_t session, const gnutls_datum_t *names, int count, const gnutls_pk_algorithm_t *algorithms,
                       int algorithm_count, gnutls_retr2_st *ret)
{
    const struct shown *shown = gnutls_session_get_ptr(session);
    static gnutls_x509_crt_t chain[CHAIN_MAX];
    if (shown->count == 0) {
        return 0;
    }
    for (unsigned int i = 0; i < shown->count; i++) {
        chain[i] = shown->chain[i]->certificate;
    }
    *ret = (gnutls_retr2_st){
        .cert_type = GNUTLS_CRT_X509,
        .key_type = GNUTLS_PRIVKEY_X509,
        .ncerts = shown->count,
        .cert.x509 = chain,
        .key.x509 = shown->chain[0]->key,
    };
    return 0;
}

static void start_client(struct link *link, const struct shown *shown, const char *versions)
{
    char priorities[100];
    (void)snprintf(priorities, sizeof(priorities), "NORMAL:-VERS-ALL:%s", versions);
    check(gnutls_certificate_allocate_credentials(&link->credentials) == 0);
    gnutls_certificate_set_retrieve_function(link->credentials, give_always);
    check(gnutls_init(&link->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK) == 0);
    check(gnutls_priority_set_direct(link->client, priorities, NULL) == 0);
    check(gnutls_credentials_set(link->client, GNUTLS_CRD_CERTIFICATE, link->credentials) == 0);
    link->shown = *shown;
    gnutls_session_set_ptr(link->client, &link->shown);
    gnutls_transport_set_int(link->client, link->fds[0]);
}

/* As libmicrohttpd makes its sessions: a credential that gives nothing stands there before tls_open(). */
static void start_server(struct link *link, struct tls *tls)
{
    check(gnutls_certificate_allocate_credentials(&link->none) == 0);
    gnutls_certificate_set_retrieve_function2(link->none, tls_retrieve);
    check(gnutls_init(&link->server, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
    check(gnutls_priority_set_direct(link->server, TLS_PRIORITIES, NULL) == 0);
    check(gnutls_credentials_set(link->server, GNUTLS_CRD_CERTIFICATE, link->none) == 0);
    gnutls_transport_set_int(link->server, link->fds[1]);
    if (tls != NULL) {
        check_rc(tls_open(tls, link->server, &link->peer), RC_OK);
    }
}

bool link_start_with(struct link *link, struct tls *tls, const struct shown *shown, const char *versions)
{
    *link = (struct link){ .client = NULL };
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, link->fds) == 0);
    start_client(link, shown, versions);
    start_server(link, tls);
    int here = GNUTLS_E_AGAIN, there = GNUTLS_E_AGAIN;
    while (here == GNUTLS_E_AGAIN || there == GNUTLS_E_AGAIN) {
        here = here == GNUTLS_E_AGAIN ? gnutls_handshake(link->client) : here;
        there = there == GNUTLS_E_AGAIN ? gnutls_handshake(link->server) : there;
        if ((here < 0 && here != GNUTLS_E_AGAIN) || (there < 0 && there != GNUTLS_E_AGAIN)) {
            return false;
        }
    }
    return true;
}

bool link_start(struct link *link, struct tls *tls, const struct certs_pair *pair, const char *versions)
{
    return link_start_with(link, tls, &(struct shown){ { pair }, pair == NULL ? 0 : 1 }, versions);
}

void link_end(struct link *link)
{
    gnutls_deinit(link->client);
    gnutls_deinit(link->server);
    tls_close(&link->peer);
    tls_close(&link->peer); /* idempotent */
    gnutls_certificate_free_credentials(link->credentials);
    gnutls_certificate_free_credentials(link->none);
    (void)close(link->fds[0]);
    (void)close(link->fds[1]);
}

static bool in_pieces;

/* While in_pieces, a network that cuts records anywhere, and brings the pieces one by one. */
static ssize_t push_some(gnutls_transport_ptr_t arg, const void *bytes, size_t n)
{
    static bool waits;
    waits = !waits;
    if (in_pieces && waits) {
        errno = EAGAIN;
        return -1;
    }
    return send((int)(intptr_t)arg, bytes, in_pieces && n > 701 ? 701 : n, MSG_NOSIGNAL);
}

bool link_tell(struct link *link, size_t size)
{
    static char bytes[1000000], got[100000];
    size_t sent = 0, come = 0;
    gnutls_transport_set_push_function(link->client, push_some);
    in_pieces = true;
    while (come < size) {
        const ssize_t out = sent < size ? gnutls_record_send(link->client, bytes, size - sent) : 0;
        sent += out > 0 ? (size_t)out : 0;
        const ssize_t in = gnutls_record_recv(link->server, got, sizeof(got));
        if ((out < 0 && out != GNUTLS_E_AGAIN) || (in <= 0 && in != GNUTLS_E_AGAIN)) {
            return false;
        }
        come += in > 0 ? (size_t)in : 0;
    }
    in_pieces = false;
    return true;
}
