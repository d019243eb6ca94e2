#!/bin/sh
# Workers end after a fixed number of tasks and are replaced, and a reload changes workers
# and max-tasks: no task is lost by it, and it is no failure.
. "$(dirname "$0")/lib.sh"

start_devnet --kms 2/3
echo 'workers 1' >> "$dir/tee-runnerd.conf"
start_serving

first=$(role_pid compute)
check 'more tasks than one worker computes are all computed' \
	timeout 200 tee-devnet bench --dir "$dir" --op transfer --tasks 10400 --batch 16 --in-flight 4 --json
grep -q '"failed": 0' "$dir/out" || flunk "none failed: $(cat "$dir/out")"
check 'the worker was replaced' test "$(role_pid compute)" != "$first"
check 'the log says that the worker retired' until_ok 10 logged 'compute-0: retired after 10000 tasks'
check 'no task needed another attempt' not status_has WORKER_LOST
check 'the log shows no failure' test "$(count 'died\|lost')" -eq 0
restarted() { status | grep -A1 '"compute"' | grep '"restarts": *[1-9]'; }
check 'the status counts no restart' not restarted

# ---- a reload under load

# conf_is WORKERS MAX-TASKS
conf_is() {
	sed -i '/^workers/d;/^max-tasks/d' "$dir/tee-runnerd.conf"
	printf 'workers %s\nmax-tasks %s\n' "$1" "$2" >> "$dir/tee-runnerd.conf"
	tee-runnerctl reload -s "$dir/runner.sock" > /dev/null
}
workers_are() { is "$1" "$(pgrep -c -P "$runner" -x compute)"; }
# The same, as keys counts them.
counted_are() {
	is "$1" "$(status | awk '/"(idle|busy)":/ { n += $2 } END { print n }')"
}
devnet ledger --seconds 20 --in-flight 32 > "$dir/ledger" 2>&1 &
ledger=$!
for to in '2 256' '4 512' '1 8' '3 40' '2 1' '64 4096' '1 256'; do
	n=${to% *}
	conf_is $to
	check "workers and max-tasks become $to" until_ok 10 workers_are "$n"
	check "and keys has $n workers" until_ok 10 counted_are "$n"
	sleep 1
done
wait $ledger
check 'no transfer was lost or done twice' is 0 $?
check 'no task was refused or needed another attempt' not status_has 'WORKER_LOST\|BUSY'
check 'the log shows no failure' test "$(count 'died\|lost\|killed')" -eq 0
for i in 1 2 3 4 5 6; do
	# With signals that come one after the other.
	conf_is 1 256; conf_is 4 256
done
check 'reloads in quick succession leave what the last one says' until_ok 10 workers_are 4
check 'and keys has them all' until_ok 10 counted_are 4
check 'a task is computed' add
finish
