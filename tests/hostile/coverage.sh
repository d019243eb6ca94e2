#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every rule of every policy is needed: strace sees each used, from the moment on at which
# its filter is at work, or the rule names in brackets what needs it elsewhere.  Some are
# used by registry.sh, chains.sh and attest.sh alone, whose records contrib/check leaves in
# TRACE.
. "$(dirname "$0")/../integration/lib.sh"

command -v strace > /dev/null || skip 'strace is not here'
[ "$(id -u)" -eq 0 ] || skip 'not root'
command -v node > /dev/null || skip 'node is not here'
with_nats

TRACE=${TRACE:-$dir}
# The record of a program, which begins under the monitor's policy, or of a test that
# loads one role's alone.
traced() { awk -v role="$2" -f "$src/tests/hostile/coverage.awk" "$1" >> "$dir/used"; }
stop_and_go() { for _p in $(pgrep -P "$runner") "$runner"; do kill -STOP "$_p"; sleep 0.1; kill -CONT "$_p"; done; }
renew() { touch "$dir/tls/runner-1.key" "$dir/tls/runner-1.pem"; kill -HUP "$runner"; }
metrics() { node -e "fetch('http://$1/metrics').then((r) => process.exit(r.ok ? 0 : 1))"; }
http_of() { sed -n 's/^http-listen //p' "$dir/tee-runnerd.conf"; }

start_devnet --kms 2/3
registry=$(sed -n 's/^registry-endpoint //p' "$dir/tee-runnerd.conf")
node "$src/tests/integration/endpoints.mjs" "$registry" "$dir/tls" > "$dir/ports" 2> "$dir/endpoints.log" &
others=$!
until_ok 10 grep -q . "$dir/ports" || { flunk 'the endpoints do not start'; finish; }
read -r https plain < "$dir/ports"
printf 'registry-endpoint https://127.0.0.1:%s/\nregistry-quorum 1\nregistry-ca %s/tls/ca.pem\n' \
    "$https" "$dir" >> "$dir/tee-runnerd.conf"

start_runner
check 'the Runner serves under strace' until_ok 60 state_is serving
check 'tasks end OK' devnet bench --tasks 128
check 'the metrics are read' metrics "$(http_of)"
check 'all processes stop and go on' stop_and_go
renew
check 'a task ends OK after that' until_ok 20 add
kill -KILL "$(role_pid net)" "$(role_pid registry)" "$(role_pid compute)"
check 'a task ends OK after three roles died' until_ok 30 add
kill -KILL "$(role_pid keys)"
check 'a task ends OK with another identity' until_ok 60 add
check 'SIGTERM: the Runner exits with 0' stop_runner
stop_system

# ---- the same with Nox v0, in another directory

# A worker makes an RSA key at its start.  That it makes another after 60 s, by the same
# calls, is not waited for.

first=$dir
dir=$dir/nox
mkdir "$dir"
limit='timeout 120'
transfers() { nox bench --tasks "$1" --in-flight 8 --timeout 60; }
restart_nats() { kill -KILL "$(server_pid nats)"; sleep 0.5; serve nats; }
# nox waits for a signature of keys, when it is stopped itself.
stop_in_handshake() {
	_keys=$(role_pid keys) _nox=$(role_pid nox)
	kill -STOP "$_keys"
	restart_nats
	sleep 2
	kill -STOP "$_nox"
	sleep 0.1
	kill -CONT "$_nox"
	sleep 0.1
	kill -CONT "$_keys"
}

start_devnet --nox
start_runner
check 'Nox v0: the Runner serves under strace' until_ok 60 state_is serving
check 'Nox v0: transfers are resolved' transfers 64
check 'Nox v0: the metrics are read' metrics "$(http_of)"
check 'Nox v0: all processes stop and go on' stop_and_go
renew
check 'Nox v0: transfers are resolved after that' transfers 8
restart_nats
check 'Nox v0: transfers are resolved after nats-server was restarted' transfers 8
stop_in_handshake
check 'Nox v0: transfers are resolved after nox was stopped in a handshake' transfers 8
transfers 64 > "$dir/load" 2>&1 &
load=$!
sleep 0.3
kill -KILL "$(server_pid nox)"
sleep 1
serve nox
check 'Nox v0: transfers are resolved after the Gateway was restarted' wait $load
large_message() {
	nats "req nox_ingestor.x $(head -c 200000 /dev/zero | tr '\0' x)"
	until_ok 10 logged 'given up: malformed message'
}
check 'Nox v0: a message of 200 kB is given up' large_message
check 'Nox v0: no role died' not logged ' died: '
kill -KILL "$(role_pid nox)" "$(role_pid registry)" "$(role_pid compute)"
check 'Nox v0: transfers are resolved after three roles died' transfers 8
kill -KILL "$(role_pid keys)"
check 'Nox v0: transfers are resolved with another identity' transfers 8
check 'Nox v0: SIGTERM: the Runner exits with 0' stop_runner
stop_system
dir=$first

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
