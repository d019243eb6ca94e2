#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tee-devnet with a Runner that is a straight line: values, tasks, faults,
# Runners that vanish, counterparts that stop and come back.  Loopback only.

dir=$(mktemp -d /tmp/devnet.XXXXXX) || exit 99
# The commands end without freeing what they connected.
export ASAN_OPTIONS=detect_leaks=0
net=$dir/net
: "${srcdir:=.}"
runner=
failed=0

devnet() { command=$1; shift; timeout 60 ./tee-devnet "$command" --dir "$net" "$@"; }
finish() {
	[ -z "$runner" ] || kill "$runner" 2>/dev/null
	devnet down
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

# is WHAT EXPECTED GOT
is() {
	[ "$2" = "$3" ] && { echo "ok: $1"; return; }
	echo "not ok: $1: expected \"$2\", got \"$3\""
	failed=1
}
field() { sed -n "s/^ *\"$1\": \"\\(.*\\)\",*\$/\\1/p"; }
number() { sed -n "s/^ *\"$1\": \\([0-9]*\\),*\$/\\1/p"; }
status() { devnet submit --timeout "$1" add "$a" uint64:2 | field status; }
start_runner() {
	./tests/integration/straight "$net" "$@" 2>>"$dir/runner.log" &
	runner=$!
}
stop_runner() { kill "$runner"; wait "$runner" 2>/dev/null; runner=; }

# ---- without a Runner
devnet up --insecure --kms 2/3 --runners 2 >"$dir/up" || { cat "$dir/up"; exit 1; }
devnet up >/dev/null 2>&1
is "a second up is refused" 1 $?
devnet status >/dev/null
is "all serve" 0 $?
a=$(devnet put uint64 40)
is "a value comes back" uint64:40 "$(devnet get "$a")"
is "only to its user" "" "$(devnet get --as bob "$a" 2>/dev/null)"
is "a negative one too" int24:-5 "$(devnet get "$(devnet put int24 -5)")"
is "without a Runner time runs out" NOT_SERVING "$(status 1)"
for fault in partial proof seal down; do
	devnet fault kms-1 $fault
	for i in 1 2 3; do
		is "get, one node has fault $fault" uint64:40 \
		    "$(devnet get "$a" 2>/dev/null)"
	done
done
devnet fault kms-2 down
is "below the threshold nothing opens" "" "$(devnet get "$a" 2>/dev/null)"
devnet fault kms-1 off
devnet fault kms-2 off

# ---- with one
start_runner 1
is "an operation" OK "$(status 20)"
sum=$(devnet submit add "$a" uint64:2 | field result)
is "its result" uint64:42 "$(devnet get "$sum")"
is "another's value" ACCESS_DENIED \
    "$(devnet submit --as bob --timeout 5 add "$a" uint64:2 | field status)"
is "a value that is not there" INPUT_MISSING "$(devnet submit --timeout 2 \
    add "$(echo "$a" | sed 's/......$/000000/')" uint64:2 | field status)"
is "types that do not fit" TYPE_MISMATCH \
    "$(devnet submit add "$a" uint32:2 | field status)"
cat >"$dir/task" <<END
{ "operations": [
  { "op": "add", "inputs": ["$a", "uint64:1"], "outputs": ["x"] },
  { "op": "wrap", "inputs": ["uint64:2"], "outputs": ["two"] },
  { "op": "mul", "inputs": ["x", "two"], "outputs": ["y"] } ] }
END
devnet task "$dir/task" >"$dir/out"
is "a task of three" uint64:82 "$(devnet get "$(field y <"$dir/out")")"
is "all its outputs" uint64:41 "$(devnet get "$(field x <"$dir/out")")"
cat >"$dir/task" <<END
{ "operations": [ { "op": "add", "inputs": ["$a", "later"] } ] }
END
devnet task "$dir/task" >/dev/null 2>&1
is "a name before its output" 2 $?
is "vectors" "1200 passed, 0 failed" "$(devnet run --batch 32 \
    --ops add,swap,cast,wrap,isIn,powWad "$srcdir/tests/vectors/primitives.txt")"
is "bench" 0 "$(devnet bench --tasks 64 --batch 8 --json | number failed)"

# ---- faults, and back
for fault in swap drop add badsig; do
	devnet fault gateway $fault
	got=$(devnet submit --timeout 1 add "$a" "$sum" | field status)
	[ "$got" = OK ] && is "gateway has fault $fault" "not OK" "$got"
	devnet fault gateway off
	is "and then no more $fault" OK "$(status 20)"
done
devnet fault gateway replay
is "the first grant" OK "$(status 20)"
got=$(status 1)
[ "$got" = OK ] && is "gateway answers with an old grant" "not OK" "$got"
devnet fault gateway off
is "and then no more replay" OK "$(status 20)"
devnet fault orchestrator badsig
is "a batch that the Orchestrator did not sign" BAD_SIGNATURE "$(status 5)"
devnet fault orchestrator off
devnet fault gateway slow
is "a slow Gateway" OK "$(status 30)"
devnet fault gateway off
devnet fault kms-3 slow
is "a slow KMS node" OK "$(status 30)"
devnet fault kms-3 off

# ---- Runners come and go
devnet fault gateway stuck
devnet submit --timeout 40 add "$a" uint64:2 >"$dir/out" &
waiting=$!
sleep 1
stop_runner
devnet fault gateway off
start_runner 2 1
wait $waiting
is "a task whose Runner is lost" OK "$(field status <"$dir/out")"
is "is tried again" 2 "$(number attempts <"$dir/out")"
is "a Runner with room for one task" "200 passed, 0 failed" \
    "$(devnet run --batch 64 --ops add "$srcdir/tests/vectors/primitives.txt")"
stop_runner

# ---- down and up
pids=$(sed 's/.* //' "$net/pids")
devnet down
is "down" 0 $?
for pid in $pids; do
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep "$net" && failed=1
done
devnet up >/dev/null
is "what was stored is there" uint64:42 "$(devnet get "$sum")"

[ $failed = 0 ] || cat "$dir/runner.log"
exit $failed
