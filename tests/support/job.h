/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_JOB_H
#define TESTS_SUPPORT_JOB_H

#include "core/nn/fit.h"

/*
 * Networks and training jobs from JSON text, the way the service reads them,
 * for tests of core/nn. What is wrong in the text ends the program (MUST).
 * Threads: one. Memory: job_finish(). Logs: no.
 */

struct job {
    struct region region;
    struct doc *doc;
    struct network *network;
    struct fit_spec spec;
    struct stopping_spec stopping;
};

/* {"network":{...},"loss":..,"optimizer":{...},"schedule":{...},"metrics":[...],"epochs":..,"batch_size":..,
 *  "seed":..,"shuffle":..,"clip_norm":..,"global_clip_norm":..,"class_weight":[...],"early_stopping":{...}} */
void job_init(struct job *job, const char *text, int inputs);
void job_finish(struct job *job);
DEFINE_AUTO(job)

#endif
