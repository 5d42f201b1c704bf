/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/math/mat.h"
#include "core/nn/tensors.h"
#include "tests/support/job.h"

/*
 * Our half of the comparison with Keras (folds.py, which writes IN and reads OUT):
 *
 *     fit_folds IN OUT
 *
 * IN is a safetensors file: the metadata's "job" as tests/support/job.h reads it,
 * and for fold 0, 1, ... the tensors N/train_x, N/train_t, N/test_x, N/test_t and
 * N/parameters, the first weights. Each fold is trained as a job is, its seed
 * being N. OUT has for each fold N/order [epochs][rows], the rows as they came,
 * N/loss, N/val_loss and N/val_accuracy [epochs], and N/answers for the test rows.
 */

#define FILE_BYTES_MAX  ((size_t)64 << 20)
#define OUTPUTS_OF_FOLD 5
#define FOLDS_MAX       100

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("fit_folds: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void need(enum rc rc, const struct why *why)
{
    if (rc != RC_OK) {
        die("%s %s %s", rc_name(rc), why->path, why->text);
    }
}

static void read_file(const char *path, struct buf *out)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        die("%s cannot be read", path);
    }
    char part[65536];
    size_t n;
    while ((n = fread(part, 1, sizeof(part), in)) > 0) {
        (void)buf_append(out, part, n); /* looked at below */
    }
    if (ferror(in) != 0 || fclose(in) != 0 || out->failed != RC_OK) {
        die("%s cannot be read, or is over %zu bytes", path, FILE_BYTES_MAX);
    }
}

static void write_file(const char *path, const struct buf *bytes)
{
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(bytes->data, 1, bytes->len, out) != bytes->len || fclose(out) != 0) {
        die("%s cannot be written", path);
    }
}

/* What is read, and what is written: both in memory that lives to the end. */
struct files {
    struct region region;
    struct tensors in;
    struct tensor_source out[FOLDS_MAX * OUTPUTS_OF_FOLD];
    size_t out_count;
};

static const char *name_of(struct files *files, int fold, const char *what)
{
    const char *name = region_printf(&files->region, "%d/%s", fold, what);
    if (name == NULL) {
        die("no memory");
    }
    return name;
}

static const float *input(struct files *files, int fold, const char *what, size_t *ret_count)
{
    const struct tensor *tensor = tensors_find(&files->in, name_of(files, fold, what));
    if (tensor == NULL) {
        die("%d/%s is missing", fold, what);
    }
    float *at = region_alloc(&files->region, tensor->count, sizeof(float));
    if (at == NULL) {
        die("no memory");
    }
    tensor_copy(tensor, at);
    *ret_count = tensor->count;
    return at;
}

/* Room for rows x columns numbers of OUT. */
static float *output(struct files *files, int fold, const char *what, int64_t rows, int64_t columns)
{
    float *at = region_alloc(&files->region, (size_t)(rows * columns), sizeof(float));
    if (at == NULL) {
        die("no memory");
    }
    files->out[files->out_count++] = (struct tensor_source){ name_of(files, fold, what), 2, { rows, columns }, at };
    return at;
}

static struct fit_data data_of(struct files *files, int fold, const char *x, const char *t, int inputs)
{
    struct fit_data data;
    size_t numbers;
    data.x = input(files, fold, x, &numbers);
    data.targets = input(files, fold, t, &data.rows);
    if (numbers != data.rows * (size_t)inputs) {
        die("%d/%s and %d/%s differ in rows", fold, x, fold, t);
    }
    return data;
}

/* The order in which fit_epoch() takes the rows. Were it another one, the losses of the two sides would part. */
static void write_order(uint64_t seed, int64_t epoch, size_t rows, float *out)
{
    AUTO_FREE uint32_t *order = mem_array(rows, sizeof(*order));
    if (order == NULL) {
        die("no memory");
    }
    rng_permutation(&(struct rng){ seed, RNG_SHUFFLE, (uint32_t)epoch }, order, rows);
    for (size_t i = 0; i < rows; i++) {
        out[i] = (float)order[i];
    }
}

static void predict(const struct network *network, const float *parameters, const struct fit_data *data, float *answers)
{
    AUTO_PTR(workspace) struct workspace *workspace = NULL;
    need(workspace_create(network, 32, false, &workspace), &(struct why){ 0 });
    network_predict(network, parameters, workspace, data->x, data->rows, answers);
}

static void train_fold(struct files *files, const struct job *job, int fold)
{
    struct why why = { 0 };
    struct fit_spec spec = job->spec;
    spec.seed = (uint64_t)fold;
    const int inputs = network_inputs(job->network);
    const struct fit_data train = data_of(files, fold, "train_x", "train_t", inputs);
    const struct fit_data test = data_of(files, fold, "test_x", "test_t", inputs);
    size_t count;
    const float *parameters = input(files, fold, "parameters", &count);
    if (count != network_parameter_count(job->network)) {
        die("the network has %zu parameters, got %zu", network_parameter_count(job->network), count);
    }
    AUTO_PTR(fit) struct fit *fit = NULL;
    need(fit_create(job->network, &spec, &train, &test, NULL, &fit, &why), &why);
    fit_set_parameters(fit, parameters);
    float *order = output(files, fold, "order", spec.epochs, (int64_t)train.rows);
    float *loss = output(files, fold, "loss", spec.epochs, 1);
    float *val_loss = output(files, fold, "val_loss", spec.epochs, 1);
    float *val_accuracy = output(files, fold, "val_accuracy", spec.epochs, 1);
    for (int64_t epoch = 0; !fit_is_done(fit); epoch++) {
        struct fit_result result;
        write_order(spec.seed, epoch, train.rows, order + (size_t)epoch * train.rows);
        need(fit_epoch(fit, NULL, &result, &why), &why);
        loss[epoch] = (float)result.loss;
        val_loss[epoch] = (float)result.val_loss;
        val_accuracy[epoch] = (float)result.val_metrics[0];
    }
    float *answers = output(files, fold, "answers", (int64_t)test.rows, network_outputs(job->network));
    predict(job->network, fit_parameters(fit), &test, answers);
}

static void train_all(struct files *files)
{
    const char *text = tensors_metadata(&files->in, "job");
    const struct tensor *x = tensors_find(&files->in, "0/train_x");
    if (text == NULL || x == NULL || x->rank != 2) {
        die("a job in the metadata and 0/train_x [rows][inputs] are wanted");
    }
    AUTO(job) struct job job;
    job_init(&job, text, (int)x->shape[1]);
    int fold = 0;
    while (fold < FOLDS_MAX && tensors_find(&files->in, name_of(files, fold, "train_x")) != NULL) {
        train_fold(files, &job, fold++);
    }
    printf("%s\n", mat_library());
}

int main(int argc, char **argv)
{
    static struct files files;
    struct why why = { 0 };
    if (argc != 3) {
        die("usage: fit_folds IN OUT");
    }
    need(mat_check_library(&why), &why);
    AUTO(buf) struct buf bytes, written;
    buf_init(&bytes, FILE_BYTES_MAX);
    buf_init(&written, FILE_BYTES_MAX);
    region_init(&files.region, FILE_BYTES_MAX);
    read_file(argv[1], &bytes);
    need(tensors_read(bytes.data, bytes.len, &files.region, &files.in, &why), &why);
    train_all(&files);
    need(tensors_write(files.out, files.out_count, NULL, &written), &why);
    write_file(argv[2], &written);
    tensors_finish(&files.in);
    region_finish(&files.region);
    return 0;
}
