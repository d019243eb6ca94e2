#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Registry as a contract on a real EVM node (anvil): a Runner registers and refreshes
# there, is revoked and reinstated, sees its measurement retired and its Orchestrator
# replaced; the node is killed, restarted, turned back and stopped.  Exits 77 without Node.
. "$(dirname "$0")/anvil.sh"

check 'a node starts' start_node --state "$dir/chain.json"
make_owner
no_funds() {
	! devnet up --insecure --chain $url --owner-key "$dir/owner.key" 2> "$dir/poor" &&
	    grep -qi 'insufficient funds' "$dir/poor"
}
check 'without funds the Registry is not deployed, and the error says why' no_funds
check 'the owner is given funds' owner node anvil_setBalance "$owner_address" 0x8ac7230489e80000
check 'the Registry is deployed' deploy
# `up' writes the file again.
set_ages() { printf 'registration-life 60s\nregistry-max-age 12s\n' >> "$dir/tee-runnerd.conf"; }
set_ages
start_runner
check 'the Runner is registered by the contract and serves' until_ok 20 state_is serving
first=$(runner_address)
check 'the contract says that it is registered' is_runner
check 'a task ends OK' transfer

# ---- the owner ----

check 'the owner revokes the Runner' owner setRevoked "$first" true
check 'a Runner that is revoked is idle' until_ok 10 state_is idle
check 'the log says why it is idle' until_ok 10 logged 'not accepting tasks: registration pending, expired or revoked'
check 'the owner reinstates the Runner' owner setRevoked "$first" false
check 'a Runner that is reinstated serves again' until_ok 20 state_is serving
zero=0x$(printf %064d 0)
old=$(put uint64 40)
for _i in $(seq 100); do
	[ -f "$dir/devnet.json" ] && [ ! -e "$dir/enough" ] || break
	devnet bench --tasks 256 --json
done > "$dir/bench" 2> /dev/null &
load=$!
check 'a new KMS key is announced under load' devnet rekey --blocks 2 --overlap 600
check 'the Runner reads the new key' until_ok 10 status_has '"kms_epoch": *2,'
touch "$dir/enough"
wait $load
none_failed() {
	grep -q '"failed": *0' "$dir/bench" && ! grep '"failed": *[1-9]' "$dir/bench"
}
check 'no task of the load failed' none_failed
submit add "$old" "$(put uint64 2)"
check 'one task can use values under both keys' is uint64:42 "$(devnet get "$(output result)")"
check 'the owner retires the measurement' owner setMeasurement 0 "$zero" 1
check 'the Runner is idle' until_ok 10 state_is idle
check 'the owner accepts the measurement again' owner setMeasurement 0 "$zero" 18446744073709551615
check 'the Runner serves again' until_ok 30 state_is serving
check 'a task ends OK after that' transfer

old=$(cat "$dir/keys/orchestrator")
other=$(cd "$interop" && node -e '
const { Wallet } = require("ethers"); const w = Wallet.createRandom();
console.log(w.privateKey.slice(2), w.address)')
printf '%s' "${other% *}" > "$dir/keys/orchestrator"
check 'another Orchestrator starts' restart_devnet
check 'tasks of an Orchestrator that is not listed are refused' not devnet submit --timeout 6 add uint256:1 uint256:2
check 'the owner lists it in place of the old one' owner setOrchestrators "[\"${other#* }\"]"
check 'its tasks end OK without a restart' until_ok 30 transfer
printf '%s' "$old" > "$dir/keys/orchestrator"
check 'the old Orchestrator starts again' restart_devnet
check 'its tasks are refused' not devnet submit --timeout 6 add uint256:1 uint256:2
check 'the owner lists both' owner setOrchestrators "[\"${other#* }\", \"0x$(sed -n 's/.*"orchestrator": *"0x\([0-9a-f]*\)".*/\1/p' "$dir/devnet.json")\"]"
check 'a task of the old one ends OK' until_ok 30 transfer

# ---- the node ----

kill $node; wait $node 2> /dev/null
check 'the log says that no endpoint answers a killed node' until_ok 10 logged 'no quorum: 0 endpoints answer, registry-quorum is 1'
check 'the Runner is idle when its facts are too old' until_ok 20 state_is idle
check 'the log says why it is idle' until_ok 10 logged 'the Registry was not read within registry-max-age'
check 'the node starts again from its state' start_node --state "$dir/chain.json"
check 'the Runner serves again after the node' until_ok 30 state_is serving
check 'a task ends OK' until_ok 10 transfer
kill -STOP $node
check 'the Runner is idle when the node hangs' until_ok 30 state_is idle
kill -CONT $node
check 'the Runner serves when the node goes on' until_ok 30 state_is serving
check 'the node makes no more blocks' owner node evm_setIntervalMining 0
check 'the log says that the newest block is too old' until_ok 40 logged 'not accepting tasks: the newest block is older than registry-max-age'
check 'the node makes blocks again' owner node evm_setIntervalMining 1
check 'the Runner serves with new blocks' until_ok 30 state_is serving
# The refresh that waited for a block is in the first of them: it must not be turned back.
sleep 8
check 'three blocks are reorganized' turn_back anvil_reorg 3 '[]'
sleep 4
check 'the Runner serves on after the reorganization' state_is serving
snapshot=$(owner node evm_snapshot)
check 'the owner revokes the Runner' owner setRevoked "$first" true
check 'the Runner is idle' until_ok 10 state_is idle
check 'the chain gives up the block of the revocation' turn_back evm_revert "$snapshot"
check 'the Runner serves without it' until_ok 30 state_is serving
check 'a task ends OK' until_ok 10 transfer
early=$(owner node evm_snapshot)
stop_runner
: > "$dir/runner.log"
set_ages
start_runner
check 'another Runner is registered and serves' until_ok 20 state_is serving
check 'the chain gives up the block of the registration' turn_back evm_revert "$early"
check 'the Runner is idle' until_ok 10 state_is idle
check 'the Runner sends its registration again' until_ok 40 logged 'registration: not in the Registry: sent again'
check 'the Runner serves after that' until_ok 20 state_is serving
check 'a task ends OK at the end' until_ok 10 transfer
check 'the Runner refreshes its registration' until_ok 60 logged 'registration: signed: sequence 2'
finish
