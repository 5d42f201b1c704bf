/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stddef.h>
#include <string.h>

#include "cli/cmd.h"

const struct option command_options_all[] = {
    { "url", OPTION_TEXT, "URL", NULL, NULL,
      "the server: https://HOST:PORT, http://... or unix:/PATH (LICIT_URL; https://127.0.0.1:8443)" },
    { "token", OPTION_TEXT, "TOKEN", NULL, NULL, "who is asking; @FILE reads it from a file (LICIT_TOKEN)" },
    { "cacert", OPTION_FILE, "FILE", NULL, NULL, "the certificate to trust, PEM (LICIT_CACERT)" },
    { "json", OPTION_FLAG, NULL, NULL, NULL, "print the server's JSON as it is" },
    { "help", OPTION_FLAG, NULL, NULL, NULL, "this help" },
    { NULL },
};

const struct option option_none[] = { { NULL } };

const struct option option_list[] = {
    { "limit", OPTION_INTEGER, "N", NULL, NULL, "how many, 1 to 1000 (20)" },
    { "after", OPTION_TEXT, "ID", NULL, NULL, "go on behind this one" },
    { NULL },
};

const struct option option_remove[] = {
    { "yes", OPTION_FLAG, NULL, NULL, NULL, "do not ask" },
    { NULL },
};

static const struct {
    const char *group, *about;
} groups[] = {
    { "dataset", "tables that models learn from, with their licence and purposes" },
    { "job", "training and evaluation, in the background" },
    { "model", "models, their versions, and the labels that deploy them" },
    { "token", "who may ask for what" },
};

#define ANY_WORDS ARGS_MAX

const struct command command_table[] = {
    { "dataset", "add", "FILE", 1, 1, "upload a table",
      "licit dataset add wine.csv --licence CC-BY-4.0 --purpose research --target cultivar\n"
      "licit dataset add loans.csv --name loans --licence LicenseRef-Proprietary --purpose credit-scoring \\\n"
      "    --column zip=category --column note=ignored \\\n"
      "    --personal-data --legal-basis contract --subject-column customer --retention-days 365\n",
      dataset_add_options, dataset_add },
    { "dataset", "list", "", 0, 0, "what was uploaded, newest first",
      "licit dataset list\nlicit dataset list --json --limit 1000\n", option_list, dataset_list },
    { "dataset", "show", "ID", 1, 1, "one dataset with its columns and their statistics",
      "licit dataset show ds-06a2f0q5d1h7k2m4n6p8\n", option_none, dataset_show },
    { "dataset", "remove", "ID", 1, 1, "erase a dataset for good",
      "licit dataset remove ds-06a2f0q5d1h7k2m4n6p8\n", option_remove, dataset_remove },
    { "job", "submit", "", 0, 0, "train a new version of a model",
      "licit job submit --model wine --dataset ds-06a2f0q5d1h7k2m4n6p8 --target cultivar --watch\n"
      "licit job submit --model cancer --dataset ds-06a2f0q5d1h7k2m4n6p8 --target diagnosis --positive malignant \\\n"
      "    --layers 128:relu,64:relu,1:sigmoid --epochs 30 --batch-size 32 --optimizer adam --learning-rate 0.001 \\\n"
      "    --validation-split 0.2 --test-split 0.2 --metrics accuracy,auc --seed 7 --label production --watch\n"
      "licit job submit --file job.json --seed 8\n",
      job_submit_options, job_submit },
    { "job", "evaluate", "", 0, 0, "measure a version on rows that it has not seen",
      "licit job evaluate --model cancer --label production --dataset ds-06a2f0q5d1h7k2m4n6p8 --rows test --watch\n"
      "licit job evaluate --model cancer --version 3 --dataset ds-06a2f0q5d1h7k2m4n6p8 --metrics accuracy,auc,f1\n",
      job_evaluate_options, job_evaluate },
    { "job", "list", "", 0, 0, "jobs, newest first",
      "licit job list\n", option_list, job_list },
    { "job", "show", "ID", 1, 1, "one job with every epoch",
      "licit job show job-06a2f0q5d1h7k2m4n6p8\n", option_none, job_show },
    { "job", "watch", "ID", 1, 1, "follow a job to its end; Ctrl-C stops the watching, not the job",
      "licit job watch job-06a2f0q5d1h7k2m4n6p8\n", option_none, job_watch },
    { "job", "cancel", "ID", 1, 1, "end a job",
      "licit job cancel job-06a2f0q5d1h7k2m4n6p8\n", option_none, job_cancel },
    { "job", "pause", "ID", 1, 1, "hold a job; it keeps what it has learnt",
      "licit job pause job-06a2f0q5d1h7k2m4n6p8\n", option_none, job_pause },
    { "job", "resume", "ID", 1, 1, "go on with a paused job",
      "licit job resume job-06a2f0q5d1h7k2m4n6p8\n", option_none, job_resume },
    { "model", "list", "", 0, 0, "models and what is deployed",
      "licit model list\n", option_list, model_list },
    { "model", "show", "MODEL", 1, 1, "one model: versions, labels, inputs",
      "licit model show cancer\nlicit model show cancer --version 3\n", model_show_options, model_show },
    { "model", "label", "MODEL LABEL VERSION", 3, 3, "point a label at a version: deploy, or roll back",
      "licit model label cancer production 3\n", option_none, model_label },
    { "model", "remove", "MODEL", 1, 1, "erase a model, one version or one label",
      "licit model remove cancer --version 2\nlicit model remove cancer --label canary\n", model_remove_options, model_remove },
    { "predict", NULL, "MODEL [COLUMN=VALUE ...]", 1, ANY_WORDS, "ask a model",
      "licit predict credit age=42 housing=own amount=2500\n"
      "licit predict cancer --file patients.csv\n"
      "licit predict cancer --label canary --body '{\"instances\":[[17.99,10.38,122.8]]}'\n",
      predict_options, predict_run },
    { "token", "create", "", 0, 0, "make a token; it is shown once",
      "licit token create --name dashboard --scope model:read --scope model:predict --expires-in 30d\n"
      "licit token create --name ci --scope 'model:cancer:predict' --expires-in 12h\n"
      "licit token create --name guest --scope model:predict --expires-in 1d --limit requests_per_second=5 --limit rows_per_day=1000\n",
      token_create_options, token_create },
    { "token", "narrow", "", 0, 0, "make a token that may less out of yours, without asking the server",
      "licit token narrow --id tok-06a2f0q5d1h7k2m4n6p8 --model 'credit*' --expires-in 1h\n"
      "LICIT_TOKEN=licitn_... licit token narrow --address 192.0.2.0/24 --path /v1/models/credit:predict\n",
      token_narrow_options, token_narrow },
    { "token", "list", "", 0, 0, "tokens, without their secrets",
      "licit token list\n", option_list, token_list },
    { "token", "revoke", "ID", 1, 1, "end a token and all that were made from it",
      "licit token revoke tok-06a2f0q5d1h7k2m4n6p8\n", option_none, token_revoke },
    { "completion", NULL, "bash|markdown", 1, 1, "print a completion script, or this manual",
      "source <(licit completion bash)\nlicit completion markdown > docs/command.md\n", option_none, completion_run },
    { "help", NULL, "[COMMAND]", 0, 2, "help on a command",
      "licit help job submit\n", option_none, help_run },
    { NULL },
};

const char *command_group_about(const char *group)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (strcmp(groups[i].group, group) == 0) {
            return groups[i].about;
        }
    }
    return NULL;
}

const struct command *command_find(const char *group, const char *verb)
{
    for (const struct command *c = command_table; c->group != NULL; c++) {
        const bool same_verb = verb == NULL || c->verb == NULL ? verb == c->verb : strcmp(c->verb, verb) == 0;
        if (same_verb && strcmp(c->group, group) == 0) {
            return c;
        }
    }
    return NULL;
}

static const struct option *find_option(const struct option *options, const char *name)
{
    for (; options->name != NULL; options++) {
        if (strcmp(options->name, name) == 0) {
            return options;
        }
    }
    return NULL;
}

const struct option *command_option(const struct command *command, const char *name)
{
    const struct option *option = find_option(command->options, name);
    return option != NULL ? option : find_option(command_options_all, name);
}
