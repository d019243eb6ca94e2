#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Registry as a contract on a real EVM node (anvil): a Runner registers and refreshes
# there, is revoked and reinstated, sees its measurement retired and its Orchestrator
# replaced; the node is killed, restarted, turned back and stopped.  Exits 77 without Node.
. "$(dirname "$0")/lib.sh"

(trap - EXIT; . "$src/tests/interop/npm.sh" && [ -d node_modules/@foundry-rs/anvil-linux-amd64 ]) ||
    { echo 'skipped: node or anvil is not here'; trap - EXIT; rm -rf "$dir"; exit 77; }
interop=$BUILD/tests/interop
port=$((10000 + $$ % 1000 * 10))	# ten of its own, not of tee-devnet's
url=http://127.0.0.1:$port

start_node() {
	"$interop/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil" --host 127.0.0.1 \
	    --port $port --block-time 1 --state "$dir/chain.json" >> "$dir/anvil.log" 2>&1 &
	node=$! others=$!
	until_ok 10 grep -q Listening "$dir/anvil.log"
}
owner() { (cd "$interop" && OWNER_KEY=0x$key node owner.mjs $url "$registry" "$@"); }
transfer() {
	_a=$(put uint256 10) && _b=$(put uint256 5) &&
	devnet submit --timeout 10 transfer "$_a" "$_b" uint256:3 | grep -q '"outputs"'
}
# Its clock goes back with its blocks: that is put right.
turn_back() {
	owner node "$@" && owner node anvil_setTime "$(date +%s)" &&
	owner node evm_mine
}

check 'a node' start_node
# The owner's key is ours alone: the node has it not, and gives no gas away.
key=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
echo "$key" > "$dir/owner.key"
address=$(cd "$interop" && node -e "console.log(new (require('ethers').Wallet)('0x$key').address)")
registry=0x$(printf %040d 0)
check 'without funds it is not: the node says why' sh -c "! tee-devnet up --dir '$dir' --insecure --chain $url --owner-key '$dir/owner.key' 2> '$dir/poor' && grep -qi 'insufficient funds' '$dir/poor'"
check 'ten ether' owner node anvil_setBalance "$address" 0x8ac7230489e80000
check 'the Registry is deployed' devnet up --insecure --chain $url --owner-key "$dir/owner.key"
registry=$(sed -n 's/^registry 0x/0x/p' "$dir/tee-runnerd.conf")
# `up' writes it again.
configure() { printf 'registration-life 60s\nregistry-max-age 12s\n' >> "$dir/tee-runnerd.conf"; }
configure
start_runner
check 'registered by its contract: serving' until_ok 20 state_is serving
runner_address=$(sed -n 's/.*identity key, runner address \(0x[0-9a-f]*\).*/\1/p' "$dir/runner.log")
check 'the contract says so' sh -c "cd '$interop' && node owner.mjs $url $registry isRunner $runner_address | grep -qx true"
check 'a task' transfer

# ---- the owner ----

check 'it is revoked' owner setRevoked "$runner_address" true
check 'and stops within a refresh' until_ok 8 state_is idle
check 'with the reason' logged 'not accepting tasks: registration pending, expired or revoked'
check 'reinstated' owner setRevoked "$runner_address" false
check 'it serves again, by itself' until_ok 20 state_is serving
zero=0x$(printf %064d 0)
old=$(put uint64 40)
for _i in $(seq 100); do
	[ -f "$dir/devnet.json" ] && [ ! -e "$dir/enough" ] || break
	devnet bench --tasks 256 --json
done > "$dir/bench" 2> /dev/null &
load=$!
check 'a new KMS key is announced, under load' devnet rekey --blocks 2 --overlap 600
check 'the Runner sees it' until_ok 10 sh -c "tee-runnerctl status --json -s '$dir/runner.sock' | grep -q '\"kms_epoch\": *2,'"
touch "$dir/enough"
wait $load
check 'nothing was lost' sh -c "grep -q '\"failed\": *0' '$dir/bench' && ! grep '\"failed\": *[1-9]' '$dir/bench'"
sum() { devnet submit --timeout 10 add "$old" "$(put uint64 2)" | sed -n 's/^ *"result": "\(0x.*\)",*$/\1/p'; }
check 'a task with values of both keys' sh -c "[ '$(devnet get "$(sum)")' = uint64:42 ]"
check 'its measurement is retired, from now on' owner setMeasurement 0 "$zero" 1
check 'it stops' until_ok 8 state_is idle
check 'and is accepted again' owner setMeasurement 0 "$zero" 18446744073709551615
check 'it serves again' until_ok 30 state_is serving
check 'a task, still' transfer

old=$(cat "$dir/keys/orchestrator")
other=$(cd "$interop" && node -e '
const { Wallet } = require("ethers"); const w = Wallet.createRandom();
console.log(w.privateKey.slice(2), w.address)')
printf '%s' "${other% *}" > "$dir/keys/orchestrator"
check 'another Orchestrator comes' sh -c "tee-devnet down --dir '$dir' && tee-devnet up --dir '$dir' > '$dir/up.log'"
check 'which the Registry does not list: its tasks are refused' sh -c "! tee-devnet submit --dir '$dir' --timeout 6 add uint256:1 uint256:2"
check 'it is listed in the place of the old one' owner setOrchestrators "[\"${other#* }\"]"
check 'its tasks are computed, without a restart' until_ok 30 transfer
printf '%s' "$old" > "$dir/keys/orchestrator"
check 'the old one comes again' sh -c "tee-devnet down --dir '$dir' && tee-devnet up --dir '$dir' > '$dir/up.log'"
check 'and is refused' sh -c "! tee-devnet submit --dir '$dir' --timeout 6 add uint256:1 uint256:2"
check 'until it is listed' owner setOrchestrators "[\"${other#* }\", \"0x$(sed -n 's/.*"orchestrator": *"0x\([0-9a-f]*\)".*/\1/p' "$dir/devnet.json")\"]"
check 'a task of it' until_ok 30 transfer

# ---- the node ----

kill $node; wait $node 2> /dev/null
check 'the node is killed: named' until_ok 10 logged 'no quorum: 0 endpoints answer, registry-quorum is 1'
check 'facts grow too old: idle' until_ok 20 state_is idle
check 'with the reason' logged 'the Registry was not read within registry-max-age'
: > "$dir/anvil.log"
check 'it is started from its state' start_node
check 'and the Runner serves on, by itself' until_ok 30 state_is serving
check 'a task' until_ok 10 transfer
kill -STOP $node
check 'a node that hangs: idle' until_ok 30 state_is idle
kill -CONT $node
check 'it goes on' until_ok 30 state_is serving
check 'a node that makes no more blocks, but answers' owner node evm_setIntervalMining 0
check 'idle, with the reason' until_ok 40 logged 'not accepting tasks: the newest block is older than registry-max-age'
check 'a block a second again' owner node evm_setIntervalMining 1
check 'it serves' until_ok 30 state_is serving
# The refresh that waited for a block is in the first of them: it must not be turned back.
sleep 8
check 'a reorganisation of three blocks' turn_back anvil_reorg 3 '[]'
sleep 4
check 'is no matter' state_is serving
snapshot=$(owner node evm_snapshot)
check 'it is revoked' owner setRevoked "$runner_address" true
check 'stops' until_ok 8 state_is idle
check 'in a block that the chain gives up' turn_back evm_revert "$snapshot"
check 'so it serves' until_ok 30 state_is serving
check 'a task' until_ok 10 transfer
early=$(owner node evm_snapshot)
stop_runner
: > "$dir/runner.log"
configure
start_runner
check 'another Runner is registered' until_ok 20 state_is serving
check 'the chain gives up the block in which it was' turn_back evm_revert "$early"
check 'it stops' until_ok 8 state_is idle
check 'sends its registration again' until_ok 40 logged 'registration: not in the Registry: sent again'
check 'and serves' until_ok 20 state_is serving
check 'a task at the end' until_ok 10 transfer
check 'a refresh, by itself' until_ok 60 logged 'registration: signed: sequence 2'
finish
