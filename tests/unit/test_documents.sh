#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the documents count is what there is: the system calls of each role.

src=$(cd "$(dirname "$0")/../.." && pwd)
passed=0 failed=0

# is WHAT WANT GOT
is() {
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
		echo "ok   $1"
	else
		failed=$((failed + 1))
		echo "FAIL $1: expected $2, got $3"
	fi
}

calls() { grep -o '^[a-z0-9_]*:' "$src/policy/$1.policy" | sort -u | wc -l; }

is 'README.privsep: system calls of compute' "$(calls compute)" \
	"$(sed -n 's/.*its \([0-9]*\) system calls.*/\1/p' "$src/README.privsep")"
is 'README.md: system calls of compute' "$(calls compute)" \
	"$(sed -n 's/^    compute .*; \([0-9]*\) system calls$/\1/p' "$src/README.md")"
for role in monitor net nox registry keys evidence compute; do
	is "policy/README: system calls of $role" "$(calls $role)" \
		"$(sed -n "s/^    $role  *\([0-9]*\).*/\1/p" "$src/policy/README")"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
