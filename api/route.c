/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"

#include <string.h>

#include "core/base/str.h"

static bool is_version(const char *text)
{
    int64_t n;
    return text[0] >= '1' && text[0] <= '9' && str_to_int64(text, &n);
}

static bool is_dataset(const char *text)
{
    return id_is(text, "ds");
}

static bool is_job(const char *text)
{
    return id_is(text, "job");
}

static bool is_token(const char *text)
{
    return id_is(text, "tok");
}

/* What may stand in a path. An id that cannot exist is simply not found; a version is a number or a mistake. */
static const struct {
    const char *name;
    bool (*check)(const char *text);
    enum rc rc;
    const char *form;
} forms[] = {
    { "dataset", is_dataset, RC_NOT_FOUND, "a dataset id: ds- and 20 characters of 0-9a-v" },
    { "job", is_job, RC_NOT_FOUND, "a job id: job- and 20 characters of 0-9a-v" },
    { "token", is_token, RC_NOT_FOUND, "a token id: tok- and 20 characters of 0-9a-v" },
    { "model", str_is_name, RC_NOT_FOUND, "a name: a letter or digit, then at most 62 letters, digits, '.', '_' or '-'" },
    { "label", str_is_name, RC_INVALID, "a name: a letter or digit, then at most 62 letters, digits, '.', '_' or '-'" },
    { "version", is_version, RC_INVALID, "a whole number from 1" },
};

const char *route_param_form(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (strcmp(forms[i].name, name) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}

static enum rc check_form(const struct api_param *param, struct why *why)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (strcmp(forms[i].name, param->name) == 0 && !forms[i].check(param->value)) {
            return why_fail(why, forms[i].rc, param->name, "must be %s", forms[i].form);
        }
    }
    return RC_OK;
}

static const char *copy(struct region *region, const char *text, size_t n)
{
    char *out = region_alloc(region, n + 1, 1);
    return out == NULL ? NULL : memcpy(out, text, n);
}

/* Does the path match the pattern? *ret_rc is RC_NO_MEMORY when a parameter could not be kept. */
static bool matches(const char *pattern, const char *path, struct api_request *request, enum rc *ret_rc)
{
    request->param_count = 0;
    while (*pattern != '\0' && *path != '\0') {
        if (*pattern != '{') {
            if (*pattern++ != *path++) {
                return false;
            }
            continue;
        }
        const size_t name = strcspn(pattern, "}") - 1, value = strcspn(path, "/:");
        if (value == 0) {
            return false;
        }
        struct api_param *param = &request->params[request->param_count++];
        MUST(request->param_count <= API_PARAMS_MAX);
        param->name = copy(&request->region, pattern + 1, name);
        param->value = copy(&request->region, path, value);
        if (param->name == NULL || param->value == NULL) {
            *ret_rc = RC_NO_MEMORY;
            return false;
        }
        pattern += name + 2;
        path += value;
    }
    return *pattern == *path;
}

/* HEAD is answered as GET; the door leaves the body out. */
static bool is_method(const struct api_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

enum rc route_find(const struct api_route *routes, struct api_request *request, const char **ret_allow, struct why *why)
{
    const char *allow = NULL;
    enum rc rc = RC_OK;
    for (const struct api_route *route = routes; route->method != NULL && rc == RC_OK; route++) {
        if (!matches(route->pattern, request->path, request, &rc)) {
            continue;
        }
        if (is_method(route, request->method)) {
            request->route = route;
            for (size_t i = 0; i < request->param_count && rc == RC_OK; i++) {
                rc = check_form(&request->params[i], why);
            }
            return rc;
        }
        const char *more = strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method;
        allow = allow == NULL ? more : region_printf(&request->region, "%s, %s", allow, more);
        rc = allow == NULL ? RC_NO_MEMORY : RC_OK;
    }
    if (rc != RC_OK) {
        return rc;
    }
    if (allow == NULL) {
        return why_fail(why, RC_NOT_FOUND, NULL, "there is nothing at this path; GET /openapi.json lists what there is");
    }
    allow = region_printf(&request->region, "%s, OPTIONS", allow);
    if (allow == NULL) {
        return RC_NO_MEMORY;
    }
    *ret_allow = allow;
    return why_fail(why, RC_METHOD, NULL, "this path offers %s", allow);
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

enum api_style route_style(const char *path)
{
    const char *colon = path == NULL ? NULL : strrchr(path, ':');
    if (path == NULL) {
        return API_STYLE_NATIVE;
    }
    if (strcmp(path, "/v2") == 0 || begins(path, "/v2/") ||
        (begins(path, "/v1/models/") && colon != NULL && strchr(colon, '/') == NULL)) {
        return API_STYLE_PLAIN;
    }
    if (begins(path, "/v1/models") || begins(path, "/v1/files") || begins(path, "/v1/fine_tuning")) {
        return API_STYLE_OPENAI;
    }
    return API_STYLE_NATIVE;
}
