#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The cryptography under valgrind; first that a leak would be found at all.
skip() { echo "skipped: $1"; exit 77; }
command -v valgrind >/dev/null || skip "no valgrind"
[ -x tests/ct/ctime_crypto ] || skip "built without valgrind's header"
tests/ct/ctime_crypto
[ $? -eq 77 ] && skip "built with sanitizers"
run="valgrind --quiet --error-exitcode=9
    --suppressions=${srcdir:-..}/tests/ct/ctime_crypto.supp"
for how in positive leak; do
	$run tests/ct/ctime_crypto $how >/dev/null 2>&1
	[ $? -eq 9 ] || { echo "$how: was not found"; exit 1; }
done
exec $run tests/ct/ctime_crypto
