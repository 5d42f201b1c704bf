/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "core/base/str.h"

#define NEVER_PROXIED "localhost,127.0.0.1,::1" /* a proxy that the environment names cannot reach this machine for us */

struct client {
    CURL *curl;
    char *url;       /* without a slash at the end */
    char *unix_path; /* NULL: TCP */
    char *token;
    char *cacert;
    char *noproxy;
};

/* One request under way. */
struct flight {
    const struct client_request *request;
    struct client *client;
    struct reply *reply;
    struct curl_slist *headers;
    curl_mime *mime;
    struct buf json;
    enum rc stopped; /* RC_OK, RC_TOO_LARGE, RC_NO_MEMORY, RC_CANCELLED; RC_GONE: the sink had enough */
    char error[CURL_ERROR_SIZE];
};

void reply_init(struct reply *reply)
{
    *reply = (struct reply){ 0 };
    buf_init(&reply->body, CLIENT_REPLY_MAX);
}

void reply_finish(struct reply *reply)
{
    buf_finish(&reply->body);
}

bool client_path(char out[CLIENT_PATH_MAX], const char *form, ...)
{
    size_t n = 0;
    va_list list;
    va_start(list, form);
    for (; *form != '\0' && n + 4 < CLIENT_PATH_MAX; form++) {
        if (form[0] != '{' || form[1] != '}') {
            out[n++] = *form;
            continue;
        }
        form++;
        for (const char *c = va_arg(list, const char *); *c != '\0' && n + 4 < CLIENT_PATH_MAX; c++) {
            if (isalnum((unsigned char)*c) || strchr("-._~", *c) != NULL) {
                out[n++] = *c;
            } else {
                n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned)(unsigned char)*c);
            }
        }
    }
    va_end(list);
    out[n] = '\0';
    return *form == '\0' && n + 4 < CLIENT_PATH_MAX;
}

/* A token goes into a header: what could end the header or hide in it is refused. */
static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= 0x20 || *text >= 0x7f) {
            return false;
        }
    }
    return true;
}

static enum rc check_options(const struct client_options *options, struct why *why)
{
    const char *url = options->url;
    const bool web = strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0;
    if (!web && strncmp(url, "unix:/", 6) != 0) {
        return why_fail(why, RC_INVALID, NULL, "the URL must begin with https://, http:// or unix:/, got \"%.100s\"", url);
    }
    if (options->token != NULL && !is_printable(options->token)) {
        return why_fail(why, RC_INVALID, NULL, "the token holds blanks or control characters; give it as it was shown, or @FILE");
    }
    if (options->cacert != NULL && access(options->cacert, R_OK) != 0) {
        return why_fail(why, RC_INVALID, NULL, "the certificate file \"%.100s\" cannot be read", options->cacert);
    }
    return RC_OK;
}

/* What the environment exempts stays exempt: setting the option hides the variable. */
static char *noproxy_list(void)
{
    const char *more = getenv("no_proxy");
    more = more == NULL ? getenv("NO_PROXY") : more;
    AUTO(buf) struct buf list;
    buf_init(&list, 64 * 1024);
    (void)buf_printf(&list, "%s%s%s", NEVER_PROXIED, more == NULL ? "" : ",", more == NULL ? "" : more);
    return buf_take(&list, NULL);
}

static bool copy_options(struct client *client, const struct client_options *options)
{
    const bool is_unix = strncmp(options->url, "unix:", 5) == 0;
    client->url = mem_strdup(is_unix ? "http://localhost" : options->url);
    client->unix_path = mem_strdup(is_unix ? options->url + 5 : NULL);
    client->token = mem_strdup(options->token);
    client->cacert = mem_strdup(options->cacert);
    client->noproxy = noproxy_list();
    if (client->url == NULL || client->noproxy == NULL || (is_unix && client->unix_path == NULL)) {
        return false;
    }
    for (size_t n = strlen(client->url); n > 0 && client->url[n - 1] == '/'; n--) {
        client->url[n - 1] = '\0';
    }
    return (client->token != NULL || options->token == NULL) && (client->cacert != NULL || options->cacert == NULL);
}

enum rc client_create(const struct client_options *options, struct client **ret, struct why *why)
{
    const enum rc rc = check_options(options, why);
    if (rc != RC_OK) {
        return rc;
    }
    AUTO_PTR(client) struct client *client = mem_alloc(sizeof(*client));
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return why_fail(why, RC_NO_MEMORY, NULL, "out of memory");
    }
    client->curl = curl_easy_init();
    if (client->curl == NULL || !copy_options(client, options)) {
        return why_fail(why, RC_NO_MEMORY, NULL, "out of memory");
    }
    *ret = TAKE(client);
    return RC_OK;
}

void client_destroy(struct client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    if (client->token != NULL) {
        mem_wipe(client->token, strlen(client->token));
    }
    mem_free(client->token);
    mem_free(client->cacert);
    mem_free(client->unix_path);
    mem_free(client->noproxy);
    mem_free(client->url);
    mem_free(client);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct flight *flight = arg;
    long status = 0;
    n *= size;
    (void)curl_easy_getinfo(flight->client->curl, CURLINFO_RESPONSE_CODE, &status); /* 0 is not 200 */
    if (flight->request->sink != NULL && status == 200) {
        if (flight->request->sink(flight->request->sink_arg, bytes, n)) {
            return n;
        }
        flight->stopped = RC_GONE;
        return 0;
    }
    flight->stopped = buf_append(&flight->reply->body, bytes, n);
    return flight->stopped == RC_OK ? n : 0;
}

/* Copies the value of a header line, without blanks and the line's end, if it is the header that is wanted. */
static void pick_header(const char *line, size_t n, const char *name, char *out, size_t size)
{
    const size_t skip = strlen(name);
    if (n <= skip || strncasecmp(line, name, skip) != 0) {
        return;
    }
    line += skip;
    n -= skip;
    while (n > 0 && isspace((unsigned char)line[0])) {
        line++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)line[n - 1])) {
        n--;
    }
    if (n < size) {
        memcpy(out, line, n);
        out[n] = '\0';
    }
}

static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
    struct reply *reply = ((struct flight *)arg)->reply;
    n *= size;
    pick_header(line, n, "content-type:", reply->type, sizeof(reply->type));
    pick_header(line, n, "x-request-id:", reply->request_id, sizeof(reply->request_id));
    return n;
}

static int take_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct flight *flight = arg;
    const struct client_request *request = flight->request;
    if (request->progress == NULL || request->progress(request->progress_arg, up, up_total)) {
        return 0;
    }
    flight->stopped = RC_CANCELLED;
    return 1;
}

static bool add_header(struct flight *flight, const char *line)
{
    struct curl_slist *longer = curl_slist_append(flight->headers, line);
    if (longer == NULL) {
        return false;
    }
    flight->headers = longer;
    return true;
}

static bool add_headers(struct flight *flight)
{
    const struct client_request *request = flight->request;
    bool good = true;
    for (size_t i = 0; i < COUNT_OF(request->headers) && request->headers[i] != NULL; i++) {
        good = good && add_header(flight, request->headers[i]);
    }
    if (request->body != NULL || request->text != NULL) {
        good = good && add_header(flight, "Content-Type: application/json");
    }
    if (flight->client->token != NULL) {
        AUTO(buf) struct buf line;
        buf_init(&line, 64 * 1024);
        good = good && buf_printf(&line, "Authorization: Bearer %s", flight->client->token) == RC_OK && add_header(flight, line.data);
        if (line.data != NULL) {
            mem_wipe(line.data, line.len);
        }
    }
    return good;
}

static bool add_mime(struct flight *flight)
{
    flight->mime = curl_mime_init(flight->client->curl);
    curl_mimepart *metadata = flight->mime == NULL ? NULL : curl_mime_addpart(flight->mime);
    curl_mimepart *file = metadata == NULL ? NULL : curl_mime_addpart(flight->mime);
    return file != NULL && doc_write(flight->request->metadata, DOC_COMPACT, &flight->json) == RC_OK &&
           curl_mime_name(metadata, "metadata") == CURLE_OK &&
           curl_mime_type(metadata, "application/json") == CURLE_OK &&
           curl_mime_data(metadata, flight->json.data, flight->json.len) == CURLE_OK &&
           curl_mime_name(file, "file") == CURLE_OK && curl_mime_type(file, "text/csv") == CURLE_OK &&
           curl_mime_filedata(file, flight->request->file) == CURLE_OK &&
           curl_easy_setopt(flight->client->curl, CURLOPT_MIMEPOST, flight->mime) == CURLE_OK;
}

static bool add_body(struct flight *flight)
{
    CURL *curl = flight->client->curl;
    const struct client_request *request = flight->request;
    if (request->file != NULL) {
        return add_mime(flight);
    }
    if (request->body != NULL && doc_write(request->body, DOC_COMPACT, &flight->json) != RC_OK) {
        return false;
    }
    const char *text = request->body != NULL ? flight->json.data : request->text;
    text = text == NULL && strcmp(request->method, "POST") == 0 ? "" : text;
    return text == NULL ||
           (curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text)) == CURLE_OK &&
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text) == CURLE_OK);
}

static bool configure(struct flight *flight, const char *url)
{
    struct client *client = flight->client;
    CURL *curl = client->curl;
    CURLcode bad = CURLE_OK;
#define set(option, value) bad = bad == CURLE_OK ? curl_easy_setopt(curl, option, value) : bad
    set(CURLOPT_URL, url);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_USERAGENT, "licit/" LICIT_VERSION);
    set(CURLOPT_ERRORBUFFER, flight->error);
    set(CURLOPT_CONNECTTIMEOUT, (long)CLIENT_CONNECT_SECONDS);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, (long)(flight->request->sink == NULL ? CLIENT_SILENT_SECONDS : CLIENT_STREAM_SECONDS));
    set(CURLOPT_NOPROXY, client->noproxy);
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_WRITEDATA, flight);
    set(CURLOPT_HEADERFUNCTION, take_header);
    set(CURLOPT_HEADERDATA, flight);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, take_progress);
    set(CURLOPT_XFERINFODATA, flight);
    if (client->cacert != NULL) {
        set(CURLOPT_CAINFO, client->cacert);
    }
    if (client->unix_path != NULL) {
        set(CURLOPT_UNIX_SOCKET_PATH, client->unix_path);
    }
    if (bad != CURLE_OK || !add_headers(flight) || !add_body(flight)) {
        return false;
    }
    set(CURLOPT_HTTPHEADER, flight->headers);
    set(CURLOPT_CUSTOMREQUEST, flight->request->method); /* after the body, which makes it a POST */
#undef set
    return bad == CURLE_OK;
}

/* libcurl's code in our words; the sentence says what to do where there is something to do. */
static enum rc translate(const struct flight *flight, CURLcode code, struct why *why)
{
    const char *url = flight->client->unix_path != NULL ? flight->client->unix_path : flight->client->url;
    if (flight->stopped == RC_TOO_LARGE) {
        return why_fail(why, RC_TOO_LARGE, NULL, "the reply is larger than %d MiB", CLIENT_REPLY_MAX / (1024 * 1024));
    }
    if (flight->stopped == RC_CANCELLED) {
        return why_fail(why, RC_CANCELLED, NULL, "interrupted");
    }
    if (code == CURLE_OUT_OF_MEMORY || flight->stopped == RC_NO_MEMORY) {
        return why_fail(why, RC_NO_MEMORY, NULL, "out of memory");
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        return why_fail(why, RC_UNAVAILABLE, NULL,
                        "the certificate of %s is not trusted (%s); name the one to trust with --cacert or LICIT_CACERT",
                        url, flight->error);
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
        return why_fail(why, RC_INVALID, NULL, "the file of --cacert holds no certificate that can be read: \"%s\"",
                        flight->client->cacert);
    }
    if (code == CURLE_READ_ERROR && flight->request->file != NULL) {
        return why_fail(why, RC_INVALID, NULL, "the file \"%s\" cannot be read", flight->request->file);
    }
    if (code == CURLE_URL_MALFORMAT) {
        return why_fail(why, RC_INVALID, NULL, "the URL \"%s\" is not well-formed", url);
    }
    if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_GOT_NOTHING) {
        return why_fail(why, RC_UNAVAILABLE, NULL, "%s does not answer: %s; a licitd with TLS is https://..., one with --plain is http://...",
                        url, flight->error[0] != '\0' ? flight->error : curl_easy_strerror(code));
    }
    return why_fail(why, RC_UNAVAILABLE, NULL, "%s does not answer: %s; is licitd running there? --url or LICIT_URL names another place", url,
                    flight->error[0] != '\0' ? flight->error : curl_easy_strerror(code));
}

static void finish_flight(struct flight *flight)
{
    curl_easy_reset(flight->client->curl); /* keeps the connection, forgets the request */
    curl_slist_free_all(flight->headers);
    curl_mime_free(flight->mime);
    buf_finish(&flight->json);
}

static bool check_file(const char *file, struct why *why)
{
    struct stat found;
    const bool exists = stat(file, &found) == 0 && access(file, R_OK) == 0;
    if (!exists || S_ISDIR(found.st_mode) || (S_ISREG(found.st_mode) && found.st_size == 0)) {
        (void)why_fail(why, RC_INVALID, NULL, "the file \"%s\" %s", file, !exists ? "cannot be read" : S_ISDIR(found.st_mode) ? "is a directory"
                                                                                                                              : "is empty");
        return false;
    }
    return true;
}

enum rc client_send(struct client *client, const struct client_request *request, struct reply *reply, struct why *why)
{
    struct flight flight = { .request = request, .client = client, .reply = reply };
    AUTO(buf) struct buf url;
    buf_init(&url, CLIENT_PATH_MAX + 4096);
    buf_init(&flight.json, CLIENT_REPLY_MAX);
    if (request->file != NULL && !check_file(request->file, why)) {
        return RC_INVALID;
    }
    reply->status = 0;
    buf_clear(&reply->body);
    enum rc rc = RC_OK;
    if (buf_printf(&url, "%s%s", client->url, request->path) != RC_OK || !configure(&flight, url.data)) {
        rc = why_fail(why, RC_NO_MEMORY, NULL, "the request could not be put together: out of memory, or too large");
    } else {
        const CURLcode code = curl_easy_perform(client->curl);
        (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->status); /* stays 0: no reply */
        if (code != CURLE_OK && flight.stopped != RC_GONE) {
            rc = translate(&flight, code, why);
        }
    }
    finish_flight(&flight);
    return rc;
}
