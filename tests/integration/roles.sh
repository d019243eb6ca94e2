#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The roles that are built, under the monitor: their sandboxes, how they are started
# again, and how they run on a system that cannot give all that they ask for.
. "$(dirname "$0")/monitor.sh"

bit() {
	case $1 in
	net) echo 1;; registry) echo 3;; keys) echo 4;; evidence) echo 5;;
	compute*) echo 6;; nox) echo 7;;
	esac
}

sandboxed() {
	p=$(ready_pid $1)
	check "$1 has no_new_privs" [ "$(status_of $p NoNewPrivs)" = 1 ]
	check "$1 has a seccomp filter" [ "$(status_of $p Seccomp)" = 2 ]
	check "$1 has no capability" [ "$(status_of $p CapEff)" = 0000000000000000 ]
	check "$1 has no file open" clean_descriptors $p
	check "$1 writes no file, but evidence a memfd" \
		[ "$(awk '/^Max file size/ { print $5 }' /proc/$p/limits)" \
		= $([ $1 = evidence ] && echo 1048576 || echo 0) ]
	check "$1 has the limits that tee-runnerctl prints" \
		[ "$("$dir/tee-runnerctl" policy ${1%-*} |
		sed -n 's/^# limits: \([0-9]*\) descriptors.*/\1/p')" \
		= "$(awk '/^Max open files/ { print $5 }' /proc/$p/limits)" ]
	check "$1 leads a session" [ "$(ps -o sid= -p $p | tr -d ' ')" = $p ]
	[ "$(id -u)" = 0 ] && [ -z "$as" ] || return
	u=$((base + $(bit $1)))
	check "$1 has its user" [ "$(status_of $p Uid)" = "$u	$u	$u	$u" ]
	check "$1 has its group" [ "$(status_of $p Gid)" = "$u	$u	$u	$u" ]
	check "$1 has no other group" [ "$(status_of $p Groups | tr -d ' ')" = $u ]
	check "$1 cannot regain a capability" [ "$(status_of $p CapBnd)" = 0000000000000000 ]
	check "$1 has an empty root directory" [ "$(readlink /proc/$p/root)" = "$dir/empty" ]
	check "$1 is not dumpable" [ "$(stat -c %u /proc/$p/mem)" = 0 ]
	check "$1 has a mount namespace" \
		[ "$(readlink /proc/$p/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]
	case $1 in
	net|nox|registry) check "$1 has the host's network" \
		[ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ];;
	*) check "$1 has no network but a loopback" \
		[ "$(nsenter -t $p -n tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ')" = lo ];;
	esac
}
all_as_compiled() {
	"$dir/tee-runnerctl" policy --diff-all -s "$dir/run/control" >"$dir/diff" 2>&1 &&
		[ "$(grep -c 'runs under it' "$dir/diff")" = 7 ]
}
no_zombie() { ! ps -o stat= --ppid $runner | grep -q Z; }

# ---- sandboxes -------------------------------------------------------------

start_monitor "$dir/real"
come_up "real roles"
for r in $names; do sandboxed $r; done
check "the monitor has no_new_privs" [ "$(status_of $runner NoNewPrivs)" = 1 ]
check "the monitor has a seccomp filter" [ "$(status_of $runner Seccomp)" = 2 ]
if [ "$(id -u)" = 0 ]; then
	# kill, setgid, setuid, setpcap, ipc_lock, sys_chroot, sys_admin
	check "the monitor has seven capabilities" \
		[ "$(status_of $runner CapEff)" = 00000000002441e0 ]
	check "the monitor cannot regain others" \
		[ "$(status_of $runner CapBnd)" = 00000000002441e0 ]
	check "the monitor has no network" \
		[ "$(readlink /proc/$runner/ns/net)" != "$(readlink /proc/self/ns/net)" ]
fi
check "the log warns of insecure evidence" logged '^evidence: tee: INSECURE'

if [ "$(id -u)" = 0 ]; then
	check "--diff-all: the monitor and six roles run under the filters that were compiled" \
		all_as_compiled
	check "--diff-all: no process has an outer filter" [ "$(grep -c outer "$dir/diff")" = 0 ]
	check "--diff refuses another role" diff_refuses "is keys, not net" net --diff $(ready_pid keys)
	check "--diff refuses a process that is no role" diff_refuses "not a tee-runner role" net --diff $$
	check "--diff refuses a pid that does not exist" diff_refuses "no such process" net --diff 99999999
	unlike="setpriv --reuid=nobody --clear-groups"
	check "--diff needs root" diff_refuses "needs root" keys --diff $(ready_pid keys)
	unlike="$dir/outer"
	check "--diff refuses to run under a filter" \
		diff_refuses "under a filter itself" keys --diff $(ready_pid keys)
	unlike=
fi

# ---- roles that are killed --------------------------------------------------

for r in evidence compute-0 compute-1 registry net; do
	p=$(ready_pid $r)
	kill -SEGV $p
	check "$r that is killed is logged" \
		soon logged "^tee-runnerd: $r: died: signal 11: .*restarting in 100 ms"
	check "$r that is killed starts again" soon renewed $r $p
done
p=$(ready_pid compute-1)
kill -KILL $p
check "the second time the monitor waits for longer" \
	soon logged "compute-1: died: signal 9: Killed: restarting in 200 ms"
check "compute-1 starts again after that" soon renewed compute-1 $p
before=$(for r in $names; do echo $r $(ready_pid $r); done)
kill -KILL $(ready_pid keys)
check "keys that is killed is logged" soon logged "keys: died: signal 9: Killed"
check "all roles start again after keys was killed" soon logged "\] ready, sandbox:" 18
echo "$before" | while read -r r p; do
	renewed $r $p || echo $r
done >"$dir/same"
check "no old process is left after keys was killed" [ ! -s "$dir/same" ]
check "no zombie is left" no_zombie
kill -HUP $runner
check "SIGHUP reads the configuration again" \
	soon logged "reload: no keyword has changed"
check "no role died for another reason" [ "$(count ': died: ')" = 7 ]
stop_monitor "real roles"

start_monitor "$dir/real"
come_up "hung roles"
p=$(ready_pid net) q=$(ready_pid registry)
kill -STOP $p $q
sleep 14
check "a role that hangs is not killed for 14 s" [ -d /proc/$p -a -d /proc/$q ]
check "net that hangs is killed" soon logged "net: killed: no answer for 15 s"
check "net that hung starts again" soon renewed net $p
check "registry that hung starts again" soon renewed registry $q
check "no role that does not hang is killed" [ "$(count ': killed: ')" = 2 ]
stop_monitor "hung roles"

# ---- a chain with Nox v0 ------------------------------------------------------

front=nox
names="keys evidence compute-0 compute-1 registry nox"
start_monitor "$dir/real"
come_up "Nox v0"
for r in nox compute-0; do sandboxed $r; done
if [ "$(id -u)" = 0 ]; then
	check "Nox v0: --diff-all: all run under the filters that were compiled" all_as_compiled
	check "Nox v0: --diff refuses another role" diff_refuses "is nox, not net" net --diff $(ready_pid nox)
fi
p=$(ready_pid nox)
kill -SEGV $p
check "nox that is killed is logged" soon logged "^tee-runnerd: nox: died: signal 11: .*restarting in 100 ms"
check "nox that is killed starts again" soon renewed nox $p
p=$(ready_pid keys)
kill -KILL $p
check "Nox v0: all roles start again after keys was killed" soon logged "\] ready, sandbox:" 13
check "Nox v0: no role died for another reason" [ "$(count ': died: ')" = 2 ]
p=$(ready_pid nox)
kill -STOP $p
check "nox that hangs is killed" until_ok 25 logged "nox: killed: no answer for 15 s"
check "nox that hung starts again" soon renewed nox $p
stop_monitor "Nox v0"
front=net
names="keys evidence compute-0 compute-1 registry net"

# ---- a system that cannot give all -------------------------------------------

if [ "$(id -u)" = 0 ]; then
	as="$dir/outer"
	start_monitor "$dir/real"
	come_up "an outer filter"
	as=
	check "--diff-all accepts an outer filter" all_as_compiled
	check "--diff-all reports an outer filter of each process" \
		[ "$(grep -c '; 1 outer filters' "$dir/diff")" = 7 ]
	stop_monitor "an outer filter"
fi

# Hard limits below those of the roles.
as="prlimit --nofile=256:256 --as=1073741824:1073741824"
[ "$(id -u)" != 0 ] || as="setpriv --bounding-set=-sys_resource $as"
start_monitor "$dir/real"
as=
come_up "low limits"
check "too few descriptors are logged" logged \
	"limits: net may need RLIMIT_NOFILE 1024, the hard limit is 256: raise it"
check "too little memory is logged" logged \
	"limits: net may need RLIMIT_AS 4294967296, the hard limit is 1073741824: raise it"
check "a low limit is kept" \
	[ "$(awk '/^Max open files/ { print $5 }' /proc/$(ready_pid net)/limits)" = 256 ]
check "roles that have enough are not in the log" not logged "limits: compute"
stop_monitor "low limits"

if [ "$(id -u)" = 0 ]; then
	as="setpriv --bounding-set=-sys_admin"
	start_monitor "$dir/real"
	come_up "no namespaces"
	check "no namespaces: the log says so" \
		logged "cannot create namespaces: Operation not permitted"
	check "no namespaces: the monitor has no capability for it" \
		[ "$(status_of $runner CapEff)" = 00000000000441e0 ]
	stop_monitor "no namespaces"
	start_monitor "$dir/real" "require landlock" "require netns"
	check "require netns without namespaces ends the monitor with status 1" exits_with 1
	check "the log names the requirement that failed" \
		logged ": require netns: not available on this system"
	check "the log does not name the one that is met" not logged "require landlock"
	as=
	# Landlock's rules for ports came with Linux 6.7.
	ports="require ports"
	[ "$(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -n 1)" = 6.7 ] || ports=
	start_monitor "$dir/real" "require netns" "require mountns" "require landlock" \
		"require seccomp" "$ports"
	come_up "all requirements are met"
	stop_monitor "all requirements are met"
fi

# ---- not as root -----------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
	as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
	rm -f "$dir/run/control"	# root's: nobody cannot connect to it
	chown nobody "$dir/key.pem"
	start_monitor "$dir/real"
	come_up nobody
	check "the log warns once that the monitor is not root" \
		[ "$(count 'not started as root')" = 1 ]
	for r in $names; do sandboxed $r; done
	stop_monitor nobody
	as=
else
	echo "skipped: users, chroot, capabilities: not root"
fi
finish
