#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tee-devnet with a Runner that is a straight line: values, tasks, faults,
# Runners that vanish, counterparts that stop and come back.  Loopback only.

BUILD=${BUILD:-$PWD}		# make check starts it there
. "$(dirname "$0")/lib.sh"

limit='timeout 60'
field() { sed -n "s/^ *\"$1\": \"\(.*\)\",*\$/\1/p"; }
number() { sed -n "s/^ *\"$1\": \([0-9]*\),*\$/\1/p"; }
# add_status SECONDS: the status of an operation
add_status() { devnet submit --timeout "$1" add "$a" uint64:2 | field status; }
# start_straight FIRST [TASKS]
start_straight() {
	"$BUILD/tests/integration/straight" "$dir" "$@" 2>> "$dir/runner.log" &
	runner=$!
}

# ---- without a Runner
start_devnet --kms 2/3 --runners 2
devnet up >/dev/null 2>&1
check "a second up is refused" is 1 $?
devnet status >/dev/null
check "all counterparts serve" is 0 $?
a=$(devnet put uint64 40)
check "a value is read as it was stored" is uint64:40 "$(devnet get "$a")"
check "another user cannot read it" is "" "$(devnet get --as bob "$a" 2>/dev/null)"
check "a negative value is read as it was stored" is int24:-5 "$(devnet get "$(devnet put int24 -5)")"
check "without a Runner a task ends after its timeout" is NOT_SERVING "$(add_status 1)"
for fault in partial proof seal down; do
	devnet fault kms-1 $fault
	for i in 1 2 3; do
		check "a value is read when one node has fault $fault" is uint64:40 \
		    "$(devnet get "$a" 2>/dev/null)"
	done
done
devnet fault kms-2 down
check "below the threshold no value is read" is "" "$(devnet get "$a" 2>/dev/null)"
devnet fault kms-1 off
devnet fault kms-2 off

# ---- with one
start_straight 1
check "an operation ends OK" is OK "$(add_status 20)"
sum=$(devnet submit add "$a" uint64:2 | field result)
check "its result is right" is uint64:42 "$(devnet get "$sum")"
check "a task cannot use another user's value" is ACCESS_DENIED \
    "$(devnet submit --as bob --timeout 5 add "$a" uint64:2 | field status)"
check "a task cannot use a value that does not exist" is INPUT_MISSING "$(devnet submit --timeout 2 \
    add "$(echo "$a" | sed 's/......$/000000/')" uint64:2 | field status)"
check "a task cannot use values of the wrong type" is TYPE_MISMATCH \
    "$(devnet submit add "$a" uint32:2 | field status)"
cat >"$dir/task" <<END
{ "operations": [
  { "op": "add", "inputs": ["$a", "uint64:1"], "outputs": ["x"] },
  { "op": "wrap", "inputs": ["uint64:2"], "outputs": ["two"] },
  { "op": "mul", "inputs": ["x", "two"], "outputs": ["y"] } ] }
END
devnet task "$dir/task" >"$dir/result"
check "a task of three operations gives the last result" is uint64:82 "$(devnet get "$(field y <"$dir/result")")"
check "it gives the first result too" is uint64:41 "$(devnet get "$(field x <"$dir/result")")"
cat >"$dir/task" <<END
{ "operations": [ { "op": "add", "inputs": ["$a", "later"] } ] }
END
devnet task "$dir/task" >/dev/null 2>&1
check "a name that is used before its output is refused" is 2 $?
check "the vectors of six primitives pass" is "1200 passed, 0 failed" "$(devnet run --batch 32 \
    --ops add,swap,cast,wrap,isIn,powWad "$src/tests/vectors/primitives.txt")"
check "no task of a bench fails" is 0 "$(devnet bench --tasks 64 --batch 8 --json | number failed)"
check "no task of a bench with a rate fails" devnet bench --tasks 100 --batch 10 --rate 100 --json
check "a bench submits at its rate" is 1 \
    "$(awk '/"seconds":/ { print ($2 + 0 > 0.9 && $2 + 0 < 5) }' "$dir/out")"

# ---- faults, and back
for fault in swap drop add badsig; do
	devnet fault gateway $fault
	got=$(devnet submit --timeout 1 add "$a" "$sum" | field status)
	[ "$got" != OK ] || flunk "gateway has fault $fault: OK"
	devnet fault gateway off
	check "a task ends OK after gateway fault $fault" is OK "$(add_status 20)"
done
devnet fault gateway replay
check "a task ends OK when its grant is the one to be replayed" is OK "$(add_status 20)"
got=$(add_status 1)
[ "$got" != OK ] || flunk "gateway answers with an old grant: OK"
devnet fault gateway off
check "a task ends OK after gateway fault replay" is OK "$(add_status 20)"
devnet fault orchestrator badsig
check "a batch that the Orchestrator did not sign is refused" is BAD_SIGNATURE "$(add_status 5)"
devnet fault orchestrator off
devnet fault gateway slow
check "a task ends OK when the Gateway is slow" is OK "$(add_status 30)"
devnet fault gateway off
devnet fault kms-3 slow
check "a task ends OK when a KMS node is slow" is OK "$(add_status 30)"
devnet fault kms-3 off

# ---- Runners come and go
devnet fault gateway stuck
devnet submit --timeout 40 add "$a" uint64:2 >"$dir/result" &
waiting=$!
sleep 1
stop_runner
devnet fault gateway off
start_straight 2 1
wait $waiting
check "a task whose Runner is lost ends OK" is OK "$(field status <"$dir/result")"
check "it took two attempts" is 2 "$(number attempts <"$dir/result")"
check "a Runner with room for one task computes all" is "200 passed, 0 failed" \
    "$(devnet run --batch 64 --ops add "$src/tests/vectors/primitives.txt")"
stop_runner

# ---- two at a time
start_straight 1
others="$others $runner"
start_straight 2
two_listed() { [ "$(devnet status | grep -c '"hello": *true')" -eq 2 ]; }
check "two Runners are connected" until_ok 20 two_listed
devnet bench --tasks 64 --batch 8 --in-flight 1 --json > "$dir/bench"
check "no task of a bench with two Runners fails" is 0 "$(number failed < "$dir/bench")"
check "each computes half" is "32 32" \
    "$(echo $(sed -n 's/^ *"0x[0-9a-f]\{40\}": \([0-9]*\),*$/\1/p' "$dir/bench"))"
stop_runner

# ---- down and up
pids=$(sed 's/.* //' "$dir/pids")
devnet down
check "down stops the counterparts" is 0 $?
for pid in $pids; do
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep "$dir" && flunk "$pid is still there"
done
devnet up >/dev/null
check "a value is there after down and up" is uint64:42 "$(devnet get "$sum")"

finish
