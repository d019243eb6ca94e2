#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One Runner, two chains: each has its own Registry, Orchestrator and Gateway, and a net
# and a registry process; a fault of one chain does not affect the other.
. "$(dirname "$0")/lib.sh"

two=$dir/two
on_two() { _c=$1; shift; tee-devnet "$_c" --dir "$two" "$@"; }
two_has() { tee-runnerctl status --json -s "$two/runner.sock" | grep -q -- "$1"; }
two_is() { two_has "\"state\": *\"$1\""; }
add_one() { devnet submit --timeout 10 add "$one" uint64:1 > "$dir/result"; }
add_two() { on_two submit --timeout 10 add "$other" uint64:2 > "$dir/result"; }
of_chain() { pgrep -P "$runner" -x "$1" | wc -l; }

start_devnet --kms 2/3
check 'counterparts of a second chain start' on_two up --insecure --kms 2/3 --chain-id 31338 --beside "$dir"
sed -n '/^chain-id/,$p' "$two/tee-runnerd.conf" >> "$dir/tee-runnerd.conf"
echo 'registry-max-age 5' >> "$dir/tee-runnerd.conf"	# the second's
start_runner
check 'the first chain is served' until_ok 30 state_is serving
check 'the second chain is served' until_ok 30 two_is serving
check 'two net processes run' is 2 "$(of_chain net)"
check 'two registry processes run' is 2 "$(of_chain registry)"
check 'one keys process runs' is 1 "$(of_chain keys)"
check 'a log line names its chain' until_ok 10 logged 'keys: chain 31338: accepting tasks'
check 'the first control socket shows the first chain' status_has '"chain_id": *31337,'
check 'the second control socket shows the second chain' two_has '"chain_id": *31338,'

one=$(put uint64 40)
other=$(on_two put uint64 50)
check 'a task of the first chain ends OK' add_one
check 'the result of a task is right' is uint64:41 "$(devnet get "$(output result)")"
check 'a task of the second chain ends OK' add_two
check 'the result of a task is right' is uint64:52 "$(on_two get "$(output result)")"

# Each has its tasks' chain from its Registry, not from what a task says.
devnet submit --timeout 3 add "$other" uint64:1 > "$dir/result" 2>&1
check "a handle of the second chain is refused on the first" grep -q WRONG_CHAIN "$dir/result"
devnet fault orchestrator chain
devnet submit --timeout 3 add "$one" uint64:1 > "$dir/result" 2>&1
check "a task of the second chain is refused from the first Orchestrator" grep -q WRONG_CHAIN "$dir/result"
devnet fault orchestrator off

# Both at once.
on_two bench --tasks 1024 --json > "$dir/bench-two" 2>&1 &
load=$!
devnet bench --tasks 1024 --json > "$dir/bench-one" 2>&1
wait $load
check 'a load on both chains: the first loses no task' grep -q '"failed": *0' "$dir/bench-one"
check 'a load on both chains: the second loses no task' grep -q '"failed": *0' "$dir/bench-two"

# The second's Registry goes.
net=$(role_pid net)
check 'the second devnet goes down' on_two down
check 'the second chain is idle without its Registry' until_ok 15 two_is idle
check 'the log names the chain that is idle' until_ok 15 logged 'chain 31338: not accepting tasks: the Registry'
check 'a task of the first chain ends OK while the second is down' add_one
check 'net of the first chain still runs' is "$net" "$(role_pid net)"
check 'the second devnet comes up again' on_two up
check 'a task of the second chain ends OK again' until_ok 60 add_two

# The second's net dies.
pid=$(role_pid net 1)
kill -KILL "$pid"
check 'net of the second chain that is killed is logged' until_ok 10 logged 'net-31338: died'
check 'a task of the first chain ends OK when the other net was killed' add_one
check 'net of the first chain still runs' is "$net" "$(role_pid net)"
check 'a task of the second chain ends OK with a new net' until_ok 20 add_two
check 'keys names the chain in each line' is 0 "$(count 'keys: \(not \)\?accepting')"

check 'SIGTERM drains both chains, and the Runner exits with 0' stop_runner
on_two down > /dev/null
finish
