#!/bin/sh
# Every primitive's vectors through the whole system, then what an Orchestrator
# can do wrong: each has its own status, and nothing else is disturbed.
. "$(dirname "$0")/lib.sh"

refused() { status | sed -n 's/^ *"'"$1"'": \([0-9]*\),*$/\1/p'; }

start_devnet --kms 2/3
start_serving

devnet run --batch 16 "$src/tests/vectors/primitives.txt" > "$dir/out" 2>&1
run=$(tail -n 1 "$dir/out")
check "vectors pass in batches of 16: $run" test "${run%, 0 failed}" != "$run"
passed=$((passed + ${run%% passed*} - 1))
devnet run --batch 1 --ops transfer,mint,burn,select "$src/tests/vectors/primitives.txt" > "$dir/out" 2>&1
run=$(tail -n 1 "$dir/out")
check "vectors pass one by one: $run" test "${run%, 0 failed}" != "$run"

a=$(put uint64 40)
check 'an operation ends OK' gives OK add "$a" uint64:2
sum=$(output result)
check 'its result is right' is uint64:42 "$(devnet get "$sum")"
cat > "$dir/task" <<END
{ "operations": [
  { "op": "add", "inputs": ["$a", "uint64:1"], "outputs": ["x"] },
  { "op": "mul", "inputs": ["x", "x"], "outputs": ["y"] },
  { "op": "lt", "inputs": ["x", "y"], "outputs": ["z"] } ] }
END
devnet task "$dir/task" > "$dir/result"
check 'three operations that depend on each other give the right result' is uint64:1681 "$(devnet get "$(output y)")"
check 'the last of them gives the right result' is bool:true "$(devnet get "$(output z)")"

timeout=3
check 'an input that does not exist is refused' gives INPUT_MISSING add "$(echo "$a" | sed 's/......$/000000/')" uint64:2
check 'operands of the wrong type are refused' gives TYPE_MISMATCH add "$a" uint32:2
check 'a value of another user is refused' gives ACCESS_DENIED --as bob add "$a" uint64:2
for case in badsig:BAD_SIGNATURE chain:WRONG_CHAIN runner:WRONG_RUNNER; do
	devnet fault orchestrator "${case%%:*}"
	check "orchestrator: ${case%%:*}: the task is refused" gives "${case##*:}" add "$a" uint64:2
	devnet fault orchestrator off
	timeout=10
	check "orchestrator: ${case%%:*}: the next task ends OK" gives OK add "$a" uint64:2
	timeout=3
done
devnet fault orchestrator replay
timeout=10
check 'a batch that comes twice is computed' gives OK add "$a" uint64:2
devnet fault orchestrator off
check 'the second time it is refused' test "$(refused REPLAYED)" -ge 1
devnet fault orchestrator rubbish
check 'random bytes before a batch are skipped' gives OK add "$a" uint64:2
devnet fault orchestrator off

# The filters of the live processes are those that were compiled, and no others.
if [ "$(id -u)" -eq 0 ] && ! status | grep -q 'no seccomp:'; then
	check 'the monitor runs under the filter that was compiled' tee-runnerctl policy monitor --diff "$runner"
	for role in net registry keys evidence compute; do
		check "$role runs under the filter that was compiled" tee-runnerctl policy $role --diff "$(role_pid $role)"
	done
	check 'net does not run under the filter of keys' not tee-runnerctl policy keys --diff "$(role_pid net)"
	check 'a task ends OK after that' gives OK add "$a" uint64:2
fi

# Tasks of another time are retried, and put the Runner's clock in doubt.
in_doubt() { status_has '"why": *"the system.s clock disagrees'; }
submit_is() { want=$1; shift; submit "$@"; grep -q "\"class\": \"$want\"" "$dir/result"; }
devnet fault orchestrator expired
timeout=3
check 'orchestrator: expired: the status is retryable' submit_is retryable add "$a" uint64:2
check 'orchestrator: expired: three attempts are refused' test "$(refused EXPIRED)" -eq 3
check 'the status says that the clock is in doubt' until_ok 10 in_doubt
check 'the reason is clock' status_has '"why_name": *"clock"'
check 'the log says that the clock is in doubt' until_ok 10 logged 'clock: tasks of the Orchestrator are expired'
devnet fault orchestrator off

check 'no role died' test "$(count 'died')" -eq 0
check 'SIGTERM drains, and the Runner exits with 0' stop_runner
finish
