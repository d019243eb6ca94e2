#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Runner with registry-trusted-block on a real EVM node (anvil): what the Registry holds
# is proven, whatever an endpoint falsifies; what is not proven is refused, and so is what
# changed since, until a newer block is configured.  Exits 77 without Node.
. "$(dirname "$0")/lib.sh"

(trap - EXIT; . "$src/tests/interop/npm.sh" && [ -d node_modules/@foundry-rs/anvil-linux-amd64 ]) ||
    { echo 'skipped: node or anvil is not here'; trap - EXIT; rm -rf "$dir"; exit 77; }
interop=$BUILD/tests/interop
port=$((10000 + $$ % 1000 * 10))	# ten of its own, not of tee-devnet's
url=http://127.0.0.1:$port

owner() { (cd "$interop" && OWNER_KEY=0x$key node owner.mjs $url "$registry" "$@"); }
transfer() {
	_a=$(put uint256 10) && _b=$(put uint256 5) &&
	devnet submit --timeout 10 transfer "$_a" "$_b" uint256:3 | grep -q '"outputs"'
}
falsify() { node -e "fetch('http://127.0.0.1:$falsifier/$1').then(() => 0)"; }
# Of the newest block.
newest_hash() { owner node eth_getBlockByNumber latest false | sed 's/.*"hash":"\(0x[0-9a-f]*\)".*/\1/'; }

# start HASH ENDPOINT...: a Runner that trusts this block, and asks these.
start() {
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

"$interop/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil" --host 127.0.0.1 \
    --port $port --block-time 1 > "$dir/anvil.log" 2>&1 &
others=$!
check 'a node' until_ok 10 grep -q Listening "$dir/anvil.log"
node "$src/tests/integration/falsifier.mjs" $url > "$dir/port" 2> "$dir/falsifier.log" &
others="$others $!"
check 'an endpoint that can falsify' until_ok 10 grep -q . "$dir/port"
falsifier=$(cat "$dir/port")
false_url=http://127.0.0.1:$falsifier/

key=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
echo "$key" > "$dir/owner.key"
address=$(cd "$interop" && node -e "console.log(new (require('ethers').Wallet)('0x$key').address)")
registry=0x$(printf %040d 0)
check 'ten ether' owner node anvil_setBalance "$address" 0x8ac7230489e80000
# Not the first one: anvil's header of that has no root of its state.
check 'a block' owner node evm_mine
before=$(newest_hash)
check 'the Registry is deployed' devnet up --insecure --chain $url --owner-key "$dir/owner.key"
registry=$(sed -n 's/^registry 0x/0x/p' "$dir/tee-runnerd.conf")
printf 'registration-life 60s\nregistry-max-age 12s\nregistry-quorum 1\n' |
    cat "$dir/tee-runnerd.conf" - > "$dir/up.conf"
trusted=$(newest_hash)

# ---- proven ----

start "$trusted" $url
check 'registered: serving' until_ok 30 state_is serving
check 'by a proof' logged 'registry: proven at block [0-9]*: code 0x[0-9a-f]*, KMS epoch 1, 1 Orchestrators, 1 Gateways'
check 'which no one failed' test "$(count 'endpoint fails')" -eq 0
check 'a task' transfer

# ---- nothing to prove it by ----

start 0x$(printf %064d 7) $url
check 'a hash of no block: named' until_ok 10 logged "endpoint fails: $url: registry-trusted-block: it does not have the block"
check 'and that nothing is proven' logged 'registry: not proven yet at registry-trusted-block: no endpoint has given a valid proof'
sleep 4
check 'no facts' state_is idle
check 'said once' test "$(count 'not proven yet')" -eq 1
start "$before" $url
check 'a block before the Registry' until_ok 10 logged 'registry: not usable: no contract at its address in registry-trusted-block'
sleep 2
check 'no facts either' state_is idle

# ---- an endpoint that falsifies, before one that does not ----

check_falsified() {
	falsify "$1"
	start "$trusted" "$false_url" $url
	check "it falsifies: $1: named" until_ok 10 logged "endpoint fails: ${false_url%/}: $2"
	check "$1: the other proves it" until_ok 5 logged 'registry: proven at'
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
check 'and with it the Runner serves' until_ok 30 state_is serving
check 'a task' transfer
falsify values
start "$trusted" "$false_url"
check 'what is not used can be anything' until_ok 10 logged 'registry: proven at'

# ---- a quorum that lies ----

falsify facts
start "$trusted" "$false_url"
check 'it lies about a Gateway: refused' until_ok 10 logged 'registry: not usable: the list of Gateways is not what registry-trusted-block proves: set it to a newer block'
sleep 3
check 'so there are no facts' state_is idle
falsify honest
check 'until it is honest' until_ok 30 state_is serving
falsify key
check 'it lies about the KMS key: refused' until_ok 10 logged 'the KMS key is not what registry-trusted-block proves'
check 'and idle, when what is known is too old' until_ok 30 state_is idle
check 'with the reason' logged 'the Registry was not read within registry-max-age'
falsify honest

# ---- the chain moves on ----

start "$trusted" $url
check 'serving' until_ok 30 state_is serving
one=0x$(sed -n 's/.*"orchestrator": *"0x\([0-9a-f]*\)".*/\1/p' "$dir/devnet.json")
check 'another Orchestrator is listed too' owner setOrchestrators "[\"$address\", \"$one\"]"
check 'refused: it is not proven' until_ok 20 logged 'the list of Orchestrators is not what registry-trusted-block proves: set it to a newer block, from a trusted source, and restart'
check 'idle' until_ok 30 state_is idle
start "$trusted" $url
check 'a restart alone does not help' until_ok 10 logged 'the list of Orchestrators is not'
start "$(newest_hash)" $url
check 'with a newer block it serves' until_ok 30 state_is serving
check 'proven' logged 'KMS epoch 1, 2 Orchestrators'
check 'a task' until_ok 10 transfer
finish
