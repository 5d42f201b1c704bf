/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/version.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/nn/weights.h"
#include "core/service/registry.h"
#include "core/work/jobstate.h"

#define FORMAT "licit-version-1"

static const char *const part_names[] = { "card.json", "network.json", "transforms.json" };

enum part {
    PART_CARD,
    PART_NETWORK,
    PART_TRANSFORMS,
    PART_COUNT
};

/* --- writing --- */

static struct doc *network_part(const struct version_draft *draft)
{
    AUTO_PTR(doc) struct doc *doc = schema_write(&network_schema, draft->spec->network);
    return doc != NULL && doc_put_integer(doc, "inputs", network_inputs(draft->network)) == RC_OK ? TAKE(doc) : NULL;
}

static struct doc *transforms_part(const struct version_draft *draft)
{
    AUTO_PTR(doc) struct doc *doc = doc_new_object();
    if (doc_put(doc, "transform", transform_write(draft->transform)) != RC_OK ||
        doc_put(doc, "target", target_write(draft->target)) != RC_OK) {
        return NULL;
    }
    return TAKE(doc);
}

static struct doc *card_part(const struct version_draft *draft)
{
    AUTO_PTR(doc) struct doc *doc = doc_new_object();
    if (doc_put(doc, "spec", jobspec_write(JOB_TRAIN, draft->spec)) != RC_OK ||
        doc_put(doc, "metrics", doc_copy(draft->metrics)) != RC_OK ||
        doc_put_string(doc, "library", service_library()) != RC_OK ||
        doc_put_string(doc, "licence", draft->licence) != RC_OK) {
        return NULL;
    }
    return TAKE(doc);
}

/* The text of each part, in the region. */
static enum rc write_parts(const struct version_draft *draft, struct region *region, const char *texts[PART_COUNT])
{
    static struct doc *(*const make[])(const struct version_draft *) = { card_part, network_part, transforms_part };
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < PART_COUNT; i++) {
        AUTO_PTR(doc) struct doc *doc = make[i](draft);
        rc = doc == NULL ? RC_NO_MEMORY : service_text(doc, region, &texts[i]);
    }
    return rc;
}

static enum rc put_digest(struct doc *parts, const char *name, const char *text)
{
    char sha256[DIGEST_HEX_SIZE];
    const enum rc rc = digest_sha256_hex(text, strlen(text), sha256);
    return rc == RC_OK ? doc_put_string(parts, name, sha256) : rc;
}

/* The manifest of a version whose weights are stored; the texts in the order of part_names. */
static enum rc make_manifest(const struct version_draft *draft, int64_t created_at, const char *weights_digest,
                             const char *const texts[PART_COUNT], struct doc **ret)
{
    AUTO_PTR(doc) struct doc *manifest = doc_new_object();
    AUTO_PTR(doc) struct doc *dataset = doc_new_object();
    AUTO_PTR(doc) struct doc *parts = doc_new_object();
    enum rc rc = doc_put_string(parts, "weights.safetensors", weights_digest);
    for (int i = 0; rc == RC_OK && i < PART_COUNT; i++) {
        rc = put_digest(parts, part_names[i], texts[i]);
    }
    if (rc == RC_OK && (doc_put_string(dataset, "id", draft->dataset->id) != RC_OK ||
                        doc_put_string(dataset, "sha256", draft->dataset->sha256) != RC_OK ||
                        doc_put_string(manifest, "format", FORMAT) != RC_OK ||
                        doc_put_string(manifest, "model", draft->spec->model) != RC_OK ||
                        doc_put_string(manifest, "job", draft->job->id) != RC_OK ||
                        doc_put_integer(manifest, "created_at", created_at) != RC_OK ||
                        doc_put(manifest, "dataset", TAKE(dataset)) != RC_OK ||
                        doc_put(manifest, "parts", TAKE(parts)) != RC_OK)) {
        rc = RC_NO_MEMORY;
    }
    if (rc == RC_OK) {
        *ret = TAKE(manifest);
    }
    return rc;
}

static enum rc store_weights(struct service *service, const struct version_draft *draft, struct blob_ref *ret)
{
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, weights_bytes_max(draft->network));
    const enum rc rc = weights_encode(draft->network, draft->parameters, &bytes);
    return rc == RC_OK ? blob_put(service->store, bytes.data, bytes.len, ret) : rc;
}

/* The row but for its weights: texts, manifest and digests. */
static enum rc make_row(const struct version_draft *draft, const struct blob_ref *weights, struct region *region,
                        struct version_row *row)
{
    const char *texts[PART_COUNT];
    AUTO_PTR(doc) struct doc *manifest = NULL;
    AUTO_PTR(doc) struct doc *body = doc_new_object();
    const char *manifest_text = NULL;
    char *digest = region_alloc(region, DIGEST_HEX_SIZE, 1);
    enum rc rc = digest == NULL ? RC_NO_MEMORY : write_parts(draft, region, texts);
    if (rc == RC_OK) {
        rc = make_manifest(draft, row->created_at, weights->sha256, texts, &manifest);
    }
    if (rc == RC_OK) {
        rc = service_text(manifest, region, &manifest_text);
    }
    if (rc == RC_OK) {
        rc = digest_sha256_hex(manifest_text, strlen(manifest_text), digest);
    }
    if (rc == RC_OK) {
        rc = doc_put(body, "manifest", TAKE(manifest));
    }
    if (rc == RC_OK) {
        rc = doc_put(body, "metrics", doc_copy(draft->metrics));
    }
    if (rc == RC_OK) {
        rc = service_text(body, region, &row->body);
    }
    row->card = rc == RC_OK ? texts[PART_CARD] : NULL;
    row->network = rc == RC_OK ? texts[PART_NETWORK] : NULL;
    row->transforms = rc == RC_OK ? texts[PART_TRANSFORMS] : NULL;
    row->version_digest = digest;
    return rc;
}

/* In the store, and then its label in the registry. */
static enum rc add_version(struct service *service, const struct version_row *row, const struct job_move *finish,
                           const char *label, int64_t *ret_number, struct why *why)
{
    enum rc rc = registry_begin_change(service->registry);
    if (rc != RC_OK) {
        return rc;
    }
    rc = store_version_add(service->store, row, finish, label, ret_number, why);
    if (rc == RC_OK && label != NULL) {
        registry_set_label(service->registry, row->model, label, *ret_number);
    }
    registry_end_change(service->registry);
    return rc;
}

enum rc version_write(struct service *service, const struct version_draft *draft, int64_t *ret_number, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct version_row row = {
        .model = draft->spec->model,
        .created_at = wall_seconds(),
        .dataset = draft->dataset->id,
        .job = draft->job->id,
        .parameters = (int64_t)network_parameter_count(draft->network),
    };
    enum rc rc = store_weights(service, draft, &row.weights);
    if (rc != RC_OK) {
        return why_fail(why, rc, "", "the weights could not be stored: %s", rc_text(rc));
    }
    row.weights_digest = row.weights.sha256;
    const char *metrics = NULL;
    rc = make_row(draft, &row.weights, &region, &row);
    if (rc == RC_OK) {
        rc = service_text(draft->metrics, &region, &metrics);
    }
    if (rc == RC_OK) {
        const struct job_move finish = {
            .from = jobstate_name(JOBSTATE_RUNNING),
            .to = jobstate_name(JOBSTATE_SUCCEEDED),
            .finished_at = wall_seconds(),
            .metrics = metrics,
            .weights_digest = row.weights_digest,
            .drop_checkpoint = true,
        };
        rc = add_version(service, &row, &finish, draft->spec->label, ret_number, why);
    }
    if (rc != RC_OK) {
        service_drop_unnamed(service, &row.weights, rc);
    }
    return rc;
}

/* --- loading --- */

static enum rc corrupt(struct why *why, const char *part)
{
    return why_fail(why, RC_CORRUPT, "", "the stored %s does not match its digest", part);
}

static enum rc check_digest(const char *text, const char *wanted, const char *part, struct why *why)
{
    char sha256[DIGEST_HEX_SIZE];
    const enum rc rc = text == NULL ? RC_CORRUPT : digest_sha256_hex(text, strlen(text), sha256);
    if (rc == RC_NO_MEMORY) {
        return rc;
    }
    return rc == RC_OK && wanted != NULL && strcmp(sha256, wanted) == 0 ? RC_OK : corrupt(why, part);
}

/* Manifest against the row's digest, every part against the manifest. */
static enum rc check_row(const struct version_row *row, struct region *region, struct why *why)
{
    const char *const texts[PART_COUNT] = { row->card, row->network, row->transforms };
    AUTO_PTR(doc) struct doc *body = NULL;
    const char *text = NULL;
    enum rc rc = service_stored(row->body, &body, why);
    const struct doc *manifest = doc_get(body, "manifest");
    if (rc == RC_OK) {
        rc = service_text(manifest, region, &text);
    }
    if (rc == RC_OK) {
        rc = check_digest(text, row->version_digest, "manifest", why);
    }
    const struct doc *parts = doc_get(manifest, "parts");
    for (int i = 0; rc == RC_OK && i < PART_COUNT; i++) {
        rc = check_digest(texts[i], doc_get_string(parts, part_names[i], NULL), part_names[i], why);
    }
    if (rc == RC_OK && strcmp(doc_get_string(parts, "weights.safetensors", ""), row->weights.sha256) != 0) {
        rc = corrupt(why, "weights.safetensors");
    }
    return rc;
}

static enum rc load_network(struct service *service, const struct version_row *row, struct version *version,
                            struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    struct network_spec spec;
    enum rc rc = service_stored(row->network, &doc, why);
    const int64_t inputs = doc_get_integer(doc, "inputs", 0);
    if (rc == RC_OK) {
        rc = doc_remove(doc, "inputs");
    }
    if (rc == RC_OK) {
        rc = schema_read(&network_schema, doc, &version->region, &spec, why);
    }
    if (rc == RC_OK && (inputs < 1 || inputs > NETWORK_INPUTS_MAX)) {
        rc = corrupt(why, "network.json");
    }
    if (rc == RC_OK) {
        rc = network_create(&spec, (int)inputs, service->config.model_memory, &version->network, why);
    }
    return rc;
}

enum rc version_read_transforms(const struct version_row *row, struct transform **ret_transform, struct target **ret_target,
                                struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    AUTO_PTR(transform) struct transform *transform = NULL;
    enum rc rc = service_stored(row->transforms, &doc, why);
    if (rc == RC_OK) {
        rc = transform_read(doc_get(doc, "transform"), &transform, why);
    }
    if (rc == RC_OK) {
        rc = target_read(doc_get(doc, "target"), ret_target, why);
    }
    if (rc == RC_OK) {
        *ret_transform = TAKE(transform);
    }
    return rc;
}

static enum rc load_transforms(const struct version_row *row, struct version *version, struct why *why)
{
    enum rc rc = version_read_transforms(row, &version->transform, &version->target, why);
    if (rc == RC_OK && transform_features(version->transform) != (size_t)network_inputs(version->network)) {
        rc = corrupt(why, "transforms.json");
    }
    return rc;
}

static enum rc load_spec(const struct version_row *row, struct version *version, struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    const char *text = NULL;
    struct field_variant variant;
    enum rc rc = service_stored(row->card, &doc, why);
    if (rc == RC_OK) {
        rc = service_text(doc_get(doc, "spec"), &version->region, &text);
    }
    if (rc == RC_OK) {
        rc = jobspec_read(text, &version->region, &variant, why);
    }
    if (rc == RC_OK && variant.index != JOB_TRAIN) {
        rc = corrupt(why, "card.json");
    }
    if (rc == RC_OK) {
        version->spec = variant.value;
    }
    return rc;
}

static enum rc load_weights(struct service *service, const struct version_row *row, struct version *version,
                            struct why *why)
{
    version->parameters = mem_floats(network_parameter_count(version->network));
    if (version->parameters == NULL) {
        return RC_NO_MEMORY;
    }
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, weights_bytes_max(version->network));
    const enum rc rc = blob_read(service->store, &row->weights, bytes.max, &bytes);
    if (rc != RC_OK) {
        return rc == RC_CORRUPT || rc == RC_GONE ? corrupt(why, "weights.safetensors") : rc;
    }
    return weights_decode(version->network, bytes.data, bytes.len, version->parameters, why);
}

#define WARM_UP_RUNS 5

/* Runs one row a few times: the first request finds everything in place, and the best time says what a row costs. */
static enum rc warm_up(struct version *version, struct why *why)
{
    AUTO_FREE float *x = mem_floats((size_t)network_inputs(version->network));
    AUTO_FREE float *y = mem_floats((size_t)network_outputs(version->network));
    version->row_ns = INT64_MAX;
    enum rc rc = x == NULL || y == NULL ? RC_NO_MEMORY : RC_OK;
    for (int i = 0; rc == RC_OK && i < WARM_UP_RUNS; i++) {
        const struct mono start = mono_now();
        rc = version_predict(version, x, 1, y, why);
        const int64_t ns = mono_since(start);
        version->row_ns = ns < version->row_ns ? ns : version->row_ns;
    }
    return rc;
}

static struct version *new_version(const struct version_row *row)
{
    struct version *version = mem_alloc(sizeof(*version));
    if (version != NULL) {
        (void)pthread_mutex_init(&version->lock, NULL); /* cannot fail on Linux */
        region_init(&version->region, SERVICE_REGION_MAX);
        version->number = row->number;
        (void)str_copy(version->model, sizeof(version->model), row->model);
        (void)str_copy(version->version_digest, sizeof(version->version_digest), row->version_digest);
        (void)str_copy(version->dataset, sizeof(version->dataset), row->dataset == NULL ? "" : row->dataset);
    }
    return version;
}

enum rc version_load(struct service *service, const char *model, int64_t number, struct version **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct version_row row;
    enum rc rc = store_version_get(service->store, model, number, &region, &row, why);
    if (rc != RC_OK) {
        return rc;
    }
    AUTO_PTR(version) struct version *version = new_version(&row);
    rc = version == NULL ? RC_NO_MEMORY : check_row(&row, &region, why);
    if (rc == RC_OK) {
        rc = load_network(service, &row, version, why);
    }
    if (rc == RC_OK) {
        rc = load_transforms(&row, version, why);
    }
    if (rc == RC_OK) {
        rc = load_spec(&row, version, why);
    }
    if (rc == RC_OK) {
        rc = load_weights(service, &row, version, why);
    }
    if (rc == RC_OK) {
        rc = warm_up(version, why);
    }
    if (rc == RC_OK) {
        version->bytes = network_parameter_count(version->network) * sizeof(float) +
                         COUNT_OF(version->spare) * workspace_bytes(version->network, VERSION_BATCH, false);
        *ret = TAKE(version);
    }
    return rc;
}

void version_destroy(struct version *version)
{
    if (version == NULL) {
        return;
    }
    for (int i = 0; i < version->spare_count; i++) {
        workspace_destroy(version->spare[i]);
    }
    pthread_mutex_destroy(&version->lock);
    target_destroy(version->target);
    transform_destroy(version->transform);
    mem_free(version->parameters);
    network_destroy(version->network);
    region_finish(&version->region);
    mem_free(version);
}
