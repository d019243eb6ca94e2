#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the documents count is what there is: the system calls of each role.  What they
# list is what the code has: the statuses.

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
for role in monitor net registry keys evidence compute; do
	is "policy/README: system calls of $role" "$(calls $role)" \
		"$(sed -n "s/^    $role  *\([0-9]*\).*/\1/p" "$src/policy/README")"
done

# The rows of proto/status.def as proto/SESSION.md has them.
statuses() {
	awk '
	/^STATUS\(/ { is_row = 1; row = "" }
	is_row { row = row $0 }
	is_row && /\)$/ {
		is_row = 0
		sub(/^STATUS\(/, "", row)
		split(row, f, /,[ \t]*/)
		to = ""
		if (f[4] ~ /REFUSAL_/)
			to = to ", Refusal"
		if (f[4] ~ /RESULT_/)
			to = to ", TaskResult"
		if (f[4] ~ /RESULT_GATEWAY/)
			to = to ", OperandGrant"
		if (f[4] ~ /STORE_/)
			to = to ", StoreOutcome"
		printf "| %s | %s | %s | %s |\n", f[1], f[2], tolower(f[3]),
		    substr(to, 3)
	}' "$src/proto/status.def"
}
is 'proto/SESSION.md: statuses' "$(statuses)" \
	"$(grep '^| [0-9]* | [A-Z_]* |' "$src/proto/SESSION.md")"
is 'proto/SESSION.md: a row for each status' \
	"$(grep -c '^STATUS(' "$src/proto/status.def")" "$(statuses | wc -l)"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
