#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tee-runnerd as a supervisor of stubs, which misbehave when asked; how it drains, and
# how everything ends.
. "$(dirname "$0")/monitor.sh"

# ---- roles that misbehave --------------------------------------------------

# died HOW ROLE SIGNAL LINE: the role, after the signal, is logged and starts again.
died() {
	p=$(ready_pid $2)
	kill -$3 $p
	check "$2: $1: is logged" soon logged "$4"
	check "$2: $1: starts again" soon renewed $2 $p
}

start_monitor "$dir/stub"
come_up stubs
[ "$(id -u)" != 0 ] || check "--diff refuses another program" \
	diff_refuses "has .* instructions, keys " keys --diff $(ready_pid keys)
for r in evidence compute-0 registry net; do
	died "forbidden system call" $r USR1 \
		"$r: died: signal 31: .*: system call socket (.*) is not in its policy"
done
died "illegal message" registry USR2 "registry: died: signal 9: "
check "an illegal message is logged" logged "registry: illegal message"
died "exit" evidence IO "evidence: died: exit status 7: "
died "DRAINED without a request" net WINCH "net: killed: sent DRAINED without a request"
died "AGENT_ASK twice" evidence WINCH "evidence: killed: requested the dstack agent too often"
kill -TTOU $(ready_pid evidence)
check "a flood of lines is logged in part, with the number that were dropped" soon logged \
	"^tee-runnerd: evidence: 4[0-9]* log lines dropped: more than 10 a second"
check "and similar lines are counted" logged \
	"^evidence: flood.* [0-9]* similar lines suppressed in [0-9]* s"
check "the first lines of a flood are logged" logged "^evidence: flood" 100
check "a line cannot look like another role's" not logged "^tee-runnerd: keys: forged"
p=$(ready_pid compute-0)
kill -WINCH $(ready_pid keys)
check "CUT kills the worker" soon logged "compute-0: killed: requested by keys"
check "the worker starts again after CUT" soon renewed compute-0 $p
p=$(ready_pid net)
kill -USR1 $(ready_pid keys)
check "keys: forbidden system call: is logged" soon logged \
	"keys: died: signal 31: .*: system call socket (.*) is not in its policy"
check "keys: forbidden system call: net starts again" soon renewed net $p
check "keys: forbidden system call: all roles are up" soon all_up
stop_monitor "stubs"

start_monitor "$dir/stub" "isolate task"
come_up "isolate task"
p=$(ready_pid compute-0)
kill -URG $p
check "isolate task: the worker ends" soon gone $p
check "isolate task: another takes its place" soon roles_are 6
check "isolate task: that is not logged" not logged "compute-0: died"
stop_monitor "isolate task"

# ---- the end ---------------------------------------------------------------

start_monitor "$dir/stub"
come_up drain
kill -ALRM $(ready_pid net) $(ready_pid registry)
kill -TERM $runner
check "drain-timeout is logged when it is over" soon logged \
	"shutting down: tasks or transactions not finished within drain-timeout (1 s)"
check "a role that does not exit is killed" soon logged "registry: killed: did not exit"
check "the monitor exits with 0 after drain-timeout" exits_with 0
check "no process is left after drain-timeout" all_gone

drain=60 start_monitor "$dir/stub"
come_up drain
kill -ALRM $(ready_pid net)
kill -TERM $runner
check "draining is logged" soon logged \
	"shutting down: finishing tasks in flight (timeout 60 s)"
kill -INT $runner
check "a second signal ends the drain" exits_with 0
check "no process is left after a second signal" all_gone

# A signal to the whole control group: the roles leave it to the monitor, which drains.
start_monitor "$dir/stub"
come_up "control group"
group=$runner
for r in $names; do group="$group $(ready_pid $r)"; done
kill -USR1 $runner
kill -USR2 $runner
kill -ALRM $runner
for sig in HUP INT QUIT TERM; do
	for p in $group; do [ $p = $runner ] || kill -$sig $p; done
done
sleep 0.3
check "a role ignores the signals of a terminal" all_up
check "none died of them" not logged "died"
kill -QUIT $group
check "SIGQUIT to the control group drains" soon logged "shutting down: finishing tasks"
check "SIGQUIT to the control group ends the monitor with status 0" exits_with 0
check "no role died of SIGQUIT" not logged "died"
check "no process is left after SIGQUIT" all_gone

# The log is a pipe that nobody reads: roles start again, and SIGTERM works.
mkfifo "$dir/pipe"
sleep 60 <>"$dir/pipe" &
others=$!
dd if=/dev/zero of="$dir/pipe" oflag=nonblock bs=4096 count=100 2>/dev/null
other_pid() { p=$(role_pid $1) && [ -n "$p" ] && [ "$p" != "$2" ]; }
start_monitor "$dir/stub" "log-level debug"
come_up "full log"
stop_monitor "full log"
"$dir/tee-runnerd" -d -f "$dir/conf" -L "$dir/stub" 2>"$dir/pipe" &
runner=$!
check "full log: all roles come up" soon roles_are 6
sleep 0.5			# each is in its sandbox
for r in evidence registry net; do
	p=$(role_pid $r)
	kill -TTOU $p
	sleep 0.1
	kill -KILL $p
	check "full log: $r starts again" soon other_pid $r $p
done
pids=$(pgrep -P $runner)
kill -TERM $runner
check "full log: SIGTERM ends the monitor with status 0" exits_with 0
for p in $pids; do check "full log: no process is left" gone $p; done

start_monitor "$dir/stub"
come_up "monitor killed"
kill -STOP $(ready_pid net) $(ready_pid keys) $(ready_pid evidence)
kill -KILL $runner
wait $runner 2>/dev/null
runner=
check "every role ends after the monitor was killed" soon all_gone
finish
