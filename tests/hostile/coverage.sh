#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every rule of every policy is needed: strace sees each used, from the moment on at which
# its filter is at work, or the rule names in brackets what needs it elsewhere.
. "$(dirname "$0")/../integration/lib.sh"

command -v strace > /dev/null || skip 'strace is not here'
[ "$(id -u)" -eq 0 ] || skip 'not root'
command -v node > /dev/null || skip 'node is not here'

TRACE=${TRACE:-$dir}
# The record of a program, which begins under the monitor's policy, or of a test that
# loads one role's alone.
traced() { awk -v role="$2" -f "$src/tests/hostile/coverage.awk" "$1" >> "$dir/used"; }
stop_and_go() { for _p in $(pgrep -P "$runner") "$runner"; do kill -STOP "$_p"; sleep 0.1; kill -CONT "$_p"; done; }

start_devnet --kms 2/3
registry=$(sed -n 's/^registry-endpoint //p' "$dir/tee-runnerd.conf")
node "$src/tests/integration/endpoints.mjs" "$registry" "$dir/tls" > "$dir/ports" 2> "$dir/endpoints.log" &
others=$!
until_ok 10 grep -q . "$dir/ports" || { flunk 'the endpoints do not start'; finish; }
read -r https plain < "$dir/ports"
printf 'registry-endpoint https://127.0.0.1:%s/\nregistry-quorum 1\nregistry-ca %s/tls/ca.pem\n' \
    "$https" "$dir" >> "$dir/tee-runnerd.conf"
http=$(sed -n 's/^http-listen //p' "$dir/tee-runnerd.conf")

start_runner
check 'the Runner serves under strace' until_ok 60 state_is serving
check 'tasks end OK' devnet bench --tasks 128
check 'the metrics are read' node -e "fetch('http://$http/metrics').then((r) => process.exit(r.ok ? 0 : 1))"
check 'all processes stop and go on' stop_and_go
touch "$dir/tls/runner-1.key" "$dir/tls/runner-1.pem"
kill -HUP "$runner"
check 'a task ends OK after that' until_ok 20 add
kill -KILL "$(role_pid net)" "$(role_pid registry)" "$(role_pid compute)"
check 'a task ends OK after three roles died' until_ok 30 add
kill -KILL "$(role_pid keys)"
check 'a task ends OK with another identity' until_ok 60 add
check 'SIGTERM: the Runner exits with 0' stop_runner
sleep 1		# the tracer's last words
for t in "$TRACE"/*.sh.*; do
	traced "$t"
done
sort -u "$dir/used" > "$dir/all"

for p in "$src"/policy/*.policy; do
	role=$(basename "$p" .policy)
	sed -n 's/^\([a-z0-9_]*\):.*/\1/p' "$p" | sort > "$dir/rules"
	sed -n "s/^$role //p" "$dir/all" > "$dir/made"
	grep '^[a-z0-9_]*:.*\[[^]]*\]$' "$p" | sed 's/:.*//' | sort > "$dir/tagged"
	comm -23 "$dir/rules" "$dir/made" | comm -23 - "$dir/tagged" > "$dir/idle"
	check "$role: $(wc -l < "$dir/rules") rules: each was used, or names what needs it: $(tr '\n' ' ' < "$dir/idle")" \
	    test ! -s "$dir/idle"
	# clone3 is made, and refused; of the others what was made is allowed.
	comm -13 "$dir/rules" "$dir/made" > "$dir/beyond"
	check "$role: no other system call was made: $(tr '\n' ' ' < "$dir/beyond")" test ! -s "$dir/beyond"
done
finish
