#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Runner with registry-trusted-block on a real EVM node (anvil): what the Registry holds
# is proven, whatever an endpoint falsifies; what is not proven is refused, and so is what
# changed since, until a newer block is configured.  Exits 77 without Node.
. "$(dirname "$0")/anvil.sh"

falsify() { node -e "fetch('http://127.0.0.1:$falsifier/$1').then(() => 0)"; }
# Of the newest block.
newest_hash() { owner node eth_getBlockByNumber latest false | sed 's/.*"hash":"\(0x[0-9a-f]*\)".*/\1/'; }

# start_trusting HASH ENDPOINT...: a Runner that trusts this block, and asks these.
start_trusting() {
	[ -z "$runner" ] || stop_runner
	: > "$dir/runner.log"
	grep -v '^registry-endpoint\|^registry-trusted-block' "$dir/up.conf" > "$dir/tee-runnerd.conf"
	echo "registry-trusted-block $1" >> "$dir/tee-runnerd.conf"
	shift
	for _e in "$@"; do
		echo "registry-endpoint $_e" >> "$dir/tee-runnerd.conf"
	done
	start_runner
}

check 'a node starts' start_node
node "$src/tests/integration/falsifier.mjs" $url > "$dir/port" 2> "$dir/falsifier.log" &
others="$others $!"
check 'an endpoint that can falsify starts' until_ok 10 grep -q . "$dir/port"
falsifier=$(cat "$dir/port")
false_url=http://127.0.0.1:$falsifier/

make_owner
check 'the owner is given funds' owner node anvil_setBalance "$owner_address" 0x8ac7230489e80000
# Not the first one: anvil's header of that has no root of its state.
check 'a block is mined' owner node evm_mine
before=$(newest_hash)
check 'the Registry is deployed' deploy
printf 'registration-life 60s\nregistry-max-age 12s\nregistry-quorum 1\n' |
    cat "$dir/tee-runnerd.conf" - > "$dir/up.conf"
trusted=$(newest_hash)

# ---- proven ----

start_trusting "$trusted" $url
check 'the Runner is registered and serves' until_ok 30 state_is serving
check 'the log says what was proven' until_ok 10 logged 'registry: proven at block [0-9]*: code 0x[0-9a-f]*, KMS epoch 1, 1 Orchestrators, 1 Gateways'
check 'no endpoint failed' test "$(count ': fails: ')" -eq 0
check 'a task ends OK' transfer

# ---- nothing to prove it by ----

start_trusting 0x$(printf %064d 7) $url
check 'a hash of no block: the log names the endpoint' until_ok 10 logged "endpoint $url: fails: registry-trusted-block: it does not have the block"
check 'a hash of no block: the log says that nothing is proven' until_ok 10 logged 'registry: the Registry is not proven yet at registry-trusted-block: no endpoint has given a valid proof'
sleep 4
check 'a hash of no block: the Runner is idle' state_is idle
check 'a hash of no block: the log says it once' test "$(count 'not proven yet')" -eq 1
start_trusting "$before" $url
check 'a block before the Registry: the log says so' until_ok 10 logged 'registry: not usable: no contract at its address in registry-trusted-block'
sleep 2
check 'a block before the Registry: the Runner is idle' state_is idle

# ---- an endpoint that falsifies, before one that does not ----

check_falsified() {
	falsify "$1"
	start_trusting "$trusted" "$false_url" $url
	check "an endpoint that falsifies $1 is named" until_ok 10 logged "endpoint ${false_url%/}: fails: $2"
	check "the other endpoint proves what was falsified: $1" until_ok 10 logged 'registry: proven at'
}
check_falsified node 'eth_getProof: the hash of a node does not match'
check_falsified missing 'eth_getProof: a node is missing'
check_falsified order 'eth_getProof: the hash of a node does not match'
check_falsified more 'eth_getProof: nodes after the last one'
check_falsified mixed 'eth_getProof: '
check_falsified fewer 'eth_getProof: wrong number of proofs'
check_falsified account 'eth_getProof: the hash of a node does not match'
check_falsified nothing 'eth_getProof: no proof'
check_falsified pruned 'error: missing trie node'
check_falsified state 'registry-trusted-block: the hash of the header does not match'
check_falsified bloom 'registry-trusted-block: the hash of the header does not match'
check_falsified number 'registry-trusted-block: the hash of the header does not match'
check_falsified field 'registry-trusted-block: a header with a missing or wrong field'
check 'the Runner serves by the proof of the other endpoint' until_ok 30 state_is serving
check 'a task ends OK' transfer
falsify values
start_trusting "$trusted" "$false_url"
check 'falsified values that nobody uses do no harm' until_ok 10 logged 'registry: proven at'

# ---- a quorum that lies ----

falsify facts
start_trusting "$trusted" "$false_url"
check 'facts with a wrong Gateway are refused' until_ok 10 logged 'registry: not usable: the list of Gateways is not what registry-trusted-block proves: set it to a newer block'
sleep 3
check 'the Runner is idle with a wrong Gateway' state_is idle
falsify honest
check 'the Runner serves when the endpoint is honest again' until_ok 30 state_is serving
falsify key
check 'facts with a wrong KMS key are refused' until_ok 10 logged 'the KMS key is not what registry-trusted-block proves'
check 'the Runner is idle when its facts are too old' until_ok 30 state_is idle
check 'the log says why it is idle' until_ok 10 logged 'the Registry was not read within registry-max-age'
falsify honest

# ---- the chain moves on ----

start_trusting "$trusted" $url
check 'the Runner serves again' until_ok 30 state_is serving
one=0x$(sed -n 's/.*"orchestrator": *"0x\([0-9a-f]*\)".*/\1/p' "$dir/devnet.json")
check 'the owner lists another Orchestrator' owner setOrchestrators "[\"$owner_address\", \"$one\"]"
check 'a change that is not proven is refused' until_ok 20 logged 'the list of Orchestrators is not what registry-trusted-block proves: set it to a newer block, from a trusted source, and restart'
check 'the Runner is idle after the change' until_ok 30 state_is idle
start_trusting "$trusted" $url
check 'a restart alone does not help' until_ok 10 logged 'the list of Orchestrators is not'
start_trusting "$(newest_hash)" $url
check 'a Runner with a newer block serves' until_ok 30 state_is serving
check 'the log says that two Orchestrators are proven' until_ok 10 logged 'KMS epoch 1, 2 Orchestrators'
check 'a task ends OK' until_ok 10 transfer
finish
