/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <string.h>

#include "api/multipart.h"
#include "core/service/dataset.h"

#define METADATA_MAX (256u << 10) /* bytes of the part that says what the file is */

/* An upload under way: parts come in pieces, the metadata is kept until it is whole. */
struct intake {
    struct multipart *multipart;
    struct upload *upload;
    struct buf metadata;
    bool has_metadata, has_file;
    bool in_metadata; /* the present part */
};

static void drop_intake(void *state)
{
    struct intake *it = state;
    multipart_destroy(it->multipart);
    upload_destroy(it->upload);
    buf_finish(&it->metadata);
    mem_free(it);
}

static enum rc begin_part(void *arg, const struct multipart_part *part, struct why *why)
{
    struct intake *it = arg;
    it->in_metadata = strcmp(part->name, "metadata") == 0;
    if (!it->in_metadata && strcmp(part->name, "file") != 0) {
        return why_fail(why, RC_UNKNOWN_KEY, part->name, "is not a part of an upload; the parts are metadata and file");
    }
    bool *seen = it->in_metadata ? &it->has_metadata : &it->has_file;
    if (*seen) {
        return why_fail(why, RC_DUPLICATE_KEY, part->name, "the part is given twice");
    }
    *seen = true;
    return RC_OK;
}

static enum rc take_bytes(void *arg, const char *bytes, size_t n, struct why *why)
{
    struct intake *it = arg;
    if (!it->in_metadata) {
        return upload_bytes(it->upload, bytes, n, why);
    }
    const enum rc rc = buf_append(&it->metadata, bytes, n);
    return rc == RC_TOO_LARGE ? why_fail(why, rc, "metadata", "may be at most %u bytes", METADATA_MAX) : rc;
}

static enum rc end_part(void *arg, struct why *why)
{
    struct intake *it = arg;
    if (!it->in_metadata) {
        return RC_OK;
    }
    const char *text = it->metadata.data == NULL ? "" : it->metadata.data;
    return upload_metadata(it->upload, text, it->metadata.len, why);
}

static enum rc open_intake(struct api_request *request, struct why *why)
{
    struct intake *it = mem_alloc(sizeof(*it));
    if (it == NULL) {
        return RC_NO_MEMORY;
    }
    request->state = it;
    request->drop = drop_intake;
    buf_init(&it->metadata, METADATA_MAX);
    const struct multipart_events events = { it, begin_part, take_bytes, end_part };
    const enum rc rc = multipart_create(api_get_header(request, "content-type"), &events, &it->multipart, why);
    return rc != RC_OK ? rc : upload_create(request->service, &it->upload, why);
}

enum rc handle_dataset_chunk(struct api_request *request, const char *bytes, size_t n, struct why *why)
{
    const enum rc rc = request->state == NULL ? open_intake(request, why) : RC_OK;
    struct intake *it = request->state;
    return rc != RC_OK ? rc : multipart_push(it->multipart, bytes, n, why);
}

enum rc handle_dataset_create(struct api_request *request, struct why *why)
{
    enum rc rc = request->state == NULL ? open_intake(request, why) : RC_OK;
    struct intake *it = request->state;
    rc = rc != RC_OK ? rc : multipart_finish(it->multipart, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (!it->has_metadata || !it->has_file) {
        return why_fail(why, RC_INVALID, it->has_metadata ? "file" : "metadata", "the part is missing");
    }
    struct doc *doc = NULL;
    rc = upload_finish(it->upload, &doc, why);
    return rc != RC_OK ? rc : handlers_created(request, 201, "/v1/datasets", doc);
}

enum rc handle_dataset_list(struct api_request *request, struct why *why)
{
    return handlers_list(request, why, service_dataset_list);
}

enum rc handle_dataset_get(struct api_request *request, struct why *why)
{
    struct doc *doc = NULL;
    const enum rc rc = service_dataset_get(request->service, api_get_param(request, "dataset"), &doc, why);
    if (rc == RC_GONE && doc != NULL) { /* what remains on record is the answer */
        request->response.code = "gone";
        return api_reply_doc(request, 410, doc);
    }
    return rc != RC_OK ? rc : api_reply_doc(request, 200, doc);
}

enum rc handle_dataset_erase(struct api_request *request, struct why *why)
{
    struct doc *doc = NULL;
    const enum rc rc = service_dataset_erase(request->service, api_get_param(request, "dataset"), &doc, why);
    return rc != RC_OK ? rc : api_reply_doc(request, 200, doc);
}
