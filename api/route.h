/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/request.h"

/*
 * The route table: one row says everything about an operation, and dispatch,
 * scope check, 404, 405, body ceilings and the OpenAPI document come from it.
 *
 * A pattern is literal segments and "{name}", which matches one segment without
 * ':' and is checked by the form of its name (route.c); "{model}:predict" takes
 * a literal tail. A row that is not `open` needs a token with its scope.
 *
 * Threads: any (tables are constant). Memory: none. Logs: no.
 */

enum api_body {
    API_BODY_NONE,   /* a body is refused */
    API_BODY_WHOLE,  /* collected up to the ceiling, then handled */
    API_BODY_STREAM, /* handed to `chunk` as it comes, on the io pool */
};

/* Ceilings are settings; a row names the kind. */
enum api_ceiling {
    API_CEILING_JSON,
    API_CEILING_PREDICT,
    API_CEILING_UPLOAD,
};

/* The error body of the protocol that the path belongs to. */
enum api_style {
    API_STYLE_NATIVE, /* RFC 9457 */
    API_STYLE_OPENAI, /* the same, with an "error" object beside it */
    API_STYLE_PLAIN,  /* {"error":"..."}: TensorFlow Serving and the Open Inference Protocol */
};

struct api_route {
    const char *method;
    const char *pattern;
    bool open;         /* public: no token */
    const char *kind;  /* of the scope */
    const char *named; /* the path parameter that names the object; NULL: all of the kind */
    const char *verb;

    enum api_body body;
    enum api_ceiling ceiling;
    enum api_where where;
    enum api_where (*place)(struct api_request *request); /* where it depends on the request; must not touch the disk */
    enum rc (*handle)(struct api_request *request, struct why *why);
    enum rc (*chunk)(struct api_request *request, const char *bytes, size_t n, struct why *why);

    const char *id; /* operationId */
    const char *about;
    const struct schema *query;        /* NULL: any key is an error */
    const struct schema *takes;        /* the body, where it is a JSON object of one form */
    const struct field *takes_variant; /* where "type" tells several forms apart */
    const char *takes_type;            /* NULL: application/json */
    const struct schema *gives;        /* NULL: no JSON object */
    const char *gives_type;            /* NULL: application/json */
    bool gives_list;                   /* a list of `gives` */
    int status;                        /* of success */
    const int *refusals;               /* statuses of its own beside the common ones; closed by 0 */
};

/* RC_OK with request->route and parameters set; RC_NOT_FOUND; RC_METHOD with *ret_allow (region memory);
 * RC_INVALID where a parameter's form is wrong. `routes` is closed by a row whose method is NULL. */
enum rc route_find(const struct api_route *routes, struct api_request *request, const char **ret_allow,
                   struct why *why) MUST_CHECK;

enum api_style route_style(const char *path);

/* The schema of a path parameter for the OpenAPI document: its form in words. */
const char *route_param_form(const char *name);

#endif
