#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Runner's own gas account, against the Registry's contract on an EVM node (anvil): it
# registers by itself once it has funds, again when its life is over, for more where no block
# takes it, and after a reorganisation; it publishes commitments to results, which the contract
# verifies, and no result waits for that.  Exits 77 without Node.
. "$(dirname "$0")/lib.sh"

(trap - EXIT; . "$src/tests/interop/npm.sh" && [ -d node_modules/@foundry-rs/anvil-linux-amd64 ]) ||
    { echo 'skipped: node or anvil is not here'; trap - EXIT; rm -rf "$dir"; exit 77; }
interop=$BUILD/tests/interop
port=$((20000 + $$ % 10000))
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
runner_address() { sed -n 's/.*identity: made: runner \(0x[0-9a-f]*\).*/\1/p' "$dir/runner.log" | tail -n 1; }
fund() { rpc anvil_setBalance "[\"$account\",\"$1\"]"; }

check 'a node' start_node
check 'the Registry is deployed' devnet up --insecure --chain $url
registry=$(sed -n 's/^registry 0x/0x/p' "$dir/tee-runnerd.conf")
od -An -tx1 -N32 /dev/urandom | tr -d ' \n' > "$dir/gas.key"
configure() {
	sed -i '/^registry-refresh/d' "$dir/tee-runnerd.conf"
	cat >> "$dir/tee-runnerd.conf"
}
configure << EOF
registry-refresh 1
registration-life 60s
gas-key $dir/gas.key
registration direct
publish yes
publish-interval 2
gas-max-fee 100
EOF

# ---- the key ----

chmod 644 "$dir/gas.key"
start_runner
check 'a key that others can read is refused' until_ok 10 logged 'gas-key .*: others can read it'
stop_runner
chmod 600 "$dir/gas.key"
: > "$dir/runner.log"

# ---- without funds, and with ----

start_runner
check 'without funds: logged, with the account' until_ok 15 logged 'gas account has no funds: 0x'
check 'and in the status' until_ok 5 gas_is state 'gas account has no funds'
check 'it is idle, and not gone' state_is idle
check 'because it is not registered' sh -c "tee-runnerctl status --json -s '$dir/runner.sock' | grep -q 'not registered'"
account=$(gas_of account)
check 'logged once' test "$(count 'gas account has no funds')" = 1
check 'it is given funds' fund 0xde0b6b3a7640000
check 'and registers by itself' until_ok 20 state_is serving
check 'the contract says so' is_runner
check 'its account has sent that' sh -c "[ \$(($(rpc eth_getTransactionCount "[\"$account\",\"latest\"]" | sed 's/.*\(0x[0-9a-f]*\).*/\1/'))) -ge 1 ]"
check 'a task' until_ok 10 transfer
finish
