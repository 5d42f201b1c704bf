#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes decimal_powers.h: the powers of five that core/base/decimal.c multiplies with.

For each q: 5**q = m * 2**e with m of exactly 128 bits; rounded down where q >= 0 and up where
q < 0 (Lemire, "Number parsing at a gigabyte per second", Software: Practice and Experience 2021,
section 5). Run: python3 decimal_powers.py > decimal_powers.h
"""
FIRST, LAST = -342, 308


def power(q):
    if q >= 0:
        m = 5**q
        return m << (128 - m.bit_length()) if m.bit_length() <= 128 else m >> (m.bit_length() - 128)
    bits = (5**-q).bit_length() + 127
    m = -(-(1 << bits) // 5**-q)
    return m >> (m.bit_length() - 128) if m.bit_length() > 128 else m


print("/* SPDX-License-Identifier: Apache-2.0 */")
print("#ifndef CORE_BASE_DECIMAL_POWERS_H\n#define CORE_BASE_DECIMAL_POWERS_H\n\n#include <stdint.h>\n")
print("/* Written by decimal_powers.py: the upper and lower half of the 128-bit powers of five. */")
print(f"#define POWER_FIRST ({FIRST})")
print(f"#define POWER_LAST  {LAST}\n")
print("static const uint64_t powers[POWER_LAST - POWER_FIRST + 1][2] = {")
for q in range(FIRST, LAST + 1):
    m = power(q)
    assert m.bit_length() == 128
    print(f"    {{ 0x{m >> 64:016x}, 0x{m & (1 << 64) - 1:016x} }}, /* 5^{q} */")
print("};\n\n#endif")
