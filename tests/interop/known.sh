#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ten of every signed message of typed_dump, as ethers hashed and signed them
# (lines of what typed.sh writes to `signatures'): no Node is needed here.
exec tests/interop/typed_dump verify \
    < "${srcdir:-..}/tests/vectors/typed-data.txt"
