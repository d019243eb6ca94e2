#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Runner's TLS certificate and key are renewed while it runs: with the same key, with a
# new one, in either order, with SIGHUP and without.  Tasks work after each, and net may
# die at any moment.
. "$(dirname "$0")/lib.sh"

command -v openssl > /dev/null || skip 'openssl is not here'
tls=$dir/tls
hup() { kill -HUP "$runner"; }
up_again() { _p=$(role_pid net) && [ "$_p" != "$1" ] && status_has '"stream": *"open"'; }

# works_after WHAT: a task, then net dies, and then another task
works_after() {
	check "$1: a task ends OK" add
	_net=$(role_pid net)
	kill -KILL "$_net"
	check "$1: the session comes back after net was killed" until_ok 10 up_again "$_net"
	check "$1: a task ends OK after net was killed" add
}

start_devnet --kms 2/3
printf 'min-time 1\n' >> "$dir/tee-runnerd.conf"
start_serving
check 'no line warns of a certificate that is valid for long' not logged tls-certificate

before=$(expires)
cp "$tls/runner-1.key" "$dir/new.key"
make_certificate 3
take_certificate
check 'a new certificate of the same key is used without SIGHUP' until_ok 12 is_used "$before"
check 'the log says that it was renewed' until_ok 10 logged 'tls-certificate: renewed: expires 20'
check 'the log warns of a certificate that expires in 3 days' until_ok 10 logged 'tls-certificate: expires 20.*: renew it'
check 'the status warns of a certificate that expires in 3 days' status_has 'tls-certificate expires 20'
http=$(sed -n 's/^http-listen //p' "$dir/tee-runnerd.conf")
metric() { curl -s "http://$http/metrics" | grep -qx "tee_runner_tls_certificate_expires_seconds $(expires)"; }
if command -v curl > /dev/null; then
	check 'a metric says when the certificate expires' metric
else
	echo 'skipped: the metric: curl is not here'
fi
works_after 'the same key'

before=$(expires)
make_key
make_certificate 60
take_key
hup
check 'keys reads a new key on SIGHUP' until_ok 10 logged 'tls-key: renewed'
works_after 'the new key without its certificate'
take_certificate
hup
check 'the certificate of the new key is used' until_ok 10 is_used "$before"
works_after 'a new key and certificate'

before=$(expires)
make_key
make_certificate 90
take_certificate
hup
check 'a new certificate waits for its key' until_ok 10 logged 'the new certificate waits for its key'
check 'the old certificate is used meanwhile' test "$(expires)" = "$before"
check 'a task ends OK meanwhile' add
_net=$(role_pid net)
kill -KILL "$_net"
check 'net that restarts then logs that they do not match' until_ok 10 \
    logged 'tls-key does not match tls-certificate'
take_key
check 'the session comes back when the key is there' until_ok 13 up_again "$_net"
check 'a task ends OK after that' add

# Calls to the Gateway that are under way finish on the channel that they began on.
devnet bench --op transfer --tasks 3000 --batch 16 --in-flight 4 --json > "$dir/bench" 2>&1 &
_bench=$!
cp "$tls/runner-1.key" "$dir/new.key"
for i in 1 2 3 4 5; do
	_before=$(expires)
	make_certificate $((100 + i))
	take_certificate
	hup
	check "certificate $i is used under load" until_ok 10 is_used "$_before"
done
check 'the load still ran' kill -0 $_bench
check 'all tasks of the load end OK' sh -c "tail -f --pid=$_bench /dev/null && grep -q '\"failed\": 0' '$dir/bench'"
check 'no call to the Gateway failed' not status_has GATEWAY

head -c 100 "$tls/runner-1.key" > "$dir/half" && chmod 600 "$dir/half" &&
    mv "$dir/half" "$tls/runner-1.key"
hup
check 'half a key is refused, and the log says so' until_ok 10 logged 'tls-key: not renewed: not an unencrypted private key'
check 'a task ends OK with the old key' add
check 'no role died but the net processes that were killed' test "$(count ' died: ')" -eq 4
check 'SIGTERM drains, and the Runner exits with 0' stop_runner
finish
