#!/bin/sh
# Workers end after a fixed number of tasks and are replaced: no task is lost by it, and
# it is no failure.
. "$(dirname "$0")/lib.sh"

start_devnet --kms 2/3
echo 'workers 1' >> "$dir/tee-runnerd.conf"
start_serving

first=$(role_pid compute)
check 'more tasks than one worker computes are all computed' \
	timeout 200 tee-devnet bench --dir "$dir" --op transfer --tasks 10400 --batch 16 --in-flight 4 --json
grep -q '"failed": 0' "$dir/out" || flunk "none failed: $(cat "$dir/out")"
check 'the worker was replaced' test "$(role_pid compute)" != "$first"
check 'the log says that the worker retired' logged 'compute-0: retired after 10000 tasks'
check 'no task needed another attempt' not status_has WORKER_LOST
check 'the log shows no failure' test "$(count 'died\|lost')" -eq 0
restarted() { status | grep -A1 '"compute"' | grep '"restarts": *[1-9]'; }
check 'the status counts no restart' not restarted
finish
