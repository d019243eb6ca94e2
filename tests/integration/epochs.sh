#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A new KMS key in the middle of a load: nothing is lost, values of both keys are read, one
# task has operands of both; when the overlap is over, those of the old one are refused.
. "$(dirname "$0")/lib.sh"

epoch_is() { status_has "\"kms_epoch\": *$1,"; }

start_devnet --kms 2/3
start_serving
old=$(put uint64 40)
check 'a task of the first epoch' gives OK add "$old" uint64:1
first=$(output result)

# From before the new key until after its block.
for _i in $(seq 100); do
	[ -f "$dir/devnet.json" ] && [ ! -e "$dir/enough" ] || break
	devnet bench --tasks 512 --json
done > "$dir/bench" 2> "$dir/bench.err" &
load=$!
sleep 2
check 'a new key, under load' devnet rekey --blocks 2 --overlap 25
overlap=$(date +%s)
check 'the load goes on' kill -0 $load
check 'the Runner sees it' until_ok 10 epoch_is 2
sleep 1
touch "$dir/enough"
wait $load
rounds=$(grep -c '"tasks": *512' "$dir/bench")
check "all of the load done: $rounds times 512 tasks" test "$rounds" -ge 2
check 'none failed' is "$rounds" "$(grep -c '"failed": *0' "$dir/bench")"
new=$(put uint64 50)
check 'a value of the old key is read' is uint64:40 "$(devnet get "$old")"
check 'a result of the old key' is uint64:41 "$(devnet get "$first")"
check 'a task on it' gives OK add "$old" uint64:2
check 'its result is under the new key' is uint64:42 "$(devnet get "$(output result)")"
check 'one task with values of both' gives OK add "$old" "$new"
both=$(output result)
check 'its result' is uint64:90 "$(devnet get "$both")"

# A node that lies is found whichever key it is about.
devnet fault kms-1 partial
check 'a wrong partial under either key' gives OK add "$old" "$new"
devnet fault kms-1 off

check 'both Registry and values survive a restart of the counterparts' restart_devnet
check 'the Runner comes back' until_ok 30 gives OK add "$new" uint64:3

left=$((overlap + 26 - $(date +%s)))
[ $left -le 0 ] || sleep $left
timeout=3
check 'when the overlap is over: refused by name' gives KMS_KEY_OVER add "$old" uint64:1
read_old() { devnet get "$old" 2> "$dir/why"; }
check 'read no more' not read_old
check 'by name' grep -q 'KMS key that is over' "$dir/why"
timeout=10
check 'the new key: as ever' gives OK add "$both" uint64:5
check 'its result' is uint64:95 "$(devnet get "$(output result)")"

# A key that is no pin's is none for this Runner.
stop_runner
key=$(sed -n 's/^  "kmsKey": "\(0x\)*\([0-9a-f]*\)",*$/\2/p' "$dir/devnet.json")
echo "pin-kms-key 0x$key" >> "$dir/tee-runnerd.conf"
start_runner
check 'pinned to the second key: it serves' until_ok 30 state_is serving
check 'a third key' devnet rekey --blocks 1
check 'is not the pin: no task is taken' until_ok 10 state_is idle
check 'and the log says so' logged 'registry: refused: .*KMS key is not pin-kms-key'

check 'no role died' test "$(count 'died')" -eq 0
finish
