#!/bin/sh
# Workers end after a fixed number of tasks and are replaced: no task is lost by it, and
# it is no failure.
. "$(dirname "$0")/lib.sh"

start_devnet --kms 2/3
echo 'workers 1' >> "$dir/tee-runnerd.conf"
start_serving

first=$(role_pid compute)
check 'more tasks than a worker computes: all are computed' \
	timeout 200 tee-devnet bench --dir "$dir" --op transfer --tasks 10400 --batch 16 --in-flight 4 --json
grep -q '"failed": 0' "$dir/out" || flunk "none failed: $(cat "$dir/out")"
check 'the worker was replaced' test "$(role_pid compute)" != "$first"
check 'and said so' logged 'compute-0: retired after 10000 tasks'
check 'no task was lost, not even for another attempt' not status_has WORKER_LOST
check 'it is no failure' test "$(count 'died\|lost')" -eq 0
restarted() { status | grep -A1 '"compute"' | grep '"restarts": *[1-9]'; }
check 'and no restart' not restarted
finish
