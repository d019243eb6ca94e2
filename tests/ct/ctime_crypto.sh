#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The cryptography under valgrind; first that a leak would be found at all.
program=tests/ct/ctime_crypto
. "$(dirname "$0")/valgrind.sh"
run="$run --suppressions=$src/tests/ct/ctime_crypto.supp"
check 'a branch on a secret is found' finds positive
check 'a comparison of a secret is found' finds leak
check 'no function leaks its secrets' $run "$program"
finish
