/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"
#include "core/service/dataset.h"
#include "core/service/job.h"
#include "core/service/jobspec.h"
#include "core/service/model.h"
#include "core/service/token.h"

/*
 * Every operation of licit. What a row leaves out is the safe choice: not open,
 * no body, no query.
 */

static const int dataset_refusals[] = { 409, 410, 422, 507, 0 };
static const int job_refusals[] = { 409, 410, 422, 507, 0 };
static const int state_refusals[] = { 409, 0 };
static const int gone_refusals[] = { 410, 0 };

#define GET                         .method = "GET"
#define POST                        .method = "POST"
#define PUT                         .method = "PUT"
#define DELETE                      .method = "DELETE"
#define SCOPE(kind_, named_, verb_) .kind = kind_, .named = named_, .verb = verb_
#define JSON_BODY                   .body = API_BODY_WHOLE, .ceiling = API_CEILING_JSON
#define PREDICT                     .body = API_BODY_WHOLE, .ceiling = API_CEILING_PREDICT, .where = API_COMPUTE, .place = place_predict, \
                .handle = handle_predict, .takes = &predict_request_schema, .gives = &predict_reply_schema, .status = 200

const struct api_route api_routes[] = {
    { GET, .pattern = "/", .open = true, .handle = handle_root, .gives_type = "text/html",
      .id = "getRoot", .about = "A page for people.", .status = 200 },
    { GET, .pattern = "/openapi.json", .open = true, .handle = handle_openapi,
      .id = "getOpenapi", .about = "This document.", .status = 200 },
    { GET, .pattern = "/v2/health/live", .open = true, .handle = handle_live, .gives = &health_schema,
      .id = "getLive", .about = "Does the process answer?", .status = 200 },
    { GET, .pattern = "/v2/health/ready", .open = true, .handle = handle_ready, .gives = &health_schema,
      .id = "getReady", .about = "Does the server take requests? 503 when not.", .status = 200 },

    { POST, .pattern = "/v1/datasets", SCOPE("dataset", NULL, "write"), .body = API_BODY_STREAM, .ceiling = API_CEILING_UPLOAD,
      .where = API_IO, .handle = handle_dataset_create, .chunk = handle_dataset_chunk,
      .takes = &dataset_metadata_schema, .takes_type = "multipart/form-data", .gives = &dataset_schema,
      .id = "createDataset", .about = "Uploads a table: the parts metadata (JSON) and file (CSV), in either order.",
      .status = 201, .refusals = dataset_refusals },
    { GET, .pattern = "/v1/datasets", SCOPE("dataset", NULL, "read"), .where = API_IO, .handle = handle_dataset_list,
      .query = &list_query_schema, .gives = &dataset_schema, .gives_list = true,
      .id = "listDatasets", .about = "Lists the datasets, newest first.", .status = 200 },
    { GET, .pattern = "/v1/datasets/{dataset}", SCOPE("dataset", "dataset", "read"), .where = API_IO,
      .handle = handle_dataset_get, .gives = &dataset_schema,
      .id = "getDataset", .about = "Describes a dataset: its columns, statistics and record. An erased one answers 410 with what remains.",
      .status = 200, .refusals = gone_refusals },
    { DELETE, .pattern = "/v1/datasets/{dataset}", SCOPE("dataset", "dataset", "erase"), .where = API_IO,
      .handle = handle_dataset_erase, .gives = &dataset_schema,
      .id = "eraseDataset", .about = "Erases a dataset; its record remains.", .status = 200, .refusals = dataset_refusals },

    { POST, .pattern = "/v1/jobs", SCOPE("job", NULL, "write"), JSON_BODY, .where = API_IO, .handle = handle_job_create,
      .takes_variant = &job_request, .gives = &job_schema,
      .id = "createJob", .about = "Submits a job, train or evaluate. Needs dataset:<id>:train, and model:<name>:deploy to set a label.",
      .status = 202, .refusals = job_refusals },
    { GET, .pattern = "/v1/jobs", SCOPE("job", NULL, "read"), .where = API_IO, .handle = handle_job_list,
      .query = &list_query_schema, .gives = &job_schema, .gives_list = true,
      .id = "listJobs", .about = "Lists the jobs, newest first.", .status = 200 },
    { GET, .pattern = "/v1/jobs/{job}", SCOPE("job", "job", "read"), .where = API_IO, .handle = handle_job_get, .gives = &job_schema,
      .id = "getJob", .about = "A job with its progress and the metrics of every epoch.", .status = 200 },
    { GET, .pattern = "/v1/jobs/{job}/events", SCOPE("job", "job", "read"), .where = API_IO, .handle = handle_job_events,
      .gives_type = "text/event-stream",
      .id = "getJobEvents", .about = "Server-sent events (progress, epoch, done) with Accept: text/event-stream, else a list. Last-Event-ID resumes.",
      .status = 200 },
    { POST, .pattern = "/v1/jobs/{job}/cancel", SCOPE("job", "job", "write"), .where = API_IO, .handle = handle_job_cancel,
      .gives = &job_schema, .id = "cancelJob", .about = "Cancels a job.", .status = 200, .refusals = state_refusals },
    { POST, .pattern = "/v1/jobs/{job}/pause", SCOPE("job", "job", "write"), .where = API_IO, .handle = handle_job_pause,
      .gives = &job_schema, .id = "pauseJob", .about = "Pauses a job at its next batch.", .status = 200, .refusals = state_refusals },
    { POST, .pattern = "/v1/jobs/{job}/resume", SCOPE("job", "job", "write"), .where = API_IO, .handle = handle_job_resume,
      .gives = &job_schema, .id = "resumeJob", .about = "Goes on with a paused job.", .status = 200, .refusals = state_refusals },

    { GET, .pattern = "/v1/models", SCOPE("model", NULL, "read"), .where = API_IO, .handle = handle_model_list,
      .query = &list_query_schema, .gives = &model_schema, .gives_list = true,
      .id = "listModels", .about = "Lists the models, newest first.", .status = 200 },
    { GET, .pattern = "/v1/models/{model}", SCOPE("model", "model", "read"), .where = API_IO, .handle = handle_model_get,
      .gives = &model_schema, .id = "getModel", .about = "A model with its versions, labels, inputs and outputs.", .status = 200 },
    { DELETE, .pattern = "/v1/models/{model}", SCOPE("model", "model", "erase"), .where = API_IO, .handle = handle_model_erase,
      .id = "eraseModel", .about = "Erases a model with all its versions.", .status = 204, .refusals = state_refusals },
    { GET, .pattern = "/v1/models/{model}/versions/{version}", SCOPE("model", "model", "read"), .where = API_IO,
      .handle = handle_version_get, .gives = &model_version_schema,
      .id = "getVersion", .about = "One version of a model.", .status = 200 },
    { DELETE, .pattern = "/v1/models/{model}/versions/{version}", SCOPE("model", "model", "erase"), .where = API_IO,
      .handle = handle_version_erase, .id = "eraseVersion", .about = "Erases a version that no label names.",
      .status = 204, .refusals = state_refusals },
    { PUT, .pattern = "/v1/models/{model}/labels/{label}", SCOPE("model", "model", "deploy"), JSON_BODY, .where = API_IO,
      .handle = handle_label_set, .takes = &label_schema, .gives = &model_schema,
      .id = "setLabel", .about = "Points a label at a version: promotes or rolls back, without a failed request.",
      .status = 200, .refusals = state_refusals },
    { DELETE, .pattern = "/v1/models/{model}/labels/{label}", SCOPE("model", "model", "deploy"), .where = API_IO,
      .handle = handle_label_remove, .id = "removeLabel", .about = "Removes a label; the versions that it named stay.", .status = 204 },

    { POST, .pattern = "/v1/models/{model}:predict", SCOPE("model", "model", "predict"), PREDICT,
      .id = "predict", .about = "Predicts with the version that the label production names. X-Purpose, where given, is held against the token and the version." },
    { POST, .pattern = "/v1/models/{model}/versions/{version}:predict", SCOPE("model", "model", "predict"), PREDICT,
      .id = "predictVersion", .about = "Predicts with one version." },
    { POST, .pattern = "/v1/models/{model}/labels/{label}:predict", SCOPE("model", "model", "predict"), PREDICT,
      .id = "predictLabel", .about = "Predicts with the version that a label names." },

    { POST, .pattern = "/v1/tokens", SCOPE("token", NULL, "write"), JSON_BODY, .where = API_IO, .handle = handle_token_create,
      .takes = &token_request_schema, .gives = &token_schema,
      .id = "createToken", .about = "Issues a token, which is shown this once. Its scopes are a subset of the caller's.", .status = 201 },
    { GET, .pattern = "/v1/tokens", SCOPE("token", NULL, "read"), .where = API_IO, .handle = handle_token_list,
      .query = &list_query_schema, .gives = &token_schema, .gives_list = true,
      .id = "listTokens", .about = "Lists the tokens, newest first.", .status = 200 },
    { DELETE, .pattern = "/v1/tokens/{token}", SCOPE("token", "token", "write"), .where = API_IO, .handle = handle_token_revoke,
      .id = "revokeToken", .about = "Revokes a token and all that descend from it.", .status = 204, .refusals = state_refusals },
    { .method = NULL },
};
