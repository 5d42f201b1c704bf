/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/doc.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * HTTP: the one door to libcurl.
 *
 * TLS is verified, always; redirects are not followed; replies have a ceiling;
 * a silent server is given up. One connection is kept and used again. Files are
 * sent from the disk as they are read, never held in memory.
 *
 * Threads: one. Memory: client_destroy(), reply_finish(). Logs: no.
 */

#define CLIENT_REPLY_MAX       (64 * 1024 * 1024) /* bytes of one reply */
#define CLIENT_PATH_MAX        2048               /* bytes of a path with its query */
#define CLIENT_CONNECT_SECONDS 10
#define CLIENT_SILENT_SECONDS  120 /* nothing came or went for so long: given up */
#define CLIENT_STREAM_SECONDS  35  /* the same for events, whose heartbeat is 10 s */

struct client;

struct client_options {
    const char *url;    /* https://host:port, http://..., unix:/path */
    const char *token;  /* NULL: none is sent */
    const char *cacert; /* PEM file of the certificates to trust; NULL: the system's */
};

struct reply {
    long status;
    char type[80];       /* Content-Type */
    char request_id[64]; /* X-Request-Id */
    struct buf body;
};

struct client_request {
    const char *method;
    const char *path;           /* made by client_path() */
    const struct doc *body;     /* sent as JSON; NULL: none */
    const char *text;           /* or JSON that is ready, sent as it is */
    const struct doc *metadata; /* with file: multipart, metadata first */
    const char *file;
    const char *headers[4]; /* "X-Purpose: scoring"; NULL: no more */

    /* Takes the bytes of a 200 reply in place of reply->body; false ends the request, which then counts as done. */
    bool (*sink)(void *arg, const char *bytes, size_t n);
    void *sink_arg;

    /* Bytes sent so far of all; and at least once a second. False: give up (RC_CANCELLED). */
    bool (*progress)(void *arg, int64_t sent, int64_t total);
    void *progress_arg;
};

/* RC_INVALID: the URL, the token or the certificate file is not usable; RC_NO_MEMORY. */
enum rc client_create(const struct client_options *options, struct client **ret, struct why *why) MUST_CHECK;
void client_destroy(struct client *client);
DEFINE_AUTO_PTR(client)

void reply_init(struct reply *reply);
void reply_finish(struct reply *reply);
DEFINE_AUTO(reply)

/* RC_OK whenever an HTTP reply came, whatever its status. RC_UNAVAILABLE: nobody answers there, or not to the end;
 * RC_INVALID: the file cannot be read; RC_TOO_LARGE: the reply; RC_CANCELLED. */
enum rc client_send(struct client *client, const struct client_request *request, struct reply *reply, struct why *why) MUST_CHECK;

/* "/v1/models/{}/labels/{}" with each {} replaced by the next argument, percent-encoded; false: too long. */
bool client_path(char out[CLIENT_PATH_MAX], const char *form, ...) MUST_CHECK;

#endif
