/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/api.h"

/*
 * The operations, one file a family. Each reads what its request says, asks a
 * use case, and makes the reply; what goes wrong is a result code with words.
 *
 * Threads: where the route says. Memory: the request's. Logs: no.
 */

extern const struct api_route api_routes[];

/* Tokens of the service, for struct api_settings. */
struct api_auth handlers_auth(struct service *service);

/* ?limit= and ?after= of every list. */
extern const struct schema list_query_schema;

enum rc handle_live(struct api_request *request, struct why *why);
enum rc handle_ready(struct api_request *request, struct why *why);
enum rc handle_root(struct api_request *request, struct why *why);
enum rc handle_openapi(struct api_request *request, struct why *why);
extern const struct schema health_schema;

enum rc handle_dataset_chunk(struct api_request *request, const char *bytes, size_t n, struct why *why);
enum rc handle_dataset_create(struct api_request *request, struct why *why);
enum rc handle_dataset_list(struct api_request *request, struct why *why);
enum rc handle_dataset_get(struct api_request *request, struct why *why);
enum rc handle_dataset_erase(struct api_request *request, struct why *why);

enum rc handle_job_create(struct api_request *request, struct why *why);
enum rc handle_job_list(struct api_request *request, struct why *why);
enum rc handle_job_get(struct api_request *request, struct why *why);
enum rc handle_job_cancel(struct api_request *request, struct why *why);
enum rc handle_job_pause(struct api_request *request, struct why *why);
enum rc handle_job_resume(struct api_request *request, struct why *why);
enum rc handle_job_events(struct api_request *request, struct why *why);

enum rc handle_model_list(struct api_request *request, struct why *why);
enum rc handle_model_get(struct api_request *request, struct why *why);
enum rc handle_model_erase(struct api_request *request, struct why *why);
enum rc handle_version_get(struct api_request *request, struct why *why);
enum rc handle_version_erase(struct api_request *request, struct why *why);
enum rc handle_label_set(struct api_request *request, struct why *why);
enum rc handle_label_remove(struct api_request *request, struct why *why);

enum rc handle_predict(struct api_request *request, struct why *why);
enum api_where place_predict(struct api_request *request);
extern const struct schema predict_request_schema;
extern const struct schema predict_reply_schema;

enum rc handle_token_create(struct api_request *request, struct why *why);
enum rc handle_token_list(struct api_request *request, struct why *why);
enum rc handle_token_revoke(struct api_request *request, struct why *why);

/* Shared: a page of a list, as the query asks for it; the reply to what made something, with its address (the
 * document is handed over); a 204. */
struct page;
enum rc handlers_list(struct api_request *request, struct why *why,
                      enum rc (*use_case)(struct service *, const struct page *, struct doc **, struct why *));
enum rc handlers_created(struct api_request *request, int status, const char *collection, struct doc *doc);
enum rc handlers_no_content(struct api_request *request);

#endif
