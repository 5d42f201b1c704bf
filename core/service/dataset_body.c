/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/dataset_body.h"

#include <string.h>

#include "core/service/spdx.h"

static const struct field text_item = { .name = "", .kind = FIELD_STRING, .min = 1, .max = 128 };

/* The keys that both bodies share; the two schemas differ in where the struct stands. */
/* clang-format off */
#define GOVERNANCE_FIELDS(type) \
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(type, governance.name), .flags = FIELD_REQUIRED, .min = 1, .max = DATASET_NAME_MAX, .about = "What people call it." }, \
        { .name = "target", .kind = FIELD_STRING, .offset = offsetof(type, governance.target), .min = 1, .max = 128, .about = "The column that a model usually learns." }, \
        { .name = "missing", .kind = FIELD_LIST, .offset = offsetof(type, governance.missing), .max = COLUMN_MISSING_TOKENS_MAX, .item = &column_missing_item, .fallback = column_missing_fallback, .about = "Cells that stand for no value." }, \
        { .name = "origin", .kind = FIELD_STRING, .offset = offsetof(type, governance.origin), .max = 1000, .about = "Where the data comes from." }, \
        { .name = "licence", .kind = FIELD_STRING, .offset = offsetof(type, governance.licence), .flags = FIELD_REQUIRED, .min = 1, .max = 500, .check = spdx_is_expression, .form = "an SPDX licence expression such as CC-BY-4.0 or LicenseRef-Internal", .about = "SPDX licence expression; LicenseRef-<name> for what SPDX does not list." }, \
        { .name = "purposes", .kind = FIELD_LIST, .offset = offsetof(type, governance.purposes), .flags = FIELD_REQUIRED, .min = 1, .max = DATASET_PURPOSES_MAX, .item = &text_item, .about = "What the data may be used for; a job's purpose is one of them." }, \
        { .name = "personal_data", .kind = FIELD_BOOLEAN, .offset = offsetof(type, governance.personal_data), .flags = FIELD_REQUIRED, .about = "Does it tell of living persons? Then legal_basis, subject_column and retention_days are required." }, \
        { .name = "legal_basis", .kind = FIELD_STRING, .offset = offsetof(type, governance.legal_basis), .min = 1, .max = 200, .about = "For example: consent, contract, legitimate interest." }, \
        { .name = "subject_column", .kind = FIELD_STRING, .offset = offsetof(type, governance.subject_column), .min = 1, .max = 128, .about = "The column that tells persons apart; never learned from." }, \
        { .name = "retention_days", .kind = FIELD_INTEGER, .offset = offsetof(type, governance.retention_days), .min = 1, .max = 36500, .about = "Days that the data may be kept." }, \
        { .name = "known_gaps", .kind = FIELD_STRING, .offset = offsetof(type, governance.known_gaps), .max = 1000, .about = "What the data is known to lack." }, \
    { \
        .name = "group_columns", .kind = FIELD_LIST, .offset = offsetof(type, governance.group_columns), .max = 32, .item = &text_item, .about = "Columns whose groups a report compares." \
    }
/* clang-format on */

static const struct field metadata_fields[] = {
    GOVERNANCE_FIELDS(struct dataset_metadata),
    { .name = "columns", .kind = FIELD_MAP, .offset = offsetof(struct dataset_metadata, columns), .max = 4096, .item = &column_choice_item, .about = "Types to hold to, by column; others are inferred." },
    { .name = NULL },
};

const struct schema dataset_metadata_schema = {
    "DatasetMetadata", "What an upload says of a dataset.", sizeof(struct dataset_metadata), metadata_fields, false
};

static const char *const statuses[] = { "ready", "erased", NULL };

#define VIEW(member) offsetof(struct dataset_view, member)

static const struct field view_fields[] = {
    { .name = "id", .kind = FIELD_STRING, .offset = VIEW(id), .about = "ds- and 20 characters." },
    { .name = "object", .kind = FIELD_STRING, .offset = VIEW(object), .about = "Always dataset." },
    { .name = "version", .kind = FIELD_INTEGER, .offset = VIEW(version), .about = "1, and one more for each successor." },
    { .name = "status", .kind = FIELD_CHOICE, .offset = VIEW(status), .choices = statuses },
    { .name = "rows", .kind = FIELD_INTEGER, .offset = VIEW(rows), .about = "Rows below the header." },
    { .name = "bytes", .kind = FIELD_INTEGER, .offset = VIEW(bytes), .about = "Of the uploaded file." },
    { .name = "sha256", .kind = FIELD_STRING, .offset = VIEW(sha256), .about = "Digest of the uploaded file." },
    { .name = "created_at", .kind = FIELD_INTEGER, .offset = VIEW(created_at), .about = "Unix seconds." },
    { .name = "derived_from", .kind = FIELD_STRING, .offset = VIEW(derived_from), .about = "The dataset that this one succeeds." },
    GOVERNANCE_FIELDS(struct dataset_view),
    { .name = "columns", .kind = FIELD_LIST, .offset = VIEW(columns), .max = 4096, .item = &column_item, .about = "In the order of the file." },
    { .name = NULL },
};

const struct schema dataset_schema = {
    "Dataset", "An immutable table and its governance record.", sizeof(struct dataset_view), view_fields, false
};

static enum rc check_personal(const struct governance *g, struct why *why)
{
    const struct {
        const char *key;
        bool given;
    } needs[] = {
        { "legal_basis", g->legal_basis != NULL },
        { "subject_column", g->subject_column != NULL },
        { "retention_days", g->retention_days != FIELD_ABSENT },
    };

    for (size_t i = 0; g->personal_data && i < COUNT_OF(needs); i++) {
        if (!needs[i].given) {
            return why_fail(why, RC_INVALID, needs[i].key, "is required when personal_data is true");
        }
    }
    return RC_OK;
}

enum rc dataset_metadata_read(const char *json, size_t n, struct region *region, struct dataset_metadata *out,
                              struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    enum rc rc = doc_parse(json, n, &doc, why);
    if (rc == RC_OK) {
        rc = schema_read(&dataset_metadata_schema, doc, region, out, why);
    }
    return rc == RC_OK ? check_personal(&out->governance, why) : rc;
}

static enum rc check_column(const char *name, const char *key, const struct field_list *columns, struct why *why)
{
    if (name == NULL || column_find(columns, name, NULL) != NULL) {
        return RC_OK;
    }
    return why_fail(why, RC_UNPROCESSABLE, key, "names the column \"%.80s\", which the file does not have", name);
}

enum rc dataset_metadata_check(const struct dataset_metadata *metadata, const struct field_list *columns,
                               struct why *why)
{
    const struct governance *g = &metadata->governance;
    enum rc rc = check_column(g->target, "target", columns, why);
    if (rc == RC_OK) {
        rc = check_column(g->subject_column, "subject_column", columns, why);
    }
    const char *const *groups = g->group_columns.items;
    for (size_t i = 0; rc == RC_OK && i < g->group_columns.count; i++) {
        rc = check_column(groups[i], "group_columns", columns, why);
    }
    return rc;
}

enum rc dataset_view_read(const char *json, struct region *region, struct dataset_view *out, struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    enum rc rc = doc_parse(json, strlen(json), &doc, why);
    if (rc == RC_OK) {
        rc = schema_read(&dataset_schema, doc, region, out, why);
    }
    return rc == RC_OK || rc == RC_NO_MEMORY ? rc : RC_CORRUPT;
}
