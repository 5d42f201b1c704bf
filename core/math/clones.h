/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MATH_CLONES_H
#define CORE_MATH_CLONES_H

/*
 * CLONES in front of a loop compiles it for the widest vectors that the
 * machine may have and picks one when the program is loaded. Contraction is
 * off and every loop is elementwise or has fixed lanes, so all clones give the
 * same bits. Sanitizers break the resolver that picks (it runs before they are
 * ready), so under them the macro is empty.
 *
 * Files that use it are compiled with -O3 (meson.build): without it gcc 12
 * leaves most of these loops scalar.
 */

#if defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#        define CLONES_OFF
#    endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__) || !defined(__x86_64__)
#    define CLONES_OFF
#endif

#ifdef CLONES_OFF
#    define CLONES
#else
#    define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif

#endif
