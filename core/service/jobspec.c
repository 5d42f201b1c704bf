/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/jobspec.h"

#include <string.h>

#include "core/base/id.h"
#include "core/base/str.h"

static bool is_dataset_id(const char *text)
{
    return id_is(text, "ds");
}

static const char name_form[] = "a letter or digit, then letters, digits, '.', '_' or '-', at most 63 in all";

static const struct field metric_item = { .name = "", .kind = FIELD_CHOICE, .choices = metric_names };
static const struct field weight_item = { .name = "", .kind = FIELD_NUMBER, .min = 0, .max = 1e6 };

#define TRAIN(member) offsetof(struct job_train, member)

static const struct field train_fields[] = {
    { .name = "model", .kind = FIELD_STRING, .offset = TRAIN(model), .flags = FIELD_REQUIRED, .check = str_is_name, .form = name_form, .about = "The name under which the version is kept." },
    { .name = "dataset", .kind = FIELD_STRING, .offset = TRAIN(dataset), .flags = FIELD_REQUIRED, .check = is_dataset_id, .form = "the id of a dataset", .about = "What it learns from." },
    { .name = "target", .kind = FIELD_STRING, .offset = TRAIN(target), .flags = FIELD_REQUIRED, .min = 1, .max = 128, .about = "The column that it learns to say." },
    { .name = "purpose", .kind = FIELD_STRING, .offset = TRAIN(purpose), .min = 1, .max = 128, .about = "One of the dataset's purposes; required for personal data." },
    { .name = "network", .kind = FIELD_OBJECT, .offset = TRAIN(network), .schema = &network_schema, .about = "Default: 128 relu, 64 relu, and an output that fits the target." },
    { .name = "optimizer", .kind = FIELD_VARIANT, .offset = TRAIN(optimizer), .options = optimizer_options, .fallback = OPTIMIZER_FALLBACK, .about = "How the weights follow the gradient." },
    { .name = "loss", .kind = FIELD_CHOICE, .offset = TRAIN(loss), .choices = loss_names, .about = "Default: by the target; two classes binary_crossentropy, more sparse_categorical_crossentropy, a number mean_squared_error." },
    { .name = "metrics", .kind = FIELD_LIST, .offset = TRAIN(metrics), .max = METRIC_COUNT, .item = &metric_item, .about = "Default: accuracy and auc for two classes, accuracy and log_loss for more, mae and r2 for a number." },
    { .name = "epochs", .kind = FIELD_INTEGER, .offset = TRAIN(epochs), .min = 1, .max = JOBSPEC_EPOCHS_MAX, .fallback = "10", .about = "Passes over the training rows." },
    { .name = "batch_size", .kind = FIELD_INTEGER, .offset = TRAIN(batch_size), .min = 1, .max = NETWORK_BATCH_MAX, .fallback = "32", .about = "Rows of one step." },
    { .name = "validation_split", .kind = FIELD_NUMBER, .offset = TRAIN(validation_split), .flags = FIELD_BOUNDED, .min = 0, .max = 0.9, .fallback = "0.2", .about = "Share of the rows that training never sees and every epoch is measured on." },
    { .name = "test_split", .kind = FIELD_NUMBER, .offset = TRAIN(test_split), .flags = FIELD_BOUNDED, .min = 0, .max = 0.9, .fallback = "0", .about = "Share of the rows that is kept for a last measurement." },
    { .name = "seed", .kind = FIELD_INTEGER, .offset = TRAIN(seed), .min = 0, .max = 9007199254740991, .fallback = "0", .about = "Of the split, the first weights and the order of the rows." },
    { .name = "class_weight", .kind = FIELD_MAP, .offset = TRAIN(class_weight), .max = TARGET_CLASSES_MAX, .item = &weight_item, .about = "By class name; a class that is not named weighs 1." },
    { .name = "schedule", .kind = FIELD_VARIANT, .offset = TRAIN(schedule), .options = schedule_options, .about = "How the learning rate changes with the steps." },
    { .name = "early_stopping", .kind = FIELD_OBJECT, .offset = TRAIN(early_stopping), .schema = &stopping_schema, .about = "Ends the job when the monitored number gets no better, and keeps the best weights." },
    { .name = "clip_norm", .kind = FIELD_NUMBER, .offset = TRAIN(clip_norm), .flags = FIELD_ABOVE_MIN, .min = 0, .max = 1e9, .about = "Ceiling of each gradient tensor's norm, as Keras's clipnorm." },
    { .name = "global_clip_norm", .kind = FIELD_NUMBER, .offset = TRAIN(global_clip_norm), .flags = FIELD_ABOVE_MIN, .min = 0, .max = 1e9, .about = "Ceiling of the norm of all gradients together." },
    { .name = "label", .kind = FIELD_STRING, .offset = TRAIN(label), .check = str_is_name, .form = name_form, .about = "Set to the new version when the job succeeds." },
    { .name = "positive", .kind = FIELD_STRING, .offset = TRAIN(positive), .min = 1, .max = 256, .about = "The class that a probability of 1 stands for; default: the second." },
    { .name = NULL },
};

const struct schema job_train_schema = { "TrainJob", "A network to be trained.", sizeof(struct job_train), train_fields, false };

static const char *const rows_choices[] = { "all", "validation", "test", NULL };

#define EVALUATE(member) offsetof(struct job_evaluate, member)

static const struct field evaluate_fields[] = {
    { .name = "model", .kind = FIELD_STRING, .offset = EVALUATE(model), .flags = FIELD_REQUIRED, .check = str_is_name, .form = name_form, .about = "Whose version is looked at." },
    { .name = "version", .kind = FIELD_INTEGER, .offset = EVALUATE(version), .min = 1, .max = 9007199254740991, .about = "Either this or label; neither means the label production." },
    { .name = "label", .kind = FIELD_STRING, .offset = EVALUATE(label), .check = str_is_name, .form = name_form, .about = "The version that this label names when the job is submitted." },
    { .name = "dataset", .kind = FIELD_STRING, .offset = EVALUATE(dataset), .flags = FIELD_REQUIRED, .check = is_dataset_id, .form = "the id of a dataset", .about = "Whose rows are predicted." },
    { .name = "target", .kind = FIELD_STRING, .offset = EVALUATE(target), .min = 1, .max = 128, .about = "The column with the truth; default: the one that the version learned." },
    { .name = "rows", .kind = FIELD_CHOICE, .offset = EVALUATE(rows), .choices = rows_choices, .fallback = "\"all\"", .about = "validation and test: the rows that the version's training held out, on its own dataset." },
    { .name = "metrics", .kind = FIELD_LIST, .offset = EVALUATE(metrics), .max = METRIC_COUNT, .item = &metric_item, .about = "Default: those of the training." },
    { .name = "purpose", .kind = FIELD_STRING, .offset = EVALUATE(purpose), .min = 1, .max = 128, .about = "One of the dataset's purposes; required for personal data." },
    { .name = NULL },
};

const struct schema job_evaluate_schema = { "EvaluateJob", "A version to be measured on a dataset.", sizeof(struct job_evaluate), evaluate_fields, false };

static const struct field_option request_options[] = {
    { "train", &job_train_schema },
    { "evaluate", &job_evaluate_schema },
    { NULL, NULL },
};

const struct field job_request = { .name = "", .kind = FIELD_VARIANT, .options = request_options };

struct doc *jobspec_write(enum job_kind kind, const void *spec)
{
    AUTO_PTR(doc) struct doc *body = schema_write(request_options[kind].schema, spec);
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    if (body == NULL || doc_put_string(out, "type", request_options[kind].type) != RC_OK) {
        return NULL;
    }
    for (struct doc_pair pair = { 0 }; doc_next(body, &pair);) {
        if (doc_put(out, pair.key, doc_copy(pair.value)) != RC_OK) {
            return NULL;
        }
    }
    return TAKE(out);
}

enum rc jobspec_read(const char *json, struct region *region, struct field_variant *ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    enum rc rc = doc_parse(json, strlen(json), &doc, why);
    if (rc == RC_OK) {
        rc = field_read(&job_request, doc, region, ret, why);
    }
    return rc == RC_OK || rc == RC_NO_MEMORY ? rc : RC_CORRUPT;
}

static bool is_class_loss(int loss)
{
    return loss == LOSS_BINARY_CROSSENTROPY || loss == LOSS_CATEGORICAL_CROSSENTROPY || loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
}

/* How many classes the column has when it is read as classes; 0: it is a number. */
static int64_t classes_of(const struct job_train *spec, const struct column *target)
{
    if (target->type == COLUMN_CATEGORY) {
        return (int64_t)target->categories.count;
    }
    if (target->type == COLUMN_BOOLEAN) {
        return target->distinct;
    }
    const bool zero_or_one = target->distinct == 2 && target->min == 0 && target->max == 1;
    return is_class_loss(spec->loss) || (spec->loss < 0 && zero_or_one) ? target->distinct : 0;
}

static enum rc resolve_loss(struct job_train *spec, const struct column *target, int64_t classes, struct why *why)
{
    if (spec->loss < 0) {
        spec->loss = classes == 0 ? LOSS_MEAN_SQUARED_ERROR : classes == 2 ? LOSS_BINARY_CROSSENTROPY
                                                                           : LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
    }
    if (!is_class_loss(spec->loss) && classes > 0) {
        return why_fail(why, RC_UNPROCESSABLE, "loss", "%s is for numbers, but the column \"%.80s\" holds %lld classes; a cross-entropy is for classes",
                        loss_names[spec->loss], target->name, (long long)classes);
    }
    if (spec->loss == LOSS_BINARY_CROSSENTROPY && classes != 2) {
        return why_fail(why, RC_UNPROCESSABLE, "loss", "binary_crossentropy is for two classes, the column \"%.80s\" has %lld; for more: sparse_categorical_crossentropy",
                        target->name, (long long)classes);
    }
    return RC_OK;
}

static enum rc check_target(const struct column *target, int64_t classes, bool is_class, struct why *why)
{
    if (target->type == COLUMN_IGNORED) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "the column \"%.80s\" is ignored: it has too many or too long texts, or no value", target->name);
    }
    if (is_class && (classes < 2 || classes > TARGET_CLASSES_MAX)) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "the column \"%.80s\" has %lld classes; 2 to %d can be learned", target->name, (long long)classes, TARGET_CLASSES_MAX);
    }
    if (target->missing > 0) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "the column \"%.80s\" has no value in %lld rows; leave them out of the table", target->name, (long long)target->missing);
    }
    return RC_OK;
}

static enum rc resolve_metrics(struct job_train *spec, int64_t classes, struct region *region)
{
    static const int by_target[3][2] = {
        { METRIC_MAE, METRIC_R2 },
        { METRIC_ACCURACY, METRIC_AUC },
        { METRIC_ACCURACY, METRIC_LOG_LOSS },
    };
    if (spec->metrics.items != NULL) {
        return RC_OK;
    }
    const size_t row = classes == 0 ? 0 : spec->loss == LOSS_BINARY_CROSSENTROPY ? 1
                                                                                 : 2;
    int *items = region_alloc(region, 2, sizeof(*items));
    if (items == NULL) {
        return RC_NO_MEMORY;
    }
    memcpy(items, by_target[row], 2 * sizeof(*items));
    spec->metrics = (struct field_list){ items, 2 };
    return RC_OK;
}

static int outputs_of(const struct job_train *spec, int64_t classes)
{
    return spec->loss == LOSS_CATEGORICAL_CROSSENTROPY || spec->loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY ? (int)classes : 1;
}

static enum rc default_network(struct job_train *spec, int outputs, struct region *region, struct why *why)
{
    const char *last = !is_class_loss(spec->loss) ? "linear" : spec->loss == LOSS_BINARY_CROSSENTROPY ? "sigmoid"
                                                                                                      : "softmax";
    const char *json = region_printf(region, "{\"layers\":[{\"type\":\"dense\",\"units\":128,\"activation\":\"relu\"},"
                                             "{\"type\":\"dense\",\"units\":64,\"activation\":\"relu\"},"
                                             "{\"type\":\"dense\",\"units\":%d,\"activation\":\"%s\"}]}",
                                     outputs, last);
    spec->network = region_alloc(region, 1, sizeof(*spec->network));
    if (json == NULL || spec->network == NULL) {
        return RC_NO_MEMORY;
    }
    AUTO_PTR(doc) struct doc *doc = NULL;
    const enum rc rc = doc_parse(json, strlen(json), &doc, why);
    return rc == RC_OK ? schema_read(&network_schema, doc, region, spec->network, why) : rc;
}

static enum rc check_network(const struct job_train *spec, const struct column *target, int outputs,
                             int inputs, size_t bytes_max, struct why *why)
{
    AUTO_PTR(network) struct network *network = NULL;
    enum rc rc = network_create(spec->network, inputs, bytes_max, &network, why);
    if (rc != RC_OK) {
        return why_under(why, rc, "network");
    }
    if (network_outputs(network) != outputs) {
        const bool classes = is_class_loss(spec->loss);
        const char *reason = classes && outputs > 1 ? "the number of classes of" : "one number for";
        const char *other = classes ? "" : " (to tell its values apart as classes: loss sparse_categorical_crossentropy)";
        (void)why_fail(why, RC_UNPROCESSABLE, "", "must be %d, %s \"%.80s\"; got %d%s", outputs, reason, target->name, network_outputs(network), other);
        return why_under(why, RC_UNPROCESSABLE, "network.layers[%d].units", network_layer_count(network) - 1);
    }
    return loss_check((enum loss)spec->loss, network_last_activation(network), outputs, why);
}

static enum rc check_metrics(const struct job_train *spec, int outputs, struct why *why)
{
    const int *metrics = spec->metrics.items;
    const enum task task = metric_task((enum loss)spec->loss, outputs);
    for (size_t i = 0; i < spec->metrics.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (metrics[i] == metrics[j]) {
                (void)why_fail(why, RC_INVALID, "", "%s is given twice", metric_names[metrics[i]]);
                return why_under(why, RC_INVALID, "metrics[%zu]", i);
            }
        }
        const enum rc rc = metric_check((enum metric)metrics[i], task, outputs, why);
        if (rc != RC_OK) {
            return why_under(why, rc, "metrics[%zu]", i);
        }
    }
    return RC_OK;
}

/* Is it a class, as far as the column tells? The classes of a number column are known when its rows are read. */
static bool may_be_class(const struct column *target, const char *name)
{
    const char *const *names = target->categories.items;
    bool found = target->type != COLUMN_CATEGORY;
    for (size_t i = 0; i < target->categories.count && !found; i++) {
        found = strcmp(names[i], name) == 0;
    }
    return found;
}

static enum rc check_classes(const struct job_train *spec, const struct column *target, struct why *why)
{
    if (spec->positive != NULL && spec->loss != LOSS_BINARY_CROSSENTROPY) {
        return why_fail(why, RC_UNPROCESSABLE, "positive", "has a meaning only for two classes and binary_crossentropy");
    }
    if (spec->positive != NULL && !may_be_class(target, spec->positive)) {
        return why_fail(why, RC_INVALID, "positive", "must be a class of \"%.80s\", got \"%.80s\"", target->name, spec->positive);
    }
    if (spec->class_weight.count > 0 && !is_class_loss(spec->loss)) {
        return why_fail(why, RC_UNPROCESSABLE, "class_weight", "is for classes, but \"%.80s\" is a number", target->name);
    }
    for (size_t i = 0; i < spec->class_weight.count; i++) {
        if (!may_be_class(target, spec->class_weight.keys[i])) {
            (void)why_fail(why, RC_UNPROCESSABLE, "", "is not a class of \"%.80s\"", target->name);
            return why_under(why, RC_UNPROCESSABLE, "class_weight.%.80s", spec->class_weight.keys[i]);
        }
    }
    return RC_OK;
}

enum rc jobspec_resolve(struct job_train *spec, const struct column *target, int inputs, size_t bytes_max,
                        struct region *region, struct why *why)
{
    const int64_t classes = classes_of(spec, target);
    const bool is_class = target->type != COLUMN_NUMBER || is_class_loss(spec->loss) || classes > 0;
    enum rc rc = check_target(target, classes, is_class, why);
    if (rc == RC_OK) {
        rc = resolve_loss(spec, target, classes, why);
    }
    if (rc != RC_OK) {
        return rc;
    }
    if (spec->validation_split + spec->test_split >= 1) {
        return why_fail(why, RC_INVALID, "test_split", "validation_split and test_split together must leave rows to train on");
    }
    const int outputs = outputs_of(spec, classes);
    rc = resolve_metrics(spec, classes, region);
    if (rc == RC_OK && spec->network == NULL) {
        rc = default_network(spec, outputs, region, why);
    }
    if (rc == RC_OK) {
        rc = check_network(spec, target, outputs, inputs, bytes_max, why);
    }
    if (rc == RC_OK) {
        rc = check_metrics(spec, outputs, why);
    }
    return rc == RC_OK ? check_classes(spec, target, why) : rc;
}

enum target_task jobspec_task(const struct job_train *spec)
{
    if (spec->loss == LOSS_BINARY_CROSSENTROPY) {
        return TARGET_BINARY;
    }
    return is_class_loss(spec->loss) ? TARGET_MULTI_CLASS : TARGET_REGRESSION;
}
