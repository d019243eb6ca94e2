#!/bin/sh
# policyc refuses what it does not understand, and names file and line.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail=0

refuses() {	# policy, part of the message
	printf '%s\n' "$1" > "$dir/p"
	if ./policyc "$dir/p" > "$dir/out" 2> "$dir/err"; then
		echo "FAIL: taken: $1"; fail=1
	elif ! grep -q "p:1: .*$2" "$dir/err"; then
		echo "FAIL: $1: want \`$2', got: $(cat "$dir/err")"; fail=1
	fi
}
takes() {
	printf '%s\n' "$1" > "$dir/p"
	./policyc "$dir/p" > "$dir/out" 2> "$dir/err" ||
	    { echo "FAIL: refused: $1: $(cat "$dir/err")"; fail=1; }
}

refuses 'read: 1' 'without its reason'
refuses 'read: 1 #' 'without its reason'
refuses 'read 1 # why' 'no `:'
refuses 'reed: 1 # why' 'no such system call'
refuses 'read: 2 # why' 'want argN'
refuses 'read: arg6 == 1 # why' 'want argN'
refuses 'read: arg1 = 1 # why' 'want ==, != or in'
refuses 'read: arg1 == NO_SUCH # why' 'no such constant'
refuses 'read: arg1 == 1x # why' 'not a number'
takes 'read: 1 # why'
takes 'mmap: arg2 in PROT_READ|PROT_WRITE # why'
takes 'socket: arg0 == AF_INET && arg1 in 0xffff || arg0 == AF_INET6 # why'
printf 'read: 1 # a\nread: 1 # b\n' > "$dir/p"
./policyc "$dir/p" 2>&1 | grep -q 'p:2: read: second rule' ||
    { echo 'FAIL: second rule taken'; fail=1; }

# The monitor's filter is inherited: what a role may, it must let through whole.
calls() { sed -n 's/^\([a-z0-9_]*\):.*/\1/p' "$1" | sort; }
calls "$srcdir/policy/monitor.policy" > "$dir/monitor"
for p in "$srcdir"/policy/*.policy; do
	calls "$p" | comm -23 - "$dir/monitor" > "$dir/missing"
	[ -s "$dir/missing" ] || continue
	echo "FAIL: of $p not in monitor.policy:" $(cat "$dir/missing"); fail=1
done
exit $fail
