#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tee-runnerctl upgrade of a service with a gas account, under load: both services register and
# publish with one account, and each nonce is used once; no task is lost and each result is
# published.  A successor that never gets the account is stopped.  Exits 77 without Node.
. "$(dirname "$0")/anvil.sh"

sock=$dir/runner.sock
rpc() {
	curl -s --max-time 5 -H 'Content-Type: application/json' --data \
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$2}" $url
}
gas_of() { status | node -e "process.stdin.on('data', (t) => console.log(JSON.parse(t).gas['$1']))"; }
gas_is() { [ "$(gas_of "$1")" = "$2" ]; }
identity() { tee-runnerctl status -s "$sock" | sed -n 's/^runner *//p' | tr '[:upper:]' '[:lower:]'; }
service() { tee-runnerctl reload -s "$sock" | sed 's/^told process \([0-9]*\) .*/\1/'; }
upgrade() { tee-runnerctl upgrade -f "$dir/tee-runnerd.conf" "$@" > "$dir/said" 2>&1 || { cat "$dir/said"; false; }; }
# Tasks one after another until $dir/enough is there; as the client was told.
load() {
	_i=0
	while [ ! -e "$dir/enough" ]; do
		add || return 1
		_i=$((_i + 1)) && cp "$dir/result" "$dir/done.$_i"
	done
}

check 'a node starts' start_node
check 'the Registry is deployed' deploy
(umask 77 && od -An -tx1 -N32 /dev/urandom | tr -d ' \n' > "$dir/gas.key")
sed -i '/^registry-refresh/d;/^drain-timeout/d' "$dir/tee-runnerd.conf"
cat >> "$dir/tee-runnerd.conf" << END
registry-refresh 1
gas-key $dir/gas.key
registration direct
publish yes
publish-interval 1
drain-timeout 60s
END
start_runner
old=$runner
check 'the account has no funds' until_ok 20 gas_is state 'gas account: insufficient funds'
account=$(gas_of account)
check 'the account is given funds' rpc anvil_setBalance "[\"$account\",\"0xde0b6b3a7640000\"]"
check 'the Runner registers and serves' until_ok 20 state_is serving
before=$(identity)

load > "$dir/load" 2>&1 &
load=$!
sleep 3
check 'a successor takes over under load' upgrade
check 'the old service has ended' until_ok 10 not kill -0 "$old"
runner=$(service)
after=$(identity)
check 'it has another identity' not is "$before" "$after"
sleep 3
touch "$dir/enough"
check 'no task was lost' wait $load
cat "$dir/load"
echo "     tasks: $(ls "$dir" | grep -c '^done')"
check 'all results are published' until_ok 30 gas_is publish_waiting 0
check 'the contract verifies the commitments of both' \
    sh -c "cd '$interop' && node commitments.mjs $url $registry $before,$after '$dir'/done.*"
check 'the old service published until its end' not logged 'results are not published'
check 'it did not have to be stopped' not logged 'drain-timeout (60 s): stopping'
check 'no transaction was refused' not logged 'transaction: refused'
check 'no nonce was used by another' not logged 'by an unknown transaction'
until_ok 10 gas_is state ready
old_sent=$(log_lines | sed -n 's/.*transaction with nonce [0-9]*: sent: //p' |
    awk '{ n += /similar lines/ ? $1 : 1 } END { print n + 0 }')
new_sent=$(gas_of sent)
nonce=$(($(rpc eth_getTransactionCount "[\"$account\",\"latest\"]" | sed 's/.*\(0x[0-9a-f]*\).*/\1/')))
check "each transaction has its nonce: $old_sent and $new_sent" is $((old_sent + new_sent)) $nonce
check 'none failed' gas_is failed 0
check 'none was replaced' gas_is replaced 0

# As if a transaction of the running service were never mined.
flock "$dir/gas.key" sleep 60 &
holder=$! others="$others $!"
check 'a successor that does not get the account is stopped' not upgrade --timeout 8
kill $holder
check 'the same process goes on' is "$runner" "$(service)"
check 'no other is left' is 1 "$(pgrep -cf "tee-runnerd .*-f $dir/tee-runnerd.conf")"
new=$runner runner=
kill -TERM "$new"
check 'it ends' until_ok 40 not kill -0 "$new"
finish
