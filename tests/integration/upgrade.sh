#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tee-runnerctl upgrade under load: no transfer is lost or done twice, and none waits for
# long.  A successor that does not start or does not serve changes nothing.
. "$(dirname "$0")/lib.sh"

longest=1000		# milliseconds of a transfer

roles=$dir/libexec
mkdir "$roles" && cp "$BUILD"/libexec/* "$roles"
ROLES=$roles
start_devnet
"$BUILD/tests/integration/notifyd" "$dir/notify" > "$dir/notified" &
others="$others $!"
until_ok 10 test -S "$dir/notify"
export NOTIFY_SOCKET="$dir/notify"
start_runner
sock=$dir/runner.sock
check 'the service serves' tee-runnerctl wait --timeout 30 -s "$sock"
# Of the service at the control socket.
service() { tee-runnerctl reload -s "$sock" | sed 's/^told process \([0-9]*\) .*/\1/'; }
identity() { tee-runnerctl status -s "$sock" | sed -n 's/^runner *//p'; }
upgrade() { tee-runnerctl upgrade -f "$dir/tee-runnerd.conf" "$@" > "$dir/said" 2>&1; }
said() { grep -q "$1" "$dir/said" || { cat "$dir/said"; false; }; }
ledger() {
	devnet ledger --seconds "$1" --json "$dir/times" > "$dir/ledger" 2>&1 &
	ledger=$!
	sleep 2
}
# The longest transfer of the last ledger.
longest_is() { awk '$3 - $2 > most { most = $3 - $2 } END { print most + 0 }' "$dir/times"; }
old=$runner

ledger 10
before=$(identity)
check 'a successor takes over under load' upgrade
check 'the old service has ended' until_ok 10 not kill -0 "$old"
check 'another process serves' not is "$old" "$(service)"
check 'the service manager is told to follow it' grep -qx "MAINPID=$(service)" "$dir/notified"
check 'and not that the service stops' not grep -q STOPPING "$dir/notified"
check 'it has another identity' not is "$before" "$(identity)"
check 'the control socket has its name' [ ! -e "$sock.new" ]
wait $ledger
check 'no transfer was lost or done twice' is 0 $?
echo "     transfers: $(sed -n 's/.*"transfers": \([0-9]*\),/\1/p' "$dir/ledger"), the longest $(longest_is) ms"
check "no transfer took more than $longest ms" [ "$(longest_is)" -le $longest ]

new=$(service)
kill -KILL "$(pgrep -P "$new" -x net)"
check 'net of the successor comes back at the same control socket' \
    until_ok 10 tee-runnerctl wait --timeout 1 -s "$sock"
check 'still under that name' [ ! -e "$sock.new" ]

# ---- successors that fail

ledger 8
cp "$roles/net" "$dir/net" && rm "$roles/net" && cp /bin/false "$roles/net"
check 'a successor whose net crashes is not taken' not upgrade
check 'it is said that it did not start' said 'did not start'
rm "$roles/net" && cp "$dir/net" "$roles/net"
cp "$dir/tee-runnerd.conf" "$dir/conf.good"
sed -i 's/^orchestrator .*/orchestrator 127.0.0.1:9/' "$dir/tee-runnerd.conf"
check 'a successor that never serves is not taken' not upgrade --timeout 3
check 'it is said why it does not serve' said 'does not serve: '
cp "$dir/conf.good" "$dir/tee-runnerd.conf"
# As if net had ended before it was asked: nobody listens.
while :; do rm -f "$sock.new"; done &
remover=$! others="$others $!"
check 'a successor that cannot be asked is not taken' not upgrade --timeout 3
check 'it is said that it does not serve' said 'does not serve: '
kill "$remover"
check 'no process of it is left' is 1 "$(pgrep -cf "tee-runnerd .*-f $dir/tee-runnerd.conf")"
echo nonsense >> "$dir/tee-runnerd.conf"
check 'a successor with a bad configuration is not started' not upgrade
cp "$dir/conf.good" "$dir/tee-runnerd.conf"
# A registrar whose policy no longer accepts this evidence.
registrar() {
	sed -i "$1" "$dir/evidence/policy"
	kill "$(server_pid orchestrator)" && until_ok 10 not server_pid orchestrator
	serve orchestrator
	tee-runnerctl wait --timeout 20 -s "$sock"
}
check 'the running service is connected to a registrar that refuses it' registrar 's/^allow insecure/#&/'
check 'a successor that the registrar refuses is not taken' not upgrade --timeout 4
check 'it is said that its registration is missing' said 'does not serve: .*registration'
check 'the registrar accepts it again' registrar 's/^#allow insecure/allow insecure/'
check 'the same process goes on' is "$new" "$(service)"
check 'no other is left' is 1 "$(pgrep -cf "tee-runnerd .*-f $dir/tee-runnerd.conf")"
wait $ledger
check 'no transfer was lost or done twice' is 0 $?
check "no transfer took more than $longest ms" [ "$(longest_is)" -le $longest ]
check 'a second successor takes over' upgrade
new=$(service)
check 'a task is computed' add
kill -TERM "$new"
check 'it ends' until_ok 40 not kill -0 "$new"
runner=
finish
