#!/bin/sh
# Every primitive's vectors through the whole system, then what an Orchestrator
# can do wrong: each has its own status, and nothing else is disturbed.
. "$(dirname "$0")/lib.sh"

refused() { status | sed -n 's/^ *"'"$1"'": \([0-9]*\),*$/\1/p'; }

start_devnet --kms 2/3
start_serving

devnet run --batch 16 "$src/tests/vectors/primitives.txt" > "$dir/out" 2>&1
run=$(tail -n 1 "$dir/out")
check "vectors in batches of 16: $run" test "${run%, 0 failed}" != "$run"
passed=$((passed + ${run%% passed*} - 1))
devnet run --batch 1 --ops transfer,mint,burn,select "$src/tests/vectors/primitives.txt" > "$dir/out" 2>&1
run=$(tail -n 1 "$dir/out")
check "vectors one by one: $run" test "${run%, 0 failed}" != "$run"

a=$(put uint64 40)
check 'an operation' gives OK add "$a" uint64:2
sum=$(output result)
check 'its result' is uint64:42 "$(devnet get "$sum")"
cat > "$dir/task" <<END
{ "operations": [
  { "op": "add", "inputs": ["$a", "uint64:1"], "outputs": ["x"] },
  { "op": "mul", "inputs": ["x", "x"], "outputs": ["y"] },
  { "op": "lt", "inputs": ["x", "y"], "outputs": ["z"] } ] }
END
devnet task "$dir/task" > "$dir/result"
check 'three operations that hang together' is uint64:1681 "$(devnet get "$(output y)")"
check 'and the last of them' is bool:true "$(devnet get "$(output z)")"

timeout=3
check 'an input that does not exist' gives INPUT_MISSING add "$(echo "$a" | sed 's/......$/000000/')" uint64:2
check 'types that do not fit' gives TYPE_MISMATCH add "$a" uint32:2
check 'a value of another user' gives ACCESS_DENIED --as bob add "$a" uint64:2
for case in badsig:BAD_SIGNATURE chain:WRONG_CHAIN runner:WRONG_RUNNER; do
	devnet fault orchestrator "${case%%:*}"
	check "orchestrator: ${case%%:*}" gives "${case##*:}" add "$a" uint64:2
	devnet fault orchestrator off
	timeout=10
	check 'and a good one after it' gives OK add "$a" uint64:2
	timeout=3
done
devnet fault orchestrator replay
timeout=10
check 'each batch twice: computed once' gives OK add "$a" uint64:2
devnet fault orchestrator off
check 'and the second refused' test "$(refused REPLAYED)" -ge 1
devnet fault orchestrator rubbish
check 'random bytes before each batch' gives OK add "$a" uint64:2
devnet fault orchestrator off

# The filters of the live processes are those that were compiled, and no others.
if [ "$(id -u)" -eq 0 ] && ! status | grep -q 'no seccomp:'; then
	check 'monitor: its filter' tee-runnerctl policy monitor --diff "$runner"
	for role in net registry keys evidence compute; do
		check "$role: its filter" tee-runnerctl policy $role --diff "$(role_pid $role)"
	done
	check 'net is not under that of keys' not tee-runnerctl policy keys --diff "$(role_pid net)"
	check 'a task behind that' gives OK add "$a" uint64:2
fi

# Tasks of another time are retried, and put the Runner's clock in doubt.
in_doubt() { status_has '"why": *"the system.s clock disagrees'; }
submit_is() { want=$1; shift; submit "$@"; grep -q "\"class\": \"$want\"" "$dir/result"; }
devnet fault orchestrator expired
timeout=3
check 'orchestrator: expired: not for good' submit_is retryable add "$a" uint64:2
check 'orchestrator: expired: refused' test "$(refused EXPIRED)" -eq 3
check 'it is a reason to doubt the clock' until_ok 3 in_doubt
check 'and is told' logged 'clock: tasks of the Orchestrator are expired'
devnet fault orchestrator off

check 'no role died of it' test "$(count 'died')" -eq 0
check 'SIGTERM: drains and exits 0' stop_runner
finish
