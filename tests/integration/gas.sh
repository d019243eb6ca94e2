#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Runner's own gas account, against the Registry's contract on an EVM node (anvil): it
# registers by itself once it has funds, again when it expires, with higher fees if no block
# takes it, and after a reorganisation; it publishes commitments to results, which the contract
# verifies, and no result waits for that.  Exits 77 without Node.
. "$(dirname "$0")/lib.sh"

(trap - EXIT; . "$src/tests/interop/npm.sh" && [ -d node_modules/@foundry-rs/anvil-linux-amd64 ]) ||
    { echo 'skipped: node or anvil is not here'; trap - EXIT; rm -rf "$dir"; exit 77; }
interop=$BUILD/tests/interop
port=$((10000 + $$ % 1000 * 10))	# ten of its own, not of tee-devnet's
url=http://127.0.0.1:$port

start_node() {
	"$interop/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil" --host 127.0.0.1 \
	    --port $port --block-time 1 > "$dir/anvil.log" 2>&1 &
	node=$! others=$!
	until_ok 10 grep -q Listening "$dir/anvil.log"
}
owner() { (cd "$interop" && node owner.mjs $url "$registry" "$@"); }
rpc() {
	curl -s --max-time 5 -H 'Content-Type: application/json' --data \
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$2}" $url
}
# Its clock goes back with its blocks: that is put right.
turn_back() {
	rpc evm_revert "[$1]" && rpc anvil_setTime "[$(date +%s)]" && rpc evm_mine '[]'
}
transfer() { devnet submit --timeout 10 add uint256:7 "$(put uint256 5)" > "$dir/task" && grep -q OK "$dir/task"; }
# A member of the gas account's status.
gas_of() { status | node -e "process.stdin.on('data', (t) => console.log(JSON.parse(t).gas['$1']))"; }
gas_is() { [ "$(gas_of "$1")" = "$2" ]; }
gas_has() { [ "$(gas_of "$1")" -ge "$2" ]; }
is_runner() { owner isRunner "$(runner_address)" | grep -qx true; }
runner_address() { sed -n 's/.*identity key, runner address \(0x[0-9a-f]*\).*/\1/p' "$dir/runner.log" | tail -n 1; }
fund() { rpc anvil_setBalance "[\"$account\",\"$1\"]"; }

check 'a node' start_node
check 'the Registry is deployed' devnet up --insecure --chain $url
registry=$(sed -n 's/^registry 0x/0x/p' "$dir/tee-runnerd.conf")
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
check 'a key that others can read is refused' until_ok 10 logged 'gas-key .*, or others can access it'
stop_runner
chmod 600 "$dir/gas.key"
: > "$dir/runner.log"

# ---- without funds, and with ----

start_runner
check 'without funds: logged, with the account' until_ok 15 logged 'gas account: insufficient funds: 0x'
check 'and in the status' until_ok 5 gas_is state 'gas account: insufficient funds'
check 'it is idle, and not gone' state_is idle
check 'because it is not registered' sh -c "tee-runnerctl status --json -s '$dir/runner.sock' | grep -q 'registration pending'"
account=$(gas_of account)
check 'logged once' test "$(count 'gas account: insufficient funds')" = 1
check 'it is given funds' fund 0xde0b6b3a7640000
check 'and registers by itself' until_ok 20 state_is serving
check 'the contract says so' is_runner
check 'its account has sent that' sh -c "[ \$(($(rpc eth_getTransactionCount "[\"$account\",\"latest\"]" | sed 's/.*\(0x[0-9a-f]*\).*/\1/'))) -ge 1 ]"
check 'a task' until_ok 10 transfer

# ---- publication ----

# Each task's output, as the client was given it, and what it says.
tasks() {
	for _i in $1; do transfer || return 1; cp "$dir/task" "$dir/done.$_i"; done
}
# committed N: so many there are, and those of the tasks are good.
committed() {
	(cd "$interop" && node commitments.mjs $url "$registry" "$(runner_address)" "$dir"/done.*) |
	    grep -qx "$1"
}
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
check 'tasks' tasks '1 2 3'
check 'are published' until_ok 20 gas_has published 4
check 'and committed to, each once: the contract verifies them' committed 4
check 'nothing is left' gas_is publish_waiting 0
t0=$(milliseconds)
check 'tasks, timed' tasks '4 5 6'
t1=$(milliseconds)
kill -STOP $proxy
sleep 3
t2=$(milliseconds)
check 'tasks, while no endpoint answers' tasks '7 8 9'
t3=$(milliseconds)
kill -CONT $proxy
check "no later than before: $((t3 - t2)) ms, $((t1 - t0)) ms" test $((t3 - t2)) -lt $((t1 - t0 + 500))
check 'are published when it does' until_ok 40 gas_has published 10
check 'and committed to' committed 10

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
check 'no more blocks' still
check 'a task' tasks 10
check 'its publication is on its way' until_ok 15 waits
check 'blocks whose base fee, 20 gwei, is more than it pays: sent for more' mine_until 0x4a817c800 'publication: not mined: replaced, with at most'
check 'blocks again' rpc evm_setIntervalMining '[1]'
check 'it is published' until_ok 30 gas_has published 11
check 'replaced, once' gas_is replaced 1
check 'no more blocks' still
check 'a base fee above gas-max-fee, 150 gwei' mine_until 0x22ecb25c00 'fees exceed gas-max-fee'
check 'the status says so' until_ok 5 gas_is state 'gas account: fees exceed gas-max-fee'
check 'a task, all the same' tasks 11
check 'fees fall' mine_until 0x3b9aca00 'gas account: sending transactions again'
check 'blocks again' rpc evm_setIntervalMining '[1]'
check 'it is published' until_ok 30 gas_has published 12
check 'no more blocks' still
snapshot=$(rpc evm_snapshot '[]' | sed 's/.*"result":"\([^"]*\)".*/"\1"/')
check 'a task' tasks 12
check 'its publication is on its way' until_ok 15 waits
check 'and in a block' rpc evm_mine '[]'
check 'which the chain gives up' turn_back "$snapshot"
check 'blocks again' rpc evm_setIntervalMining '[1]'
check 'sent again: published' until_ok 40 gas_has published 13
check 'the contract has them all' committed 13

# ---- registration, again ----

stop_runner
snapshot=$(rpc evm_snapshot '[]' | sed 's/.*"result":"\([^"]*\)".*/"\1"/')
: > "$dir/runner.log"
sed -i 's/^registration-life.*/registration-life 60s/' "$dir/tee-runnerd.conf"
start_runner
check 'another Runner, of the same account' until_ok 30 state_is serving
check 'the chain gives up all that it did' turn_back "$snapshot"
check 'it stops' until_ok 30 state_is idle
check 'sends its registration again' until_ok 60 logged 'registration: not in the Registry: sent again'
check 'and serves' until_ok 30 state_is serving
check 'a task' until_ok 10 transfer
check 'is published' until_ok 20 gas_has published 1
check 'a registration when two thirds of its life are over' until_ok 60 logged 'registration: signed: sequence 2'
paid() { [ "$(count 'registration: mined')" -ge 3 ]; }
check 'is paid for by itself' until_ok 30 paid
check 'and it serves' until_ok 10 state_is serving
finish
