/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli/session.h"

/*
 * What the commands do, one function each, with its options beside it in
 * cmd_<group>.c. The rows that call them are in command.c.
 *
 * Threads: one. Memory: none kept. Logs: no.
 */

extern const struct option option_none[];
extern const struct option option_list[];   /* --limit, --after */
extern const struct option option_remove[]; /* --yes */

extern const struct option dataset_add_options[];
enum outcome dataset_add(const struct session *session);
enum outcome dataset_list(const struct session *session);
enum outcome dataset_show(const struct session *session);
enum outcome dataset_remove(const struct session *session);

extern const struct option job_submit_options[];
extern const struct option job_evaluate_options[];
enum outcome job_submit(const struct session *session);
enum outcome job_evaluate(const struct session *session);
enum outcome job_list(const struct session *session);
enum outcome job_show(const struct session *session);
enum outcome job_watch(const struct session *session);
enum outcome job_cancel(const struct session *session);
enum outcome job_pause(const struct session *session);
enum outcome job_resume(const struct session *session);

/* Shows a job's reply as a person wants to see it. */
enum rc job_print(const struct doc *job) MUST_CHECK;

extern const struct option model_show_options[];
extern const struct option model_remove_options[];
enum outcome model_list(const struct session *session);
enum outcome model_show(const struct session *session);
enum outcome model_label(const struct session *session);
enum outcome model_remove(const struct session *session);

extern const struct option predict_options[];
enum outcome predict_run(const struct session *session);

extern const struct option token_create_options[];
enum outcome token_create(const struct session *session);
extern const struct option token_narrow_options[];
enum outcome token_narrow(const struct session *session); /* asks no server */
enum outcome token_list(const struct session *session);
enum outcome token_revoke(const struct session *session);

enum outcome help_run(const struct session *session);
enum outcome completion_run(const struct session *session);

#endif
