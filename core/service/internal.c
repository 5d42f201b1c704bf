/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/internal.h"

#include <string.h>

#include "core/base/log.h"
#include "core/math/mat.h"
#include "core/store/blob.h"
#include "core/store/job.h"
#include "core/work/jobstate.h"

const char *service_library(void)
{
    return mat_library();
}

struct doc *service_list(struct doc *data, bool has_more)
{
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    const enum rc object = doc_put_string(out, "object", "list");
    const enum rc items = doc_put(out, "data", data); /* also after a failure: data was handed over */
    if (object != RC_OK || items != RC_OK || doc_put_boolean(out, "has_more", has_more) != RC_OK) {
        return NULL;
    }
    return TAKE(out);
}

enum rc service_text(const struct doc *doc, struct region *region, const char **ret)
{
    AUTO(buf) struct buf out;
    buf_init(&out, SERVICE_REGION_MAX);
    const enum rc rc = doc_write(doc, DOC_CANONICAL, &out);
    if (rc != RC_OK) {
        return rc;
    }
    const char *text = region_strdup(region, out.data);
    *ret = text;
    return text == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc service_stored(const char *text, struct doc **ret, struct why *why)
{
    if (text == NULL) {
        *ret = NULL;
        return RC_OK;
    }
    const enum rc rc = doc_parse(text, strlen(text), ret, why);
    return rc == RC_OK || rc == RC_NO_MEMORY ? rc : why_fail(why, RC_CORRUPT, "", "a stored record is damaged");
}

void service_drop_unnamed(struct service *service, const struct blob_ref *blob, enum rc reason)
{
    const enum rc rc = reason == RC_IO ? RC_IO : blob_remove(service->store, blob);
    if (rc != RC_OK) {
        log_warn("file_left_behind", "rc=%s", rc_name(rc));
    }
}

enum rc service_move_job(struct service *service, const char *id, const struct job_move *move, struct why *why)
{
    enum jobstate from, to;
    MUST(jobstate_from_name(move->from, &from) && jobstate_from_name(move->to, &to));
    MUST(jobstate_may(from, to));
    return store_job_move(service->store, id, move, why);
}

struct store_page service_page(const struct page *page)
{
    return (struct store_page){ .limit = page->limit, .after = page->after };
}
