#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The cryptography under valgrind; first that a leak would be found at all.
program=tests/ct/ctime_crypto
. "$(dirname "$0")/valgrind.sh"
run="$run --suppressions=${srcdir:-..}/tests/ct/ctime_crypto.supp"
finds positive
finds leak
exec $run "$program"
