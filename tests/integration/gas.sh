#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Runner's own gas account, against the Registry's contract on an EVM node (anvil): it
# registers by itself once it has funds, again when it expires, with higher fees if no block
# takes it, and after a reorganization; it publishes commitments to results, which the contract
# verifies, and no result waits for that.  Exits 77 without Node.
. "$(dirname "$0")/anvil.sh"

rpc() {
	curl -s --max-time 5 -H 'Content-Type: application/json' --data \
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$2}" $url
}
# A member of the gas account's status.
gas_of() { status | node -e "process.stdin.on('data', (t) => console.log(JSON.parse(t).gas['$1']))"; }
gas_is() { [ "$(gas_of "$1")" = "$2" ]; }
gas_has() { [ "$(gas_of "$1")" -ge "$2" ]; }
fund() { rpc anvil_setBalance "[\"$account\",\"$1\"]"; }

check 'a node starts' start_node
check 'the Registry is deployed' deploy
od -An -tx1 -N32 /dev/urandom | tr -d ' \n' > "$dir/gas.key"
configure() {
	sed -i '/^registry-refresh/d;/^registry-endpoint/d' "$dir/tee-runnerd.conf"
	cat >> "$dir/tee-runnerd.conf"
}
# Between the Runner and the node, to be stopped without stopping the others.
node -e 'const net = require("net"); const [from, to] = process.argv.slice(1);
net.createServer((c) => { const s = net.connect(to, "127.0.0.1"); c.pipe(s).pipe(c);
c.on("error", () => s.destroy()); s.on("error", () => c.destroy()); }).listen(from, "127.0.0.1")' \
    $((port + 1)) $port &
proxy=$! others="$others $proxy"
configure << EOF
registry-endpoint http://127.0.0.1:$((port + 1))
registry-refresh 1
registry-depth 3
registration-life 10m
gas-key $dir/gas.key
registration direct
publish yes
publish-interval 2
gas-max-fee 100
EOF

# ---- the key ----

chmod 644 "$dir/gas.key"
start_runner
check 'a key that others can read is refused' until_ok 10 logged 'gas-key: .*: others can access it'
stop_runner
chmod 600 "$dir/gas.key"
: > "$dir/runner.log"

# ---- without funds, and with ----

start_runner
check 'without funds: the log names the account' until_ok 15 logged 'gas account: insufficient funds: 0x'
check 'without funds: the status says so' until_ok 10 gas_is state 'gas account: insufficient funds'
check 'without funds: the Runner is idle' state_is idle
check 'without funds: it is not registered' status_has 'registration pending'
account=$(gas_of account)
check 'without funds: the log says it once' test "$(count 'gas account: insufficient funds')" = 1
check 'the account is given funds' fund 0xde0b6b3a7640000
check 'the Runner registers and serves' until_ok 20 state_is serving
check 'the contract says that it is registered' is_runner
check 'its account has sent a transaction' sh -c "[ \$(($(rpc eth_getTransactionCount "[\"$account\",\"latest\"]" | sed 's/.*\(0x[0-9a-f]*\).*/\1/'))) -ge 1 ]"
check 'a task ends OK' until_ok 10 add

# ---- publication ----

# Each task's output, as the client was given it, and what it says.
tasks() {
	for _i in $1; do add || return 1; cp "$dir/result" "$dir/done.$_i"; done
}
# committed N: so many there are, and those of the tasks are good.
committed() {
	(cd "$interop" && node commitments.mjs $url "$registry" "$(runner_address)" "$dir"/done.*) |
	    grep -qx "$1"
}
check 'three tasks end OK' tasks '1 2 3'
check 'the results are published' until_ok 20 gas_has published 4
check 'the contract verifies four commitments' committed 4
check 'no result waits for publication' gas_is publish_waiting 0
t0=$(now)
check 'three tasks end OK, timed' tasks '4 5 6'
t1=$(now)
kill -STOP $proxy
sleep 3
t2=$(now)
check 'three tasks end OK while no endpoint answers' tasks '7 8 9'
t3=$(now)
kill -CONT $proxy
check "they took no longer: $((t3 - t2)) ms, $((t1 - t0)) ms" test $((t3 - t2)) -lt $((t1 - t0 + 500))
check 'their results are published when the endpoint answers' until_ok 40 gas_has published 10
check 'the contract verifies ten commitments' committed 10

# ---- held back, and turned back ----

mine() { rpc anvil_setNextBlockBaseFeePerGas "[\"$1\"]" && rpc evm_mine '[]'; }
waits() { gas_is state 'transaction pending'; }
still() { until_ok 30 gas_is state ready && rpc evm_setIntervalMining '[0]'; }
mine_until() {
	_fee=$1; shift
	until_ok 40 sh -c "$(cat << EOF
sleep 0.2
curl -s -H 'Content-Type: application/json' --data '{"jsonrpc":"2.0","id":1,"method":"anvil_setNextBlockBaseFeePerGas","params":["$_fee"]}' $url
curl -s -H 'Content-Type: application/json' --data '{"jsonrpc":"2.0","id":1,"method":"evm_mine","params":[]}' $url
grep -q -- '$1' '$dir/runner.log'
EOF
)"
}
check 'the node makes no more blocks' still
check 'a task ends OK' tasks 10
check 'the transaction of its result is pending' until_ok 15 waits
check 'a transaction that is not mined is replaced with a higher fee' mine_until 0x4a817c800 'not mined: publication: replaced, with at most'
check 'the node makes blocks again' rpc evm_setIntervalMining '[1]'
check 'the result is published' until_ok 30 gas_has published 11
check 'one transaction was replaced' gas_is replaced 1
check 'the node makes no more blocks' still
check 'a base fee above gas-max-fee is logged' mine_until 0x22ecb25c00 'fees exceed gas-max-fee'
check 'the status says that fees exceed gas-max-fee' until_ok 10 gas_is state 'gas account: fees exceed gas-max-fee'
check 'a task ends OK all the same' tasks 11
check 'transactions are sent again when fees fall' mine_until 0x3b9aca00 'gas account: sending transactions again'
check 'the node makes blocks again' rpc evm_setIntervalMining '[1]'
check 'the result is published' until_ok 30 gas_has published 12
check 'the node makes no more blocks' still
snapshot=$(owner node evm_snapshot)
check 'a task ends OK' tasks 12
check 'the transaction of its result is pending' until_ok 15 waits
check 'its transaction is mined' rpc evm_mine '[]'
check 'the chain gives up that block' turn_back evm_revert "$snapshot"
check 'the node makes blocks again' rpc evm_setIntervalMining '[1]'
check 'the transaction is sent again and mined' until_ok 40 gas_has published 13
check 'the contract verifies all commitments' committed 13

# ---- registration, again ----

stop_runner
snapshot=$(owner node evm_snapshot)
: > "$dir/runner.log"
sed -i 's/^registration-life.*/registration-life 60s/' "$dir/tee-runnerd.conf"
start_runner
check 'another Runner of the same account serves' until_ok 30 state_is serving
check 'the chain gives up all that it did' turn_back evm_revert "$snapshot"
check 'the Runner is idle' until_ok 30 state_is idle
check 'the Runner sends its registration again' until_ok 60 logged 'registration: not in the Registry: sent again'
check 'the Runner serves after that' until_ok 30 state_is serving
check 'a task ends OK' until_ok 10 add
check 'its result is published' until_ok 20 gas_has published 1
check 'the registration is renewed when two thirds of its life are over' until_ok 60 logged 'registration: signed: sequence 2'
paid() { [ "$(count 'mined: registration')" -ge 3 ]; }
check 'the account pays for the renewal' until_ok 30 paid
check 'the Runner serves on' until_ok 10 state_is serving
finish
