/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/token.h"

#include <unistd.h>

#include "core/base/clock.h"
#include "tests/core/service/house.h"

static enum rc issue(struct house *it, const struct caller *creator, const char *json, struct doc **ret)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    return service_token_create(it->service, creator, body, ret, &it->why);
}

static struct caller *caller_of(struct house *it, const struct doc *reply)
{
    struct caller *caller = NULL;
    check_ok(caller_find(it->service, &(struct caller_ask){ .token = doc_get_string(reply, "token", "") }, &caller, &it->why), &it->why);
    return caller;
}

static void test_token_narrows_and_never_widens(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *child = NULL;
    struct doc *wider = NULL;
    check_ok(issue(it, it->caller, "{\"name\":\"app\",\"scopes\":[\"model:credit*:predict\",\"token:write\",\"-model:credit-old:predict\"],\"expires_in\":60}", &child), &it->why);
    struct caller *caller = caller_of(it, child);
    check(caller_may(caller, "model", "credit", "predict"));
    check(!caller_may(caller, "model", "credit-old", "predict"));
    check(!caller_may(caller, "model", "fraud", "predict"));
    check(!caller_may(caller, "model", "credit", "deploy"));
    check_rc(issue(it, caller, "{\"name\":\"x\",\"scopes\":[\"*\"],\"expires_in\":60}", &wider), RC_DENIED);
    check_rc(issue(it, caller, "{\"name\":\"x\",\"scopes\":[\"model:credit*:predict\"],\"expires_in\":60}", &wider), RC_DENIED);
    check(wider == NULL);
    caller_release(caller);
}

static void test_token_request_refuses(void **state)
{
    struct house *it = *state;

    static const struct {
        const char *json;
        const char *path;
    } rows[] = {
        { "{\"name\":\"a\",\"scopes\":[\"model:read\"]}", "expires_in" },
        { "{\"name\":\"a\",\"scopes\":[\"model:read\"],\"expires_in\":0}", "expires_in" },
        { "{\"name\":\"a\",\"scopes\":[\"model:read\"],\"expires_in\":315360000}", "expires_in" },
        { "{\"name\":\"a\",\"scopes\":[],\"expires_in\":60}", "scopes" },
        { "{\"name\":\"a\",\"scopes\":[\"model:read\",\"model:fly\"],\"expires_in\":60}", "scopes[1]" },
        { "{\"name\":\"\",\"scopes\":[\"model:read\"],\"expires_in\":60}", "name" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct doc *reply = NULL;
        check_rc(issue(it, it->caller, rows[i].json, &reply), RC_INVALID);
        check_text(it->why.path, rows[i].path);
    }
}

static void test_token_revoked_stops_its_children(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *parent = NULL;
    AUTO_PTR(doc) struct doc *child = NULL;
    check_ok(issue(it, it->caller, "{\"name\":\"p\",\"scopes\":[\"model:read\",\"token:write\"],\"expires_in\":60}", &parent), &it->why);
    struct caller *caller = caller_of(it, parent);
    check_ok(issue(it, caller, "{\"name\":\"c\",\"scopes\":[\"model:read\"],\"expires_in\":60}", &child), &it->why);
    caller_release(caller);
    check_ok(service_token_revoke(it->service, it->caller, doc_get_string(parent, "id", ""), &it->why), &it->why);
    check_rc(caller_find(it->service, &(struct caller_ask){ .token = doc_get_string(child, "token", "") }, &caller, &it->why), RC_UNAUTHENTICATED);
    house_close(it);
    house_open(it);
    check_rc(caller_find(it->service, &(struct caller_ask){ .token = doc_get_string(child, "token", "") }, &caller, &it->why), RC_UNAUTHENTICATED);
}

static void test_token_expires(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *reply = NULL;
    struct caller *caller = NULL;
    check_ok(issue(it, it->caller, "{\"name\":\"p\",\"scopes\":[\"model:read\"],\"expires_in\":60}", &reply), &it->why);
    wall_set((struct wall){ wall_now().ms + 61000 });
    const enum rc rc = caller_find(it->service, &(struct caller_ask){ .token = doc_get_string(reply, "token", "") }, &caller, &it->why);
    wall_set((struct wall){ -1 });
    check_rc(rc, RC_UNAUTHENTICATED);
}

static void test_token_limited_to_purposes(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *limited = NULL;
    AUTO_PTR(doc) struct doc *child = NULL;
    struct doc *wider = NULL;
    check_ok(issue(it, it->caller, "{\"name\":\"p\",\"scopes\":[\"*\"],\"expires_in\":60,\"purposes\":[\"scoring\",\"audit\"]}", &limited), &it->why);
    struct caller *caller = caller_of(it, limited);
    check_ok(caller_check_purpose(caller, "scoring", "p", &it->why), &it->why);
    check_rc(caller_check_purpose(caller, "marketing", "p", &it->why), RC_DENIED);
    check_rc(caller_check_purpose(caller, NULL, "p", &it->why), RC_DENIED);
    check_ok(caller_check_purpose(it->caller, NULL, "p", &it->why), &it->why);
    check_rc(issue(it, caller, "{\"name\":\"c\",\"scopes\":[\"*\"],\"expires_in\":60}", &wider), RC_DENIED);
    check_rc(issue(it, caller, "{\"name\":\"c\",\"scopes\":[\"*\"],\"expires_in\":60,\"purposes\":[\"scoring\",\"x\"]}", &wider), RC_DENIED);
    check_ok(issue(it, caller, "{\"name\":\"c\",\"scopes\":[\"*\"],\"expires_in\":60,\"purposes\":[\"audit\"]}", &child), &it->why);
    caller_release(caller);
}

static void test_token_list_hides_the_secret(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *list = NULL;
    const struct page page = { .limit = 5 };
    check_ok(service_token_list(it->service, &page, &list, &it->why), &it->why);
    check_int(doc_count(doc_get(list, "data")), 1);
    const struct doc *first = doc_at(doc_get(list, "data"), 0);
    check(doc_get(first, "token") == NULL);
    check_text(doc_string(doc_at(doc_get(first, "scopes"), 0)), "*");
}

static void test_first_token_file_goes_when_another_does_its_work(void **state)
{
    struct house *it = *state;
    char path[128];
    AUTO_PTR(doc) struct doc *reply = NULL;
    (void)snprintf(path, sizeof(path), "%s/first-token", it->dir);
    check_ok(issue(it, it->caller, "{\"name\":\"admin\",\"scopes\":[\"*\"],\"expires_in\":60}", &reply), &it->why);
    check_int(access(path, F_OK), 0);
    caller_release(caller_of(it, reply));
    house_close(it); /* the chore is finished before the store closes */
    check_int(access(path, F_OK), -1);
}

#define HOUSE_CHECK(function) CHECK_WITH(function, house_setup, house_teardown)

CHECK_MAIN("core/service/token",
           HOUSE_CHECK(test_token_narrows_and_never_widens),
           HOUSE_CHECK(test_token_request_refuses),
           HOUSE_CHECK(test_token_revoked_stops_its_children),
           HOUSE_CHECK(test_token_expires),
           HOUSE_CHECK(test_token_limited_to_purposes),
           HOUSE_CHECK(test_token_list_hides_the_secret),
           HOUSE_CHECK(test_first_token_file_goes_when_another_does_its_work))
