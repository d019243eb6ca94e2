#!/bin/sh
# Counterparts that lie, are slow, go and come back; roles that are killed under
# load.  No task is lost, a KMS node at fault is named, nothing spins.
. "$(dirname "$0")/lib.sh"

# add_gives STATUS [SECONDS]
add_gives() { timeout=${2:-4}; gives "$1" add "$a" "$b"; }

start_devnet --kms 2/3
start_serving
a=$(put uint64 40)
b=$(put uint64 2)

# ---- a Gateway that lies
for case in swap:GRANT_INVALID drop:GATEWAY_ERROR add:GATEWAY_ERROR badsig:GRANT_INVALID; do
	devnet fault gateway "${case%%:*}"
	check "gateway: ${case%%:*}: the task is refused" add_gives "${case##*:}" 2
	devnet fault gateway off
	check "gateway: ${case%%:*}: the next task ends OK" add_gives OK
done
devnet fault gateway replay
check 'a task ends OK when its grant is the one to be replayed' add_gives OK
check 'gateway: an old grant for a new task is refused' add_gives GRANT_INVALID 2
devnet fault gateway off
check 'gateway: replay: the next task ends OK' add_gives OK
check 'no KMS node was blamed for the faults of the Gateway' test "$(count 'kms node')" -eq 0

# ---- a KMS node that lies: named, and the next attempt takes another quorum
for what in partial proof seal; do
	for n in 1 2 3; do devnet fault kms-$n off; done
	devnet fault kms-1 $what
	for i in 1 2 3 4; do check "kms-1: $what: a task ends OK with another quorum" add_gives OK 10; done
	devnet fault kms-1 off
done
check 'the log names the node at fault' until_ok 10 logged 'kms node 1 or the gateway:'
check 'the log names no other node' test "$(count 'kms node [23] or')" -eq 0
devnet fault kms-2 down
check 'kms-2: down: a task ends OK' add_gives OK 15
devnet fault kms-2 off

# ---- counterparts that are slow, or go and come back
devnet fault gateway slow
check 'a task ends OK when the Gateway is slow' add_gives OK 30
devnet fault gateway off
for who in gateway orchestrator; do
	net=$(role_pid net)
	kill -9 "$(server_pid $who)"
	before=$(ticks "$net")
	sleep 3
	used=$(($(ticks "$net") - before))
	check "$who is down: net waits without spinning ($used ticks in 3 s)" test $used -le 6
	serve $who
	check "a task ends OK when $who is back" until_ok 40 add_gives OK 5
done
check 'net did not restart' test "$(role_pid net)" = "$net"
kill -9 "$(server_pid registry)"
sleep 1
serve registry
check 'the log says that the Registry endpoint answers again' until_ok 40 logged 'answers again\|endpoints agree'
check 'a task ends OK after that' until_ok 40 add_gives OK 5

# ---- roles that are killed under load
for role in compute registry evidence net; do
	load
	sleep 0.3
	kill -9 "$(role_pid $role)"
	check "$role killed under load: no task is lost" none_lost
	check "$role killed under load: the log says that it restarts" until_ok 10 logged "$role.*: died: signal 9.*restarting in"
done
load
sleep 0.3
kill -9 "$(role_pid keys)"
check 'keys killed under load: no task is lost' none_lost
check 'keys killed under load: the log says that all roles restart' until_ok 10 logged 'keys: ended, and its identity key with it: restarting all roles'
check 'keys killed under load: the Runner serves again' until_ok 40 state_is serving

# ---- the end under load
load
sleep 0.3
check 'SIGTERM under load: the Runner exits with 0' stop_runner
start_runner
check 'SIGTERM under load: the next Runner computes the rest' none_lost
finish
