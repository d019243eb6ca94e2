#!/bin/sh
# Each counterpart is killed and started again while a Runner is under load: every
# task ends OK, and each has its outputs once.  faults.sh kills the Runner's roles.
. "$(dirname "$0")/lib.sh"

# late SECONDS NAME: serve, after these
late() {
	(sleep "$1"; exec tee-devnet serve "$dir" "$2" >> "$dir/log/$2.log" 2>&1 < /dev/null) &
	others="$others $!"
}

start_devnet --kms 2/3
start_serving
for who in orchestrator gateway kms-1; do
	before=$(values)
	load
	sleep 0.4
	check "$who is killed under load" kill -9 "$(server_pid $who)"
	late 1 $who
	check "$who is killed under load: all tasks end OK" none_lost
	# Three inputs for all of them, and each has three outputs.
	check "$who is killed under load: each task is stored once" test $(($(values) - before)) -eq $((3 + 3 * 600))
done

# ---- what is known of the Registry is used while it does not answer
a=$(put uint64 40)
before=$(values)
kill -9 "$(server_pid registry)"
sleep 1.5	# the Gateway and the KMS nodes have to ask it again
load
check 'all tasks end OK while the Registry is down' none_lost
kill -9 "$(server_pid gateway)"
late 0 gateway
late 2 registry
check 'a Gateway that restarts waits for the Registry' devnet submit add "$a" uint64:2
check 'no task was stored twice' test $(($(values) - before)) -eq $((3 + 3 * 600 + 1))

# ---- single commands wait for a counterpart that starts again
kill -9 "$(server_pid gateway)"
late 1 gateway
check 'put waits for the Gateway' put uint64 40
kill -9 "$(server_pid gateway)"
late 1 gateway
check 'get waits for the Gateway' devnet get "$a"
kill -9 "$(server_pid orchestrator)"
late 1 orchestrator
check 'submit waits for the Orchestrator' devnet submit add "$a" uint64:2
check 'no role died' test "$(count 'died')" -eq 0
finish
