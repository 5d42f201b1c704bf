/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CHARGE_H
#define API_CHARGE_H

#include "api/api.h"

/*
 * What a request costs a token with limits (core/auth/quota.h), moment by moment.
 *
 *     begin  counts it for the rate and the number at a time, and refuses what cannot be paid
 *     place  sets aside what it may cost; where the lease is too short for that, it runs where
 *            the disk may be asked for a longer one
 *     chunk  bytes of an upload, as they come
 *     start  the use, and the bytes of the body
 *     reply  rows and bits that the handler left in charge.answer, and the bytes of the reply:
 *            an answer that is not covered is not given
 *     piece  bytes of a stream, out of what was set aside for it
 *     leave  gives back what was not used
 *
 * Bits: an answer tells a function of the output tensor, so it costs 32 bits for
 * each of its floats, whatever form it is given in.
 *
 * What changes something is never refused after it has happened: where its reply
 * costs more than is left, what is left is used up.
 *
 * Threads: the request's. Memory: none. Logs: no. Without limits every call
 * returns at once.
 */

#define CHARGE_FLOAT_BITS   32
#define CHARGE_STREAM_BYTES (64u << 10) /* set aside for a stream; then it ends, and the client comes again */
#define CHARGE_STREAM_LEAST (4u << 10)  /* where that much is not left */

/* RC_LIMITED, RC_CONCURRENCY_LIMITED, RC_ROWS_LIMITED, RC_BYTES_LIMITED, RC_BITS_LIMITED; RC_UNAUTHENTICATED: the
 * token has been used as often as it may be. */
enum rc charge_begin(struct api_request *request, struct why *why) MUST_CHECK;

/* Where it has to run, when it would run at `where`. */
enum api_where charge_place(struct api_request *request, enum api_where where);

/* On an io worker. The same errors, and those of the store. */
enum rc charge_chunk(struct api_request *request, size_t n, struct why *why) MUST_CHECK;

/* The same errors, and those of the store; RC_LIMITED also when a lease ran out on a thread that must not extend it. */
enum rc charge_start(struct api_request *request, struct why *why) MUST_CHECK;
enum rc charge_reply(struct api_request *request, struct why *why) MUST_CHECK;

/* Rows and bits of an answer. */
struct quota_numbers charge_rows(size_t rows, size_t outputs);

/* Would so many rows of so many outputs still be within the limits? Before they are computed. */
enum rc charge_check_rows(struct api_request *request, size_t rows, size_t outputs, struct why *why) MUST_CHECK;

/* It was refused by its handler: the use and the body are paid. */
void charge_failed(struct api_request *request);

/* false: no more than that; the stream ends. */
bool charge_piece(const struct api_request *request, size_t n);

void charge_leave(struct api_request *request);

#endif
