/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_BANNED_H
#define CORE_BASE_BANNED_H

/*
 * Calls that licit does without. The build includes this file in front of
 * every source of ours (meson.build), so using one stops the compiler with a
 * name that says why. Allocation goes through core/base/mem.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf
#pragma GCC poison strtok atoi atol atoll atof
#pragma GCC poison gets setlocale

#endif
