#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print nox-v0-operators.txt: the operations of Nox v0 on edge values.

Computed with Python's integers from the rules of tee-primitives(7), NOX V0, and
with nothing of the Runner's.
"""

BITS = {"bool": 8, "uint16": 16, "uint256": 256, "int16": 16, "int256": 256}
NAMES = ("uint16", "uint256", "int16", "int256")


def edges(t):
    n = BITS[t]
    return [0, 1, 2 ** (n - 1) - 1, 2 ** (n - 1), 2**n - 1]


def number(t, raw):
    signed = t.startswith("int") and raw >> (BITS[t] - 1)
    return raw - 2 ** BITS[t] if signed else raw


def limits(t):
    n = BITS[t]
    if t.startswith("int"):
        return -(2 ** (n - 1)), 2 ** (n - 1) - 1
    return 0, 2**n - 1


def text(t, x):
    return "0x%0*x" % (BITS[t] // 4, x % 2 ** BITS[t])


def line(name, ins, outs, given, results):
    print(name, ",".join(ins), ",".join(outs), ":",
          *[text(t, x) for t, x in zip(ins, given)], "=",
          *[text(t, x) for t, x in zip(outs, results)])


def quotient(a, b):
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


def binary(t, x, y):
    low, high = limits(t)
    a, b = number(t, x), number(t, y)
    exact = {"add": a + b, "sub": a - b, "mul": a * b,
             "div": quotient(a, b) if b else None}
    for name, r in exact.items():
        line(name, [t, t], [t], [x, y], [high if r is None else r])
        fits = r is not None and low <= r <= high
        line("safe" + name.capitalize(), [t, t], ["bool", t], [x, y],
             [fits, r if fits else 0])
    for name, r in (("eq", a == b), ("ne", a != b), ("lt", a < b),
                    ("le", a <= b), ("gt", a > b), ("ge", a >= b)):
        line(name, [t, t], ["bool"], [x, y], [r])


def selects():
    """The low bytes of the plaintext that was chosen, zeros at its left."""
    samples = {"bool": 1, "uint16": 0x8001, "uint256": 2**256 - 0x7ffe,
               "int16": 0xfffe, "int256": 2**255 + 0x300}
    for yes in BITS:
        for no in BITS:
            for to in BITS:
                for c in (0, 1):
                    got = samples[yes if c else no] % 2 ** BITS[to]
                    line("select", ["bool", yes, no], [to],
                         [c, samples[yes], samples[no]],
                         [got != 0 if to == "bool" else got])


def tokens():
    top = 2**256
    values = (0, 1, 2**255, top - 1)
    for a in values:
        for b in values:
            for c in values:
                ok = a >= c and b + c < top
                line("transfer", ["uint256"] * 3, ["bool"] + ["uint256"] * 2,
                     [a, b, c], [1, a - c, b + c] if ok else [0, a, b])
                # to or from, amount, supply
                ok = a + b < top and c + b < top
                line("mint", ["uint256"] * 3, ["bool"] + ["uint256"] * 2,
                     [a, b, c], [1, a + b, c + b] if ok else [0, a, c])
                ok = a >= b and c >= b
                line("burn", ["uint256"] * 3, ["bool"] + ["uint256"] * 2,
                     [a, b, c], [1, a - b, c - b] if ok else [0, a, c])


print("# The operations of Nox v0 on edge values, in the format of primitives.txt.")
print("# Printed by nox-v0-operators.py; do not edit.")
for t in NAMES:
    for x in edges(t):
        for y in edges(t):
            binary(t, x, y)
selects()
tokens()
