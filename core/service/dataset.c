/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/dataset.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/data/profile.h"
#include "core/service/internal.h"
#include "core/store/dataset.h"

/*
 * DESIGN. The file goes to disk as it comes. Its profile (types, statistics,
 * every check of the CSV) is taken while it streams when the metadata came
 * first, since the types that the user chose are known then; else by reading
 * the stored file once more at the end. The row is written last.
 */

struct upload {
    struct service *service;
    struct region region; /* the metadata's */
    struct dataset_metadata metadata;
    struct profile_options options;
    struct profile *profile; /* NULL until the metadata came; borrows the options */
    struct blob_writer *writer;
    bool has_metadata, has_file, streamed; /* streamed: the profile has seen every byte */
    uint64_t bytes;
};

enum rc upload_create(struct service *service, struct upload **ret, struct why *why)
{
    AUTO_PTR(upload) struct upload *upload = mem_alloc(sizeof(*upload));
    if (upload == NULL) {
        return RC_NO_MEMORY;
    }
    upload->service = service;
    region_init(&upload->region, SERVICE_REGION_MAX);
    const enum rc rc = blob_create(service->store, &upload->writer);
    if (rc != RC_OK) {
        return why_fail(why, rc, "", "could not begin to store the file: %s", rc_text(rc));
    }
    *ret = TAKE(upload);
    return RC_OK;
}

void upload_destroy(struct upload *upload)
{
    if (upload != NULL) {
        blob_abandon(upload->writer);
        profile_destroy(upload->profile);
        region_finish(&upload->region);
        mem_free(upload);
    }
}

enum rc upload_metadata(struct upload *upload, const char *json, size_t n, struct why *why)
{
    if (upload->has_metadata) {
        return why_fail(why, RC_INVALID, "metadata", "is given twice");
    }
    enum rc rc = dataset_metadata_read(json, n, &upload->region, &upload->metadata, why);
    if (rc != RC_OK) {
        return why_under(why, rc, "metadata");
    }
    upload->has_metadata = true;
    upload->options = (struct profile_options){
        .columns = upload->metadata.columns,
        .missing = upload->metadata.governance.missing,
    };
    rc = profile_create(&upload->options, &upload->profile);
    upload->streamed = upload->bytes == 0;
    return rc;
}

/* The place of an error in the table is the file part. */
static enum rc profile_bytes(void *arg, const char *bytes, size_t n)
{
    struct upload *upload = ((void **)arg)[0];
    struct why *why = ((void **)arg)[1];
    return profile_push(upload->profile, bytes, n, why);
}

/* A chosen column that the header lacks is a fault of the metadata, all else one of the file. */
static enum rc in_part(struct why *why, enum rc rc)
{
    const bool is_choice = why != NULL && strcmp(why->path, "columns") == 0;
    return why_under(why, rc, is_choice ? "metadata" : "file");
}

enum rc upload_bytes(struct upload *upload, const char *bytes, size_t n, struct why *why)
{
    upload->has_file = true;
    upload->bytes += n;
    if (upload->bytes > upload->service->config.dataset_bytes) {
        return why_fail(why, RC_TOO_LARGE, "file", "must be at most %zu bytes", upload->service->config.dataset_bytes);
    }
    enum rc rc = blob_write(upload->writer, bytes, n);
    if (rc != RC_OK) {
        return why_fail(why, rc, "file", "could not be stored: %s", rc_text(rc));
    }
    if (upload->streamed) {
        rc = in_part(why, profile_push(upload->profile, bytes, n, why));
    }
    return rc;
}

static enum rc finish_profile(struct upload *upload, const struct blob_ref *blob, struct why *why)
{
    enum rc rc = RC_OK;
    if (!upload->streamed) {
        void *arg[2] = { upload, why };
        rc = blob_each(upload->service->store, blob, profile_bytes, arg);
    }
    if (rc == RC_OK) {
        rc = profile_end(upload->profile, why);
    }
    if (rc != RC_OK) {
        return in_part(why, rc);
    }
    return why_under(why, dataset_metadata_check(&upload->metadata, profile_columns(upload->profile), why), "metadata");
}

static void fill_view(const struct upload *upload, const struct dataset_row *row, struct dataset_view *view)
{
    *view = (struct dataset_view){
        .id = row->id,
        .object = "dataset",
        .version = row->version,
        .status = DATASET_READY,
        .rows = row->rows,
        .bytes = row->bytes,
        .sha256 = row->sha256,
        .created_at = row->created_at,
        .governance = upload->metadata.governance,
        .columns = *profile_columns(upload->profile),
    };
}

/* Writes the row of a stored and checked file. The body is the whole reply; what the store decides is put over it when it is read. */
static enum rc add_row(struct upload *upload, const struct blob_ref *blob, struct doc **ret, struct why *why)
{
    struct dataset_row row = {
        .name = upload->metadata.governance.name,
        .version = 1,
        .created_at = wall_seconds(),
        .rows = profile_rows(upload->profile),
        .bytes = (int64_t)blob->bytes,
        .blob = *blob,
    };
    id_make("ds", row.id);
    memcpy(row.sha256, blob->sha256, sizeof(row.sha256));
    struct dataset_view view;
    fill_view(upload, &row, &view);
    AUTO_PTR(doc) struct doc *doc = schema_write(&dataset_schema, &view);
    enum rc rc = doc == NULL ? RC_NO_MEMORY : service_text(doc, &upload->region, &row.body);
    if (rc == RC_OK) {
        rc = store_dataset_add(upload->service->store, &row, &row.version, why);
    }
    if (rc == RC_OK) {
        /* The dataset is kept: what fails now must not take its file away. */
        if (doc_put_integer(doc, "version", row.version) != RC_OK) {
            log_warn("dataset_version_untold", "dataset=%s version=%lld", row.id, (long long)row.version);
        }
        log_info("dataset_added", "dataset=%s rows=%lld bytes=%lld", row.id, (long long)row.rows, (long long)row.bytes);
        *ret = TAKE(doc);
    }
    return rc;
}

enum rc upload_finish(struct upload *upload, struct doc **ret, struct why *why)
{
    if (!upload->has_metadata || !upload->has_file) {
        return why_fail(why, RC_INVALID, upload->has_metadata ? "file" : "metadata", "the part is missing; an upload has the parts metadata and file");
    }
    struct blob_ref blob;
    enum rc rc = blob_seal(TAKE(upload->writer), &blob);
    if (rc != RC_OK) {
        return why_fail(why, rc, "file", "could not be stored: %s", rc_text(rc));
    }
    rc = finish_profile(upload, &blob, why);
    if (rc == RC_OK) {
        rc = add_row(upload, &blob, ret, why);
    }
    if (rc != RC_OK) {
        service_drop_unnamed(upload->service, &blob, rc);
    }
    return rc;
}

/* The reply of a row: its body with what the store knows better. */
static enum rc reply(const struct dataset_row *row, struct doc **ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    enum rc rc = service_stored(row->body, &doc, why);
    if (rc == RC_OK) {
        rc = doc_put_integer(doc, "version", row->version);
    }
    if (rc == RC_OK) {
        rc = doc_put_string(doc, "status", row->erased ? "erased" : "ready");
    }
    if (rc == RC_OK) {
        *ret = TAKE(doc);
    }
    return rc;
}

enum rc service_dataset_get(struct service *service, const char *id, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct dataset_row row;
    enum rc rc = store_dataset_get(service->store, id, &region, &row, why);
    if (rc != RC_OK) {
        return rc;
    }
    rc = reply(&row, ret, why);
    return rc == RC_OK && row.erased ? why_fail(why, RC_GONE, "", "the dataset %s has been erased", id) : rc;
}

enum rc service_dataset_list(struct service *service, const struct page *page, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    const struct store_page rows = service_page(page);
    struct dataset_list list;
    enum rc rc = store_dataset_list(service->store, &rows, &region, &list, why);
    AUTO_PTR(doc) struct doc *data = doc_new_list();
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        struct doc *item = NULL;
        rc = reply(&list.rows[i], &item, why);
        rc = rc == RC_OK ? doc_add(data, item) : rc;
    }
    if (rc != RC_OK) {
        return rc;
    }
    *ret = service_list(TAKE(data), list.has_more);
    return *ret == NULL ? RC_NO_MEMORY : RC_OK;
}

/* What stays on record of an erased dataset: all but what its values were. */
static enum rc remaining(const struct dataset_row *row, struct region *region, const char **ret_body,
                         struct doc **ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    enum rc rc = reply(row, &doc, why);
    if (rc != RC_OK) {
        return rc;
    }
    (void)doc_remove(doc, "columns"); /* one that is not there is just as well */
    rc = doc_put_string(doc, "status", "erased");
    if (rc == RC_OK) {
        rc = service_text(doc, region, ret_body);
    }
    if (rc == RC_OK) {
        *ret = TAKE(doc);
    }
    return rc;
}

enum rc service_dataset_erase(struct service *service, const char *id, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct dataset_row row;
    const char *body = NULL;
    AUTO_PTR(doc) struct doc *doc = NULL;
    enum rc rc = store_dataset_get(service->store, id, &region, &row, why);
    if (rc == RC_OK) {
        rc = remaining(&row, &region, &body, &doc, why);
    }
    if (rc == RC_OK) {
        rc = store_dataset_erase(service->store, id, wall_seconds(), body, why);
    }
    if (rc == RC_OK) {
        log_info("dataset_erased", "dataset=%s", id);
        *ret = TAKE(doc);
    }
    return rc;
}
