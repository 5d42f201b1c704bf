/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/model_body.h"

#define VERSION(member) offsetof(struct version_view, member)

static const struct field version_fields[] = {
    { .name = "version", .kind = FIELD_INTEGER, .offset = VERSION(version), .about = "1, 2, ...; never given twice." },
    { .name = "created_at", .kind = FIELD_INTEGER, .offset = VERSION(created_at), .about = "Unix seconds." },
    { .name = "dataset", .kind = FIELD_STRING, .offset = VERSION(dataset), .about = "What it learned from." },
    { .name = "job", .kind = FIELD_STRING, .offset = VERSION(job), .about = "The job that made it." },
    { .name = "weights_digest", .kind = FIELD_STRING, .offset = VERSION(weights_digest), .about = "SHA-256 of weights.safetensors." },
    { .name = "version_digest", .kind = FIELD_STRING, .offset = VERSION(version_digest), .about = "SHA-256 of the manifest that names every part by digest." },
    { .name = "parameters", .kind = FIELD_INTEGER, .offset = VERSION(parameters), .about = "Numbers in the network." },
    { .name = "metrics", .kind = FIELD_ANY, .offset = VERSION(metrics), .about = "By name, on the rows that training held out." },
    { .name = NULL },
};

const struct schema model_version_schema = { "ModelVersion", "An immutable version of a model.", sizeof(struct version_view), version_fields, false };

static const struct field share_fields[] = {
    { .name = "version", .kind = FIELD_INTEGER, .offset = offsetof(struct share, version), .flags = FIELD_REQUIRED, .min = 1, .max = 9007199254740991, .about = "Its number." },
    { .name = "weight", .kind = FIELD_INTEGER, .offset = offsetof(struct share, weight), .min = 1, .max = 100, .fallback = "100", .about = "Percent of the requests." },
    { .name = "shadow", .kind = FIELD_BOOLEAN, .offset = offsetof(struct share, shadow), .about = "Is asked, but does not answer." },
    { .name = NULL },
};

static const struct schema share_schema = { "LabelVersion", "One version that a label names.", sizeof(struct share), share_fields, false };
static const struct field share_item = { .name = "", .kind = FIELD_OBJECT, .schema = &share_schema };

static const struct field label_fields[] = {
    { .name = "version", .kind = FIELD_INTEGER, .offset = offsetof(struct label_request, version), .min = 1, .max = 9007199254740991, .about = "Either this or versions." },
    { .name = "versions", .kind = FIELD_LIST, .offset = offsetof(struct label_request, versions), .min = 1, .max = 1, .item = &share_item, .about = "Either this or version; one version for each label." },
    { .name = NULL },
};

const struct schema label_schema = { "Label", "The version that a label names.", sizeof(struct label_request), label_fields, false };

static const struct field column_fields[] = {
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct column_view, name) },
    { .name = "type", .kind = FIELD_STRING, .offset = offsetof(struct column_view, type), .about = "number, category or boolean." },
    { .name = NULL },
};

static const struct schema column_view_schema = { "ModelColumn", "One value of a record.", sizeof(struct column_view), column_fields, false };
static const struct field column_view_item = { .name = "", .kind = FIELD_OBJECT, .schema = &column_view_schema };

static const struct field status_fields[] = {
    { .name = "version", .kind = FIELD_STRING, .offset = offsetof(struct status_view, version) },
    { .name = "state", .kind = FIELD_STRING, .offset = offsetof(struct status_view, state), .about = "AVAILABLE: loaded. END: on record, loaded when it is asked for." },
    { .name = "status", .kind = FIELD_ANY, .offset = offsetof(struct status_view, status) },
    { .name = NULL },
};

static const struct schema status_schema = { "ModelVersionStatus", "As TensorFlow Serving has it.", sizeof(struct status_view), status_fields, false };
static const struct field status_item = { .name = "", .kind = FIELD_OBJECT, .schema = &status_schema };
static const struct field version_item = { .name = "", .kind = FIELD_OBJECT, .schema = &model_version_schema };
static const struct field label_item = { .name = "", .kind = FIELD_LIST, .max = LABEL_VERSIONS_MAX, .item = &share_item };

#define MODEL(member) offsetof(struct model_view, member)

static const struct field model_fields[] = {
    { .name = "id", .kind = FIELD_STRING, .offset = MODEL(id), .about = "The name." },
    { .name = "object", .kind = FIELD_STRING, .offset = MODEL(object), .about = "Always model." },
    { .name = "created", .kind = FIELD_INTEGER, .offset = MODEL(created), .about = "Unix seconds." },
    { .name = "owned_by", .kind = FIELD_STRING, .offset = MODEL(owned_by) },
    { .name = "name", .kind = FIELD_STRING, .offset = MODEL(name) },
    { .name = "ready", .kind = FIELD_BOOLEAN, .offset = MODEL(ready), .about = "Is the version that production names loaded?" },
    { .name = "model_version_status", .kind = FIELD_LIST, .offset = MODEL(statuses), .item = &status_item },
    { .name = "versions", .kind = FIELD_LIST, .offset = MODEL(versions), .item = &version_item, .about = "The newest first." },
    { .name = "labels", .kind = FIELD_MAP, .offset = MODEL(labels), .item = &label_item },
    { .name = "inputs", .kind = FIELD_LIST, .offset = MODEL(inputs), .max = 4096, .item = &column_view_item, .about = "The record that a prediction takes, in the order of a row." },
    { .name = "outputs", .kind = FIELD_LIST, .offset = MODEL(outputs), .item = &column_view_item },
    { .name = NULL },
};

const struct schema model_schema = { "Model", "A name with its versions and labels.", sizeof(struct model_view), model_fields, false };

enum rc model_find(struct service *service, const char *model, struct region *region,
                   struct model_row *row, struct why *why)
{
    const enum rc rc = store_model_get(service->store, model, region, row, why);
    return rc == RC_NOT_FOUND ? why_fail(why, rc, "", "there is no model \"%.80s\"", model) : rc;
}

enum rc model_no_version(struct why *why, const char *model, int64_t number)
{
    return why_fail(why, RC_NOT_FOUND, "", "the model \"%.80s\" has no version %lld", model, (long long)number);
}
