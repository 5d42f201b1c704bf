/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/service/service.h"
#include "core/service/token.h"
#include "tests/check.h"
#include "tests/support/loopback.h"

/* The real table over a real service, without a socket. */

static char folder[64];
static char token[200];
static struct service *service;
static struct api *api;

static void read_token(void)
{
    char path[100];
    (void)snprintf(path, sizeof(path), "%s/first-token", folder);
    FILE *file = fopen(path, "r");
    check(file != NULL && fgets(token, sizeof(token), file) != NULL);
    (void)fclose(file);
    token[strcspn(token, "\n")] = '\0';
}

static int open_all(void **state)
{
    struct service_config config = service_defaults;
    struct why why = { 0 };
    bool made = false;
    (void)snprintf(folder, sizeof(folder), "/tmp/licit-routes-XXXXXX");
    check(mkdtemp(folder) != NULL);
    config.state = folder;
    check_ok(service_open(&config, &service, &why), &why);
    check_ok(service_first_token(service, &made, &why), &why);
    check(made);
    read_token();
    const struct api_settings settings = {
        .routes = api_routes,
        .auth = handlers_auth(service),
        .service = service,
        .limits = { .json_bytes = 1u << 16, .predict_bytes = 1u << 16, .upload_bytes = 1u << 20, .predict_rows = 100, .deadline_ms = 60000, .streams = 2 },
        .version = "0.0.1",
    };
    check_rc(api_create(&settings, &api), RC_OK);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

static int close_all(void **state)
{
    api_destroy(api);
    service_stop(service);
    service_close(service);
    return nftw(folder, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

/* A pattern with something in place of each parameter. */
static void fill_pattern(const char *pattern, char *out, size_t size)
{
    static const struct {
        const char *name, *value;
    } values[] = {
        { "{dataset}", "ds-00000000000000000000" },
        { "{job}", "job-00000000000000000000" },
        { "{token}", "tok-00000000000000000000" },
        { "{model}", "nobody" },
        { "{label}", "production" },
        { "{version}", "7" },
    };

    size_t n = 0;
    for (const char *at = pattern; *at != '\0';) {
        size_t skip = 0;
        for (size_t i = 0; *at == '{' && i < COUNT_OF(values); i++) {
            if (strncmp(at, values[i].name, strlen(values[i].name)) == 0) {
                n += (size_t)snprintf(out + n, size - n, "%s", values[i].value);
                skip = strlen(values[i].name);
            }
        }
        if (skip == 0) {
            check(*at != '{');
            out[n++] = *at;
        }
        at += skip == 0 ? 1 : skip;
    }
    out[n] = '\0';
}

static void test_routes_are_closed_but_for_the_public_list(void **state)
{
    static const char *const open[] = { "/", "/openapi.json", "/v2/health/live", "/v2/health/ready" };
    size_t count = 0;
    for (const struct api_route *route = api_routes; route->method != NULL; route++) {
        char target[200];
        fill_pattern(route->pattern, target, sizeof(target));
        struct loopback_reply reply;
        loopback(api, &(struct loopback_call){ .method = route->method, .target = target }, &reply);
        bool listed = false;
        for (size_t i = 0; i < COUNT_OF(open); i++) {
            listed = listed || strcmp(open[i], route->pattern) == 0;
        }
        if (route->open != listed || (!listed && reply.status != 401)) {
            fail_msg("%s %s without a token gave %d", route->method, target, reply.status);
        }
        check(listed || strstr(loopback_header(&reply, "WWW-Authenticate"), "Bearer") != NULL);
        count += listed;
        loopback_finish(&reply);
    }
    check_int(count, COUNT_OF(open));
}

/* With a token for everything, nothing fails with our own fault on what does not exist. */
static void test_routes_answer_what_does_not_exist(void **state)
{
    for (const struct api_route *route = api_routes; route->method != NULL; route++) {
        char target[200];
        fill_pattern(route->pattern, target, sizeof(target));
        struct loopback_reply reply;
        const char *body = route->body == API_BODY_NONE ? NULL : "{}";
        loopback(api, &(struct loopback_call){ .method = route->method, .target = target, .token = token, .body = body }, &reply);
        if (reply.status >= 500 && strcmp(route->pattern, "/v2/health/ready") != 0) {
            fail_msg("%s %s gave %d: %s", route->method, target, reply.status, reply.body);
        }
        if (strchr(route->pattern, '{') != NULL && reply.status != 404 && reply.status != 400) {
            fail_msg("%s %s gave %d: %s", route->method, target, reply.status, reply.body);
        }
        loopback_finish(&reply);
    }
}

static const char *lower(const char *method)
{
    static const char *const pairs[][2] = { { "GET", "get" }, { "POST", "post" }, { "PUT", "put" }, { "DELETE", "delete" } };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if (strcmp(pairs[i][0], method) == 0) {
            return pairs[i][1];
        }
    }
    return "";
}

/* Does every "$ref" name a schema that is there? */
static void check_references(const struct doc *node, const struct doc *schemas)
{
    static const char head[] = "#/components/schemas/";
    for (struct doc_pair p = { 0 }; doc_kind(node) == DOC_OBJECT && doc_next(node, &p);) {
        if (strcmp(p.key, "$ref") == 0) {
            check(strncmp(doc_string(p.value), head, strlen(head)) == 0);
            if (doc_get(schemas, doc_string(p.value) + strlen(head)) == NULL) {
                fail_msg("%s is not there", doc_string(p.value));
            }
        }
        check_references(p.value, schemas);
    }
    for (size_t i = 0; doc_kind(node) == DOC_LIST && i < doc_count(node); i++) {
        check_references(doc_at(node, i), schemas);
    }
}

static void test_openapi_names_every_route(void **state)
{
    struct loopback_reply reply;
    loopback(api, &(struct loopback_call){ .method = "GET", .target = "/openapi.json" }, &reply);
    check_int(reply.status, 200);
    check_text(doc_get_string(reply.doc, "openapi", ""), "3.1.0");
    const struct doc *paths = doc_get(reply.doc, "paths");
    size_t count = 0;
    for (const struct api_route *route = api_routes; route->method != NULL; route++) {
        const struct doc *operation = doc_get(doc_get(paths, route->pattern), lower(route->method));
        if (operation == NULL) {
            fail_msg("%s %s is not in the document", route->method, route->pattern);
        }
        check_text(doc_get_string(operation, "operationId", ""), route->id);
        check(doc_get_string(operation, "description", NULL) != NULL);
        check_int(doc_count(doc_get(operation, "security")), route->open ? 0 : 1);
        check(doc_get(operation, "requestBody") != NULL || route->body == API_BODY_NONE);
        char status[12];
        (void)snprintf(status, sizeof(status), "%d", route->status);
        check(doc_get(doc_get(operation, "responses"), status) != NULL);
        for (const struct api_route *other = api_routes; other != route; other++) {
            check(strcmp(other->id, route->id) != 0);
        }
        count++;
    }
    check(count > 20);
    check_references(reply.doc, doc_get(doc_get(reply.doc, "components"), "schemas"));
    loopback_finish(&reply);
}

#define BOUND      "XX"
#define PART(name) "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define METADATA   "{\"name\":\"t\",\"target\":\"y\",\"licence\":\"CC0-1.0\",\"purposes\":[\"test\"],\"personal_data\":false}"

static void upload(const char *body, size_t chunk, struct loopback_reply *ret)
{
    const struct loopback_call call = {
        .method = "POST",
        .target = "/v1/datasets",
        .token = token,
        .type = "multipart/form-data; boundary=" BOUND,
        .body = body,
        .chunk = chunk,
    };
    loopback(api, &call, ret);
}

static void test_dataset_upload_takes_either_order_and_refuses(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *part;
    } rows[] = {
        { PART("metadata") METADATA "\r\n" PART("file") "x,y\n1,a\n2,b\n3,a\n\r\n--XX--\r\n", 201, "\"rows\":3" },
        { PART("file") "x,y\n1,a\n2,b\n3,a\n\r\n" PART("metadata") METADATA "\r\n--XX--\r\n", 201, "\"rows\":3" },
        { PART("metadata") METADATA "\r\n--XX--\r\n", 400, "\"path\":\"file\"" },
        { PART("file") "x,y\n1,a\n\r\n--XX--\r\n", 400, "\"path\":\"metadata\"" },
        { PART("metadata") METADATA "\r\n" PART("metadata") METADATA "\r\n--XX--\r\n", 400, "duplicate_key" },
        { PART("other") "1\r\n--XX--\r\n", 400, "unknown_key" },
        { PART("metadata") "{\"name\"\r\n" PART("file") "x,y\n1,a\n\r\n--XX--\r\n", 400, "invalid_json" },
        { PART("metadata") "{\"nam\":1}\r\n" PART("file") "x,y\n1,a\n\r\n--XX--\r\n", 400, "unknown_key" },
        { PART("metadata") METADATA "\r\n" PART("file") "x,y\n1,a\n", 400, "closing boundary" },
        { PART("metadata") METADATA "\r\n" PART("file") "x,y\n1\n\r\n--XX--\r\n", 400, "line 2" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t chunk = 1; chunk < 10000; chunk *= 7) {
            struct loopback_reply reply;
            upload(rows[i].body, chunk, &reply);
            if (reply.status != rows[i].status || strstr(reply.body, rows[i].part) == NULL) {
                fail_msg("upload %zu in pieces of %zu gave %d %s", i, chunk, reply.status, reply.body);
            }
            check(reply.status != 201 || strstr(loopback_header(&reply, "Location"), "/v1/datasets/ds-") != NULL);
            loopback_finish(&reply);
        }
    }
}

/* One model over the whole length: upload, train with events, look, predict, label, erase. */
static void call(const char *method, const char *target, const char *body, int status, struct loopback_reply *ret)
{
    loopback(api, &(struct loopback_call){ .method = method, .target = target, .token = token, .body = body }, ret);
    if (ret->status != status) {
        fail_msg("%s %s gave %d %s, expected %d", method, target, ret->status, ret->body, status);
    }
}

static void check_call(const char *method, const char *target, const char *body, int status, const char *part)
{
    struct loopback_reply reply;
    call(method, target, body, status, &reply);
    if (strstr(reply.body, part) == NULL) {
        fail_msg("%s %s gave %s without %s", method, target, reply.body, part);
    }
    loopback_finish(&reply);
}

static void upload_table(char *ret_id, size_t size)
{
    AUTO(buf) struct buf body;
    buf_init(&body, 100000);
    (void)buf_text(&body, PART("metadata") METADATA "\r\n" PART("file") "x,c,y\n");
    for (int i = 0; i < 200; i++) {
        (void)buf_printf(&body, "%d,%s,%s\n", i % 20, i % 3 == 0 ? "red" : "blue", i % 20 < 10 ? "low" : "high");
    }
    (void)buf_text(&body, "\r\n--XX--\r\n");
    struct loopback_reply reply;
    upload(body.data, 0, &reply);
    check_int(reply.status, 201);
    (void)snprintf(ret_id, size, "%s", doc_get_string(reply.doc, "id", ""));
    loopback_finish(&reply);
}

static void wait_done(const char *job)
{
    char target[100];
    struct loopback_reply reply;
    (void)snprintf(target, sizeof(target), "/v1/jobs/%s/events", job);
    struct loopback_call stream = { .method = "GET", .target = target, .token = token, .more = { { "Accept", "text/event-stream" } } };
    loopback(api, &stream, &reply); /* to its end */
    check_int(reply.status, 200);
    check_contains(reply.body, "event: done\ndata: {\"status\":\"succeeded\"");
    loopback_finish(&reply);
    stream.more[1] = (struct api_header){ "Last-Event-ID", "3" };
    loopback(api, &stream, &reply);
    check(strncmp(reply.body, "id: 4\n", 6) == 0);
    loopback_finish(&reply);
    stream.more[1].value = "x";
    loopback(api, &stream, &reply);
    check_int(reply.status, 400);
    loopback_finish(&reply);
    check_call("GET", target, NULL, 200, "\"object\":\"list\"");
}

static void train(const char *dataset)
{
    char body[600];
    struct loopback_reply reply;
    (void)snprintf(body, sizeof(body), "{\"type\":\"train\",\"model\":\"colour\",\"dataset\":\"%s\",\"target\":\"y\",\"purpose\":\"test\",\"epochs\":4,\"seed\":1}", dataset);
    call("POST", "/v1/jobs", body, 202, &reply);
    char job[40];
    (void)snprintf(job, sizeof(job), "%s", doc_get_string(reply.doc, "id", ""));
    check_contains(loopback_header(&reply, "Location"), job);
    loopback_finish(&reply);
    wait_done(job);
}

static void test_models_are_trained_and_predict(void **state)
{
    static const struct {
        const char *target, *body;
        int status;
        const char *part;
    } rows[] = {
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[{\"x\":3,\"c\":\"red\"}]}", 200, "{\"predictions\":[{\"label\":\"" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[3,\"red\"],[15,\"blue\"]],\"signature_name\":\"\",\"z\":[{}]}", 200, "{\"predictions\":[[" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[{\"x\":3,\"c\":\"green\"}]}", 200, "unknown_category" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[{\"x\":300,\"c\":\"red\"}]}", 200, "out_of_range" },
        { "/v1/models/colour/versions/1:predict", "{\"inputs\":{\"x\":[3,4],\"c\":[\"red\",\"blue\"]}}", 200, "{\"outputs\":[{\"label\"" },
        { "/v1/models/colour/versions/1:predict", "{\"inputs\":[[3,\"red\"]]}", 200, "{\"outputs\":[[" },
        { "/v1/models/colour:predict", "{\"instances\":[[3,\"red\"]]}", 404, "deployed" },
        { "/v1/models/colour/labels/best:predict", "{\"instances\":[[3,\"red\"]]}", 404, "no label" },
        { "/v1/models/colour/versions/2:predict", "{\"instances\":[[3,\"red\"]]}", 404, "no version 2" },
        { "/v1/models/nobody:predict", "{\"instances\":[[3,\"red\"]]}", 404, "error" },
        { "/v1/models/colour/versions/1:predict", "{\"inputs\":{\"x\":[3,4],\"c\":[\"red\"]}}", 400, "as many values" },
        { "/v1/models/colour/versions/1:predict", "{\"inputs\":{\"x\":[],\"c\":[]}}", 400, "at least one" },
        { "/v1/models/colour/versions/1:predict", "{\"inputs\":{\"x\":[1],\"x\":[2]}}", 400, "given twice" },
        { "/v1/models/colour/versions/1:predict", "{\"inputs\":{\"z\":[1]}}", 400, "inputs.z: is not an input" },
        { "/v1/models/colour/versions/1:predict", "{\"inputs\":{\"x\":[[1]]}}", 400, "must be a number, a string" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[{\"x\":1,\"x\":2}]}", 400, "instances[0].x: is given twice" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[{\"x\":1,\"z\":2}]}", 400, "instances[0].z: is not an input" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[1,\"red\"],[1]]}", 400, "instances[1]: must hold 2 values" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[1,\"red\",2]]}", 400, "got more" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[5]}", 400, "instances[0]: must be an object" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[Infinity,\"red\"]]}", 400, "finite" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[NaN,\"red\"]]}", 400, "is missing" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[1e999,\"red\"]]}", 400, "too large" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[\"three\",\"red\"]]}", 400, "must be a number" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[],\"inputs\":[]}", 400, "at least one row" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[3,\"red\"]],\"inputs\":[[3,\"red\"]]}", 400, "one of instances and inputs" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[3,\"red\"]]", 400, "the text ends" },
        { "/v1/models/colour/versions/1:predict", "{\"instances\":[[3,\"red\"]]}x", 400, "after the end" },
        { "/v1/models/colour/versions/1:predict", "[]", 400, "expected '{'" },
        { "/v1/models/colour/versions/1:predict", "{}", 400, "must hold instances" },
        { "/v1/models/colour/versions/1:predict", "", 400, "got nothing" },
    };

    char dataset[40];
    upload_table(dataset, sizeof(dataset));
    train(dataset);
    check_call("GET", "/v1/models/colour", NULL, 200, "\"version_digest\"");
    check_call("GET", "/v1/models/colour/versions/1", NULL, 200, "\"version\":1");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_call("POST", rows[i].target, rows[i].body, rows[i].status, rows[i].part);
    }
    check_call("PUT", "/v1/models/colour/labels/production", "{\"version\":1}", 200, "\"production\"");
    check_call("POST", "/v1/models/colour:predict", "{\"instances\":[[3,\"red\"]]}", 200, "predictions");
    check_call("DELETE", "/v1/models/colour/versions/1", NULL, 409, "conflict");
    check_call("DELETE", "/v1/models/colour", NULL, 409, "remove the label first");
    check_call("DELETE", "/v1/models/colour/labels/production", NULL, 204, "");
    check_call("DELETE", "/v1/models/colour/labels/production", NULL, 404, "not_found");
    check_call("POST", "/v1/models/colour:predict", "{\"instances\":[[3,\"red\"]]}", 404, "is deployed: name a version");
    check_call("PUT", "/v1/models/colour/labels/production", "{\"version\":1}", 200, "\"production\"");
}

static void test_predict_bounds_the_rows(void **state)
{
    AUTO(buf) struct buf body;
    buf_init(&body, 100000);
    for (int rows = 100; rows <= 101; rows++) {
        buf_clear(&body);
        (void)buf_text(&body, "{\"instances\":[");
        for (int i = 0; i < rows; i++) {
            (void)buf_printf(&body, "%s[%d,\"red\"]", i == 0 ? "" : ",", i % 20);
        }
        (void)buf_text(&body, "]}");
        check_call("POST", "/v1/models/colour/versions/1:predict", body.data, rows == 100 ? 200 : 413, rows == 100 ? "predictions" : "at most 100 rows");
    }
}

static void test_tokens_are_issued_narrow_and_revoked(void **state)
{
    struct loopback_reply reply;
    call("POST", "/v1/tokens", "{\"name\":\"n\",\"scopes\":[\"model:colour:predict\"],\"expires_in\":3600}", 201, &reply);
    char narrow[200], path[100];
    (void)snprintf(narrow, sizeof(narrow), "%s", doc_get_string(reply.doc, "token", ""));
    (void)snprintf(path, sizeof(path), "/v1/tokens/%s", doc_get_string(reply.doc, "id", ""));
    check_text(loopback_header(&reply, "Cache-Control"), "no-store");
    loopback_finish(&reply);

    static const struct {
        const char *method, *target, *body;
        int status;
    } rows[] = {
        { "POST", "/v1/models/colour/versions/1:predict", "{\"instances\":[[3,\"red\"]]}", 200 },
        { "POST", "/v1/models/other:predict", "{}", 403 },
        { "GET", "/v1/models/colour", NULL, 403 },
        { "GET", "/v1/models", NULL, 403 },
        { "GET", "/v1/tokens", NULL, 403 },
        { "POST", "/v1/tokens", "{}", 403 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        loopback(api, &(struct loopback_call){ .method = rows[i].method, .target = rows[i].target, .token = narrow, .body = rows[i].body }, &reply);
        if (reply.status != rows[i].status) {
            fail_msg("%s %s gave %d %s", rows[i].method, rows[i].target, reply.status, reply.body);
        }
        loopback_finish(&reply);
    }
    check_call("GET", "/v1/tokens?limit=1", NULL, 200, "\"has_more\":true");
    check_call("DELETE", path, NULL, 204, "");
    loopback(api, &(struct loopback_call){ .method = "GET", .target = "/v1/models", .token = narrow }, &reply);
    check_int(reply.status, 401);
    loopback_finish(&reply);
}

static void test_readiness_can_be_switched(void **state)
{
    api_set_ready(api, true);
    check_call("GET", "/v2/health/ready", NULL, 200, "\"ready\":true");
    api_set_ready(api, false);
    check_call("GET", "/v2/health/ready", NULL, 503, "\"ready\":false");
    check_call("GET", "/v2/health/live", NULL, 200, "\"live\":true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(test_routes_are_closed_but_for_the_public_list),
        CHECK(test_routes_answer_what_does_not_exist),
        CHECK(test_openapi_names_every_route),
        CHECK(test_dataset_upload_takes_either_order_and_refuses),
        CHECK(test_models_are_trained_and_predict),
        CHECK(test_predict_bounds_the_rows),
        CHECK(test_tokens_are_issued_narrow_and_revoked),
        CHECK(test_readiness_can_be_switched),
    };
    return cmocka_run_group_tests_name("api/routes", tests, open_all, close_all);
}
