#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every primitive under valgrind; first that a leak would be found at all.
skip() { echo "skipped: $1"; exit 77; }
command -v valgrind >/dev/null || skip "no valgrind"
[ -x tests/ct/ctime_arith ] || skip "built without valgrind's header"
tests/ct/ctime_arith
[ $? -eq 77 ] && skip "built with sanitizers"
run="valgrind --quiet --error-exitcode=9"
$run tests/ct/ctime_arith positive >/dev/null 2>&1
[ $? -eq 9 ] || { echo "the positive control was not found"; exit 1; }
exec $run tests/ct/ctime_arith
