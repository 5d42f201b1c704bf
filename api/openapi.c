/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/error.h"

#define NAME_SIZE 64

/*
 * Making nested documents: every step looks at `rc` first, so that a function
 * is a list of what stands in the document. Values are handed over always.
 */
struct maker {
    struct doc *schemas;
    enum rc rc;
};

static void put(struct maker *maker, struct doc *object, const char *key, struct doc *value)
{
    const enum rc rc = doc_put(object, key, value); /* takes the value also on failure */
    maker->rc = maker->rc != RC_OK ? maker->rc : rc;
}

static void put_text(struct maker *maker, struct doc *object, const char *key, const char *text)
{
    put(maker, object, key, doc_new_string(text));
}

static void add(struct maker *maker, struct doc *list, struct doc *value)
{
    const enum rc rc = doc_add(list, value);
    maker->rc = maker->rc != RC_OK ? maker->rc : rc;
}

static struct doc *refer(struct maker *maker, const struct schema *schema)
{
    const enum rc rc = schema_describe(schema, maker->schemas);
    maker->rc = maker->rc != RC_OK ? maker->rc : rc;
    return schema_reference(schema);
}

/* The schema of one field row: described inside a schema made for it, which is taken away again. */
static struct doc *describe_row(struct maker *maker, const struct field *field)
{
    static const char name[] = "OneRow";
    struct field rows[2] = { *field, { .name = NULL } };
    rows[0].name = "row";
    const struct schema wrapper = { name, "", sizeof(int), rows, true };
    const enum rc rc = schema_describe(&wrapper, maker->schemas);
    struct doc *out = doc_copy(doc_get(doc_get(doc_get(maker->schemas, name), "properties"), "row"));
    maker->rc = maker->rc != RC_OK ? maker->rc : rc;
    (void)doc_remove(maker->schemas, name); /* it may not have been made */
    return out;
}

static void add_parameter(struct maker *maker, struct doc *list, const char *name, const char *place, const char *about, struct doc *schema)
{
    struct doc *out = doc_new_object();
    put_text(maker, out, "name", name);
    put_text(maker, out, "in", place);
    if (about != NULL) {
        put_text(maker, out, "description", about);
    }
    put(maker, out, "required", doc_new_boolean(strcmp(place, "path") == 0));
    put(maker, out, "schema", schema);
    add(maker, list, out);
}

static struct doc *type_of(struct maker *maker, const char *type)
{
    struct doc *out = doc_new_object();
    put_text(maker, out, "type", type);
    return out;
}

static struct doc *make_parameters(struct maker *maker, const struct api_route *route)
{
    struct doc *list = doc_new_list();
    for (const char *at = strchr(route->pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        const char *type = strcmp(name, "version") == 0 ? "integer" : "string";
        add_parameter(maker, list, name, "path", route_param_form(name), type_of(maker, type));
    }
    for (const struct field *field = route->query == NULL ? NULL : route->query->fields; field != NULL && field->name != NULL; field++) {
        add_parameter(maker, list, field->name, "query", field->about, describe_row(maker, field));
    }
    return list;
}

/* {"content":{type:{"schema":...}}} around a schema (NULL: any). */
static void put_content(struct maker *maker, struct doc *object, const char *type, struct doc *schema)
{
    struct doc *content = doc_new_object(), *media = doc_new_object();
    put(maker, media, "schema", schema == NULL ? doc_new_object() : schema);
    put(maker, content, type, media);
    put(maker, object, "content", content);
}

/* The parts of an upload. */
static struct doc *make_upload(struct maker *maker, const struct api_route *route)
{
    struct doc *out = type_of(maker, "object"), *parts = doc_new_object(), *file = doc_new_object(), *needed = doc_new_list();
    put_text(maker, file, "contentMediaType", "text/csv");
    put(maker, parts, "metadata", refer(maker, route->takes));
    put(maker, parts, "file", file);
    put(maker, out, "properties", parts);
    add(maker, needed, doc_new_string("metadata"));
    add(maker, needed, doc_new_string("file"));
    put(maker, out, "required", needed);
    return out;
}

static void put_body(struct maker *maker, struct doc *operation, const struct api_route *route)
{
    if (route->body == API_BODY_NONE) {
        return;
    }
    const char *type = route->takes_type == NULL ? "application/json" : route->takes_type;
    struct doc *schema = route->takes_variant != NULL ? describe_row(maker, route->takes_variant) : NULL;
    if (route->takes != NULL) {
        schema = route->body == API_BODY_STREAM ? make_upload(maker, route) : refer(maker, route->takes);
    }
    struct doc *body = doc_new_object();
    put(maker, body, "required", doc_new_boolean(true));
    put_content(maker, body, type, schema);
    put(maker, operation, "requestBody", body);
}

static struct doc *make_list(struct maker *maker, const struct schema *item)
{
    struct doc *out = type_of(maker, "object"), *keys = doc_new_object(), *data = type_of(maker, "array"), *object = doc_new_object();
    put(maker, data, "items", refer(maker, item));
    put_text(maker, object, "const", "list");
    put(maker, keys, "object", object);
    put(maker, keys, "data", data);
    put(maker, keys, "has_more", type_of(maker, "boolean"));
    put(maker, out, "properties", keys);
    return out;
}

static void put_success(struct maker *maker, struct doc *responses, const struct api_route *route)
{
    char status[12];
    (void)snprintf(status, sizeof(status), "%d", route->status);
    struct doc *out = doc_new_object();
    put_text(maker, out, "description", route->status == 204 ? "Done; no content." : "Done.");
    if (route->status != 204) {
        struct doc *schema = route->gives == NULL ? NULL : route->gives_list ? make_list(maker, route->gives)
                                                                             : refer(maker, route->gives);
        put_content(maker, out, route->gives_type == NULL ? "application/json" : route->gives_type, schema);
    }
    put(maker, responses, status, out);
}

/* {"error":"..."}: the body of other protocols. */
static struct doc *make_plain_error(struct maker *maker)
{
    struct doc *out = type_of(maker, "object"), *keys = doc_new_object();
    put(maker, keys, "error", type_of(maker, "string"));
    put(maker, out, "properties", keys);
    return out;
}

static void put_refusal(struct maker *maker, struct doc *responses, const struct api_route *route, int number)
{
    static const struct {
        int status;
        const char *about;
    } words[] = {
        { 400, "The request is not well-formed, or a value is not allowed." },
        { 401, "A valid token is needed." },
        { 403, "The token lacks the scope." },
        { 404, "There is no such thing." },
        { 409, "It clashes with the present state." },
        { 410, "It has been erased." },
        { 413, "The body is too large." },
        { 415, "The content type is not supported." },
        { 422, "Well-formed, but not possible with this data." },
        { 429, "Too many requests; Retry-After says when to come back." },
        { 500, "An internal error." },
        { 503, "Not ready for this now." },
        { 504, "The deadline has passed." },
        { 507, "The disk is full." },
    };

    char status[12];
    (void)snprintf(status, sizeof(status), "%d", number);
    struct doc *out = doc_new_object();
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (words[i].status == number) {
            put_text(maker, out, "description", words[i].about);
        }
    }
    if (route_style(route->pattern) == API_STYLE_PLAIN) {
        put_content(maker, out, "application/json", make_plain_error(maker));
    } else {
        put_content(maker, out, "application/problem+json", refer(maker, &api_problem_schema));
    }
    put(maker, responses, status, out);
}

static struct doc *make_responses(struct maker *maker, const struct api_route *route)
{
    static const int always[] = { 400, 500, 503, 0 };
    static const int closed[] = { 401, 403, 404, 429, 504, 0 };
    static const int bodied[] = { 413, 415, 0 };
    struct doc *out = doc_new_object();
    put_success(maker, out, route);
    const int *lists[] = { always, route->open ? NULL : closed, route->body == API_BODY_NONE ? NULL : bodied, route->refusals };
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        for (const int *status = lists[i]; status != NULL && *status != 0; status++) {
            put_refusal(maker, out, route, *status);
        }
    }
    return out;
}

/* The scope that the token needs, in the words of the contract. */
static void put_security(struct maker *maker, struct doc *operation, const struct api_route *route)
{
    struct doc *list = doc_new_list();
    if (!route->open) {
        char scope[NAME_SIZE];
        struct doc *scopes = doc_new_list(), *need = doc_new_object();
        (void)snprintf(scope, sizeof(scope), "%s:%s", route->kind, route->verb);
        add(maker, scopes, doc_new_string(scope));
        put(maker, need, "token", scopes);
        add(maker, list, need);
    }
    put(maker, operation, "security", list);
}

static void put_operation(struct maker *maker, struct doc *paths, const struct api_route *route)
{
    char method[NAME_SIZE];
    size_t n = 0;
    for (; route->method[n] != '\0'; n++) {
        method[n] = (char)tolower((unsigned char)route->method[n]);
    }
    method[n] = '\0';
    struct doc *operation = doc_new_object();
    put_text(maker, operation, "operationId", route->id);
    put_text(maker, operation, "description", route->about);
    put(maker, operation, "parameters", make_parameters(maker, route));
    put_body(maker, operation, route);
    put(maker, operation, "responses", make_responses(maker, route));
    put_security(maker, operation, route);
    if (doc_get(paths, route->pattern) == NULL) {
        put(maker, paths, route->pattern, doc_new_object());
    }
    put(maker, (struct doc *)doc_get(paths, route->pattern), method, operation); /* ours: made above */
}

static void put_head(struct maker *maker, struct doc *out, const char *version, const char *prefix)
{
    struct doc *info = doc_new_object(), *servers = doc_new_list(), *server = doc_new_object();
    put_text(maker, out, "openapi", "3.1.0");
    put_text(maker, info, "title", "licit");
    put_text(maker, info, "version", version);
    put_text(maker, info, "description", "Trains, keeps and serves models.");
    put(maker, out, "info", info);
    put_text(maker, server, "url", prefix == NULL || prefix[0] == '\0' ? "/" : prefix);
    add(maker, servers, server);
    put(maker, out, "servers", servers);
}

static struct doc *make_components(struct maker *maker)
{
    struct doc *out = doc_new_object(), *schemes = doc_new_object(), *token = doc_new_object();
    put_text(maker, token, "type", "http");
    put_text(maker, token, "scheme", "bearer");
    put(maker, schemes, "token", token);
    put(maker, out, "securitySchemes", schemes);
    put(maker, out, "schemas", TAKE(maker->schemas));
    return out;
}

enum rc openapi_make(const struct api_route *routes, const char *version, const char *prefix, struct doc **ret)
{
    struct maker maker = { doc_new_object(), RC_OK };
    struct doc *out = doc_new_object(), *paths = doc_new_object();
    put_head(&maker, out, version, prefix);
    for (const struct api_route *route = routes; route->method != NULL; route++) {
        put_operation(&maker, paths, route);
    }
    put(&maker, out, "paths", paths);
    put(&maker, out, "components", make_components(&maker));
    if (maker.rc != RC_OK) {
        doc_destroy(out);
        return maker.rc;
    }
    *ret = out;
    return RC_OK;
}
