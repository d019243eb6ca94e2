# Sourced, instead of lib.sh, by the tests whose Registry is a contract on a real EVM node
# (anvil).  Exits 77 without Node.
. "$(dirname "$0")/lib.sh"

interop=$BUILD/tests/interop
anvil=$interop/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
(trap - EXIT; . "$src/tests/interop/npm.sh" && [ -x "$anvil" ]) ||
    skip 'node or anvil is not here'
url=http://127.0.0.1:$port
registry=0x$(printf %040d 0)		# until it is deployed
key=					# the owner's, if not one of the node's

# start_node [OPTION]...: a block a second
start_node() {
	: > "$dir/anvil.log"
	"$anvil" --host 127.0.0.1 --port $port --block-time 1 "$@" >> "$dir/anvil.log" 2>&1 &
	node=$! others="$others $node"
	until_ok 10 grep -q Listening "$dir/anvil.log"
}

# make_owner: a key that the node does not have, as $key and in a file; its $owner_address.
make_owner() {
	key=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
	echo "$key" > "$dir/owner.key"
	owner_address=$(cd "$interop" &&
	    node -e "console.log(new (require('ethers').Wallet)('0x$key').address)")
}

# owner METHOD ARGUMENT...: of the contract; owner node METHOD ARGUMENT...: of the node
owner() {
	(cd "$interop" && env ${key:+OWNER_KEY=0x$key} node owner.mjs $url "$registry" "$@")
}

# deploy: the Registry, and with it the counterparts
deploy() {
	devnet up --insecure --chain $url ${key:+--owner-key "$dir/owner.key"} || return
	registry=$(sed -n 's/^registry 0x/0x/p' "$dir/tee-runnerd.conf")
}

# turn_back METHOD ARGUMENT...: the clock goes back with the blocks, and is set again.
turn_back() {
	owner node "$@" && owner node anvil_setTime "$(date +%s)" &&
	owner node evm_mine
}

# Of the Runner that started last.
runner_address() {
	sed -n 's/.*identity key, runner address \(0x[0-9a-f]*\).*/\1/p' "$dir/runner.log" |
	    tail -n 1
}
is_runner() { owner isRunner "$(runner_address)" | grep -qx true; }
