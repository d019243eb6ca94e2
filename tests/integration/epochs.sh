#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A new KMS key in the middle of a load: nothing is lost, values of both keys are read, one
# task has operands of both; when the overlap is over, those of the old one are refused.
. "$(dirname "$0")/lib.sh"

epoch_is() { status_has "\"kms_epoch\": *$1,"; }

start_devnet --kms 2/3
start_serving
old=$(put uint64 40)
check 'a task of the first epoch ends OK' gives OK add "$old" uint64:1
first=$(output result)

# From before the new key until after its block.
for _i in $(seq 100); do
	[ -f "$dir/devnet.json" ] && [ ! -e "$dir/enough" ] || break
	devnet bench --tasks 512 --json
done > "$dir/bench" 2> "$dir/bench.err" &
load=$!
sleep 2
check 'a new key is announced under load' devnet rekey --blocks 2 --overlap 25
overlap=$(date +%s)
check 'the load goes on' kill -0 $load
check 'the Runner reads the new key' until_ok 10 epoch_is 2
sleep 1
touch "$dir/enough"
wait $load
rounds=$(grep -c '"tasks": *512' "$dir/bench")
check "all of the load done: $rounds times 512 tasks" test "$rounds" -ge 2
check 'no task failed' is "$rounds" "$(grep -c '"failed": *0' "$dir/bench")"
new=$(put uint64 50)
check 'a value under the old key can be read' is uint64:40 "$(devnet get "$old")"
check 'a result under the old key can be read' is uint64:41 "$(devnet get "$first")"
check 'a task can use a value under the old key' gives OK add "$old" uint64:2
check 'its result can be read' is uint64:42 "$(devnet get "$(output result)")"
check 'one task can use values under both keys' gives OK add "$old" "$new"
both=$(output result)
check 'the result of a task is right' is uint64:90 "$(devnet get "$both")"

# A node that lies is found whichever key it is about.
devnet fault kms-1 partial
check 'a task ends OK when a node gives wrong partials' gives OK add "$old" "$new"
devnet fault kms-1 off

check 'the counterparts restart' restart_devnet
check 'a task ends OK after the restart' until_ok 30 gives OK add "$new" uint64:3

left=$((overlap + 26 - $(date +%s)))
[ $left -le 0 ] || sleep $left
timeout=3
check 'after the overlap a task with an old value gets KMS_KEY_OVER' gives KMS_KEY_OVER add "$old" uint64:1
read_old() { devnet get "$old" 2> "$dir/why"; }
check 'after the overlap an old value cannot be read' not read_old
check 'the error says that the key is over' grep -q 'KMS key that is over' "$dir/why"
timeout=10
check 'a task with a new value ends OK' gives OK add "$both" uint64:5
check 'the result of a task is right' is uint64:95 "$(devnet get "$(output result)")"

# A key that is no pin's is none for this Runner.
stop_runner
key=$(sed -n 's/^  "kmsKey": "\(0x\)*\([0-9a-f]*\)",*$/\2/p' "$dir/devnet.json")
echo "pin-kms-key 0x$key" >> "$dir/tee-runnerd.conf"
start_runner
check 'a Runner with a pin of the second key serves' until_ok 30 state_is serving
check 'a third key is announced' devnet rekey --blocks 1
check 'a Runner whose pin does not match is idle' until_ok 10 state_is idle
check 'the log says that the key is not the pin' until_ok 10 logged 'registry: refused: .*KMS key is not pin-kms-key'

check 'no role died' test "$(count 'died')" -eq 0
finish
