/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_OWN_CERT_H
#define SERVER_OWN_CERT_H

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * The certificate of licit's own in DIR/tls/, for those who configure none: made
 * at the first start (the key with mode 0600), and made anew, with a new key,
 * when it has less than OWN_CERT_DAYS left.
 *
 * A new pair is written beside the old one and renamed, key first; a start that
 * finds the renaming half done completes it. A certificate there that somebody
 * else made is left alone.
 *
 * Threads: main. Memory: none stays. Logs: that one was made.
 */

#define OWN_CERT_DAYS     30
#define OWN_CERT_NAME_MAX 32 /* room for a name of a file behind the state directory */

/* Makes what is not there, and fills both paths (PATH_MAX bytes). RC_INVALID (path too long), RC_IO, RC_NO_MEMORY. */
enum rc own_cert_prepare(const char *state, char *ret_certificate, char *ret_key, struct why *why) MUST_CHECK;

/* Makes a new pair when the time has come; else does nothing. RC_IO, RC_NO_MEMORY: the old pair stays. */
enum rc own_cert_renew(const char *state, struct why *why) MUST_CHECK;

#endif
