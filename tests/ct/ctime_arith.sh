#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every primitive under valgrind; first that a leak would be found at all.
program=tests/ct/ctime_arith
. "$(dirname "$0")/valgrind.sh"
check 'a branch on a secret is found' finds positive
check 'no primitive leaks its operands' $run "$program"
finish
