#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tee-runnerd as a supervisor, with the roles that are built and tests/integration/
# stub for the others, then with stubs alone, which misbehave when asked.  As root
# it tests users, chroot and capabilities too.  BUILD: the build directory.

here=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "${BUILD:-$here/../../build}" && pwd) || exit 1
roles="keys evidence compute registry net"
base=62000
passed=0 failed=0 daemon=
tmp=$(mktemp -d) || exit 1
chmod 755 "$tmp"
trap 'cleanup' EXIT
trap 'exit 1' HUP INT TERM

cleanup() {
	[ -n "$daemon" ] && kill -9 "$daemon" 2>/dev/null
	rm -rf "$tmp"
}

ok() {
	passed=$((passed + 1))
	[ -n "$VERBOSE" ] && echo "ok: $1"
	:
}

bad() {
	failed=$((failed + 1))
	echo "FAILED: $1"
	[ -n "$shown" ] || sed 's/^/	/' "$log"
	shown=1
}

# is NAME COMMAND...: a test
is() {
	name=$1
	shift
	if "$@" >/dev/null 2>&1; then ok "$name"; else bad "$name"; fi
}

# Until a command is true: at most 8 seconds.
soon() {
	for n in $(seq 80); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

# come_up NAME: all roles do, or it is of no use to go on
come_up() {
	is "$1: all roles come up" soon all_up
	[ -z "$shown" ] || exit 1
}

# The line is there so often (1) by now.
logged() {
	[ "$(grep -c -e "$1" "$log")" -ge "${2:-1}" ]
}
not_logged() { ! logged "$1"; }

role_pid() { sed -n "s/^tee-runnerd: $1\[\([0-9]*\)\] ready,.*/\1/p" "$log" | tail -1; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
gone() { [ ! -d "/proc/$1" ]; }
all_gone() {
	for p in $(sed -n 's/.*\[\([0-9]*\)\] ready,.*/\1/p' "$log"); do
		gone "$p" || return 1
	done
}
# Alive, and another than $2.
renewed() { p=$(role_pid "$1"); [ "$p" != "$2" ] && [ -d "/proc/$p" ]; }

names="keys evidence compute-0 compute-1 registry net"
all_up() {
	for r in $names; do
		p=$(role_pid $r)
		[ -n "$p" ] && [ -d "/proc/$p" ] || return 1
	done
}

# start DIR [LINE...]: with these roles and these lines more; the log is new
start() {
	dir=$1
	shift
	log=$tmp/log
	cat >"$tmp/conf" <<-X
		orchestrator 127.0.0.1:9
		gateway 127.0.0.1:9
		tls-ca $tmp/cert.pem
		tls-certificate $tmp/cert.pem
		tls-key $tmp/key.pem
		chain-id 31337
		registry 0x1111111111111111111111111111111111111111
		registry-endpoint http://127.0.0.1:9/
		workers 2
		chroot $tmp/empty
		drain-timeout ${drain:-1}
	X
	[ -n "$tee" ] || echo "tee insecure" >>"$tmp/conf"
	[ "$(id -u)" = 0 ] && echo "uid-base $base" >>"$tmp/conf"
	for line; do echo "$line" >>"$tmp/conf"; done
	grep -q ^control-socket "$tmp/conf" ||
		echo "control-socket $tmp/run/control" >>"$tmp/conf"
	: >"$log"
	shown=
	chmod 666 "$log"
	$as "$tmp/tee-runnerd" -d -f "$tmp/conf" -L "$dir" 2>>"$log" &
	daemon=$!
}

# end_is STATUS: what the daemon ends with
end_is() {
	( sleep 15; kill -9 $daemon ) >/dev/null 2>&1 &
	guard=$!
	wait $daemon
	status=$?
	kill $guard 2>/dev/null
	daemon=
	[ $status = "$1" ]
}

# stop: tell it to end, and see that it does so in good order
stop() {
	[ -n "$daemon" ] || return
	kill -TERM $daemon
	is "$1: SIGTERM: exit 0" end_is 0
	is "$1: no process is left" soon all_gone
}

roles_are() { [ "$(pgrep -c -P $daemon)" = "$1" ]; }
no_zombie() {
	! ps -o stat= --ppid $daemon | grep -q Z
}

# ---- what there is ---------------------------------------------------------

mkdir "$tmp/stub" "$tmp/real" "$tmp/run"
chmod 777 "$tmp/run"
cp "$BUILD/tee-runnerd" "$BUILD/tee-runnerctl" "$BUILD/tests/integration/outer" "$tmp" || exit 1
for r in $roles; do
	# Copies: whoever is not root may not reach the build directory.
	cp "$BUILD/tests/integration/stub" "$tmp/stub/$r"
	[ -x "$BUILD/libexec/$r" ] && cp "$BUILD/libexec/$r" "$tmp/real/$r" ||
		cp "$BUILD/tests/integration/stub" "$tmp/real/$r"
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=runner -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
chmod 644 "$tmp/key.pem"	# a test runs as nobody

# ---- the real roles --------------------------------------------------------

bit() {
	case $1 in
	net) echo 1;; registry) echo 3;; keys) echo 4;; evidence) echo 5;;
	compute*) echo 6;;
	esac
}

# Nothing is open but sockets, /dev/null and what has no name (libevent has a pipe to
# itself; an inherited one would have been closed); of the monitor, its log too.
clean_descriptors() {
	for f in /proc/$1/fd/*; do
		case $(readlink "$f") in
		socket:*|pipe:*|/dev/null|anon_inode:*|/memfd:*|/secretmem*) ;;
		# The log, the roles' root directory, and the host's network.
		"$log"|"$tmp/empty"|net:*) [ "$1" = "$daemon" ] || return 1 ;;
		*) return 1 ;;
		esac
	done
}

sandboxed() {
	p=$(role_pid $1)
	is "$1: no_new_privs" [ "$(status_of $p NoNewPrivs)" = 1 ]
	is "$1: seccomp filter" [ "$(status_of $p Seccomp)" = 2 ]
	is "$1: no capability" [ "$(status_of $p CapEff)" = 0000000000000000 ]
	is "$1: nothing else is open" clean_descriptors $p
	is "$1: writes no file, but evidence a memfd" [ "$(awk '/^Max file size/ { print $5 }' /proc/$p/limits)" \
		= $([ $1 = evidence ] && echo 1048576 || echo 0) ]
	is "$1: the limits are those that tee-runnerctl prints" [ "$("$tmp/tee-runnerctl" policy ${1%-*} |
		sed -n 's/^# limits: \([0-9]*\) descriptors.*/\1/p')" = "$(awk '/^Max open files/ { print $5 }' /proc/$p/limits)" ]
	is "$1: a session of its own" [ "$(ps -o sid= -p $p | tr -d ' ')" = $p ]
	[ "$(id -u)" = 0 ] && [ -z "$as" ] || return
	u=$((base + $(bit $1)))
	is "$1: its own user" [ "$(status_of $p Uid)" = "$u	$u	$u	$u" ]
	is "$1: its own group" [ "$(status_of $p Gid)" = "$u	$u	$u	$u" ]
	is "$1: no other group" [ "$(status_of $p Groups | tr -d ' ')" = $u ]
	is "$1: cannot regain one" [ "$(status_of $p CapBnd)" = 0000000000000000 ]
	is "$1: in the empty directory" [ "$(readlink /proc/$p/root)" = "$tmp/empty" ]
	is "$1: not dumpable" [ "$(stat -c %u /proc/$p/mem)" = 0 ]
	is "$1: mounts that nobody else sees" \
		[ "$(readlink /proc/$p/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]
	case $1 in
	net|registry) is "$1: the host's network" \
		[ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ];;
	*) is "$1: a network of the loopback alone" \
		[ "$(nsenter -t $p -n tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ')" = lo ];;
	esac
}

start "$tmp/real"
come_up "real roles"
for r in $names; do sandboxed $r; done
is "the monitor has no_new_privs" [ "$(status_of $daemon NoNewPrivs)" = 1 ]
is "the monitor has a filter" [ "$(status_of $daemon Seccomp)" = 2 ]
if [ "$(id -u)" = 0 ]; then
	# kill, setgid, setuid, setpcap, ipc_lock, sys_chroot, sys_admin
	is "the monitor has seven capabilities" \
		[ "$(status_of $daemon CapEff)" = 00000000002441e0 ]
	is "the monitor cannot regain others" \
		[ "$(status_of $daemon CapBnd)" = 00000000002441e0 ]
	is "the monitor has no network" \
		[ "$(readlink /proc/$daemon/ns/net)" != "$(readlink /proc/self/ns/net)" ]
fi
is "insecure evidence is told loudly" logged '^evidence: tee: INSECURE'

# says WORDS ARGUMENT...: tee-runnerctl policy fails, and says so
says() {
	words=$1
	shift
	! $unlike "$tmp/tee-runnerctl" policy "$@" >"$tmp/diff" 2>&1 &&
		grep -q "$words" "$tmp/diff"
}
all_as_compiled() {
	"$tmp/tee-runnerctl" policy --diff-all -s "$tmp/run/control" >"$tmp/diff" 2>&1 &&
		[ "$(grep -c 'runs under it' "$tmp/diff")" = 7 ]
}
if [ "$(id -u)" = 0 ]; then
	is "--diff-all: the monitor and six roles run what was compiled" all_as_compiled
	is "--diff-all: no process has an outer filter" [ "$(grep -c outer "$tmp/diff")" = 0 ]
	is "--diff: another role" says "is keys, not net" net --diff $(role_pid keys)
	is "--diff: no role" says "not a tee-runner role" net --diff $$
	is "--diff: no process" says "no such process" net --diff 99999999
	unlike="setpriv --reuid=nobody --clear-groups"
	is "--diff: not as root" says "needs root" keys --diff $(role_pid keys)
	unlike="$tmp/outer"
	is "--diff: under a filter itself" says "under a filter itself" keys --diff $(role_pid keys)
	unlike=
fi

for r in evidence compute-0 compute-1 registry net; do
	p=$(role_pid $r)
	kill -SEGV $p
	is "$r: killed: logged" \
		soon logged "^tee-runnerd: $r: died: signal 11: .*restarting in 100 ms"
	is "$r: killed: starts again" soon renewed $r $p
done
p=$(role_pid compute-1)
kill -KILL $p
is "the second time it waits for longer" \
	soon logged "compute-1: died: signal 9: Killed: restarting in 200 ms"
is "and starts again" soon renewed compute-1 $p
before=$(for r in $names; do echo $r $(role_pid $r); done)
kill -KILL $(role_pid keys)
is "keys killed: logged" soon logged "keys: died: signal 9: Killed"
is "keys killed: everything is renewed" soon logged "\] ready, sandbox:" 18
echo "$before" | while read -r r p; do
	renewed $r $p || echo $r
done >"$tmp/same"
is "keys killed: no old process is left" [ ! -s "$tmp/same" ]
is "no zombie" no_zombie
kill -HUP $daemon
is "SIGHUP: no new configuration" soon logged "SIGHUP: .*a new configuration needs a restart"
is "no role died for another reason" [ "$(grep -c ': died: ' "$log")" = 7 ]
stop "real roles"

# ---- roles that misbehave --------------------------------------------------

# died HOW ROLE SIGNAL LINE: the role, after the signal, is logged and renewed
died() {
	p=$(role_pid $2)
	kill -$3 $p
	is "$2: $1: logged" soon logged "$4"
	is "$2: $1: starts again" soon renewed $2 $p
}

if [ "$(id -u)" = 0 ]; then
	as="$tmp/outer"
	start "$tmp/real"
	come_up "an outer filter"
	as=
	is "an outer filter: --diff-all passes" all_as_compiled
	is "an outer filter: it is reported of each" [ "$(grep -c '; 1 outer filters' "$tmp/diff")" = 7 ]
	stop "an outer filter"
fi

start "$tmp/stub"
come_up stubs
[ "$(id -u)" != 0 ] || is "--diff: another program" says "has .* instructions, keys " \
	keys --diff $(role_pid keys)
for r in evidence compute-0 registry net; do
	died "forbidden system call" $r USR1 \
		"$r: died: signal 31: .*: system call socket (.*) is not in its policy"
done
died "illegal message" registry USR2 "registry: died: signal 9: "
is "the illegal message is logged" logged "registry: illegal message"
died "exit" evidence IO "evidence: died: exit status 7: "
died "DRAINED unasked" net WINCH "net: killed: sent DRAINED without a request"
died "AGENT_ASK twice" evidence WINCH "evidence: killed: requested the dstack agent too often"
kill -TTOU $(role_pid evidence)
is "a flood of lines: logged in part, and told" soon logged \
	"^tee-runnerd: evidence: [78][0-9]* log lines dropped: more than 10 a second"
is "a flood of lines: the first are there" logged "^evidence: flood" 100
is "a line cannot look like another role's" not_logged "^tee-runnerd: keys: forged"
p=$(role_pid compute-0)
kill -WINCH $(role_pid keys)
is "CUT: the worker is killed" soon logged "compute-0: killed: requested by keys"
is "CUT: it starts again" soon renewed compute-0 $p
p=$(role_pid net)
kill -USR1 $(role_pid keys)
is "keys: forbidden system call: logged" soon logged \
	"keys: died: signal 31: .*: system call socket (.*) is not in its policy"
is "keys: forbidden system call: all renewed" soon renewed net $p
is "all are up" soon all_up
stop "stubs"

start "$tmp/stub" "isolate task"
come_up "isolate task"
p=$(role_pid compute-0)
kill -URG $p
is "isolate task: the worker ended" soon gone $p
is "isolate task: there is another" soon roles_are 6
is "isolate task: no word of it" not_logged "compute-0: died"
stop "isolate task"

start "$tmp/stub"
come_up drain
kill -ALRM $(role_pid net) $(role_pid registry)
kill -TERM $daemon
is "drain: not done in time: logged" soon logged "shutting down: tasks not finished within drain-timeout (1 s)"
is "drain: who does not exit is killed" soon logged "registry: killed: did not exit"
is "drain: exit 0 all the same" end_is 0
is "drain: no process is left" all_gone

drain=60 start "$tmp/stub"
come_up drain
kill -ALRM $(role_pid net)
kill -TERM $daemon
is "drain: told" soon logged "shutting down: finishing tasks in flight (timeout 60 s)"
kill -INT $daemon
is "drain: a second signal ends it" end_is 0
is "drain: no process is left" all_gone

# A signal to the whole control group: the roles leave it to the monitor, which drains.
start "$tmp/stub"
come_up "control group"
group=$daemon
for r in $names; do group="$group $(role_pid $r)"; done
kill -USR1 $daemon
kill -USR2 $daemon
kill -ALRM $daemon
for sig in HUP INT QUIT TERM; do
	for p in $group; do [ $p = $daemon ] || kill -$sig $p; done
done
sleep 0.3
is "control group: no role reacts" all_up
is "control group: none died" not_logged "died"
kill -QUIT $group
is "control group: SIGQUIT drains" soon logged "shutting down: finishing tasks"
is "control group: exit 0" end_is 0
is "control group: no role died" not_logged "died"
is "control group: no process is left" all_gone

# The log is a pipe that nobody reads: roles start again, and SIGTERM works.
mkfifo "$tmp/pipe"
sleep 60 <>"$tmp/pipe" &
holder=$!
dd if=/dev/zero of="$tmp/pipe" oflag=nonblock bs=4096 count=100 2>/dev/null
pid_of() { pgrep -P $daemon -x "$1" | head -n 1; }
other_pid() { p=$(pid_of $1) && [ -n "$p" ] && [ "$p" != "$2" ]; }
start "$tmp/stub" "log-level debug"
come_up "full log"
stop "full log"
"$tmp/tee-runnerd" -d -f "$tmp/conf" -L "$tmp/stub" 2>"$tmp/pipe" &
daemon=$!
is "full log: all roles come up" soon roles_are 6
sleep 0.5			# each is in its sandbox
for r in evidence registry net; do
	p=$(pid_of $r)
	kill -TTOU $p
	sleep 0.1
	kill -KILL $p
	is "full log: $r starts again" soon other_pid $r $p
done
pids=$(pgrep -P $daemon)
kill -TERM $daemon
is "full log: SIGTERM: exit 0" end_is 0
for p in $pids; do is "full log: no process is left" gone $p; done
kill $holder

# Roles that hang.
start "$tmp/real"
come_up "hung roles"
p=$(role_pid net) q=$(role_pid registry)
kill -STOP $p $q
sleep 14
is "hung roles: nothing in a hurry" [ -d /proc/$p -a -d /proc/$q ]
is "hung roles: net is killed" soon logged "net: killed: no answer for 15 s"
is "hung roles: net starts again" soon renewed net $p
is "hung roles: registry starts again" soon renewed registry $q
is "hung roles: no other was killed" [ "$(grep -c ': killed: ' "$log")" = 2 ]
stop "hung roles"

# Hard limits below those of the roles.
start_limited() {
	as="prlimit --nofile=256:256 --as=1073741824:1073741824"
	[ "$(id -u)" != 0 ] || as="setpriv --bounding-set=-sys_resource $as"
	start "$tmp/real"
	as=
}
start_limited
come_up "low limits"
is "low limits: descriptors: told" logged \
	"limits: net may need RLIMIT_NOFILE 1024, the hard limit is 256: raise it"
is "low limits: memory: told" logged \
	"limits: net may need RLIMIT_AS 4294967296, the hard limit is 1073741824: raise it"
is "low limits: kept" [ "$(awk '/^Max open files/ { print $5 }' /proc/$(role_pid net)/limits)" = 256 ]
is "low limits: of others nothing is told" not_logged "limits: compute"
stop "low limits"

start "$tmp/stub"
come_up "monitor killed"
kill -STOP $(role_pid net) $(role_pid keys) $(role_pid evidence)
kill -KILL $daemon
wait $daemon 2>/dev/null
daemon=
is "monitor killed: every role ends" soon all_gone

start "$tmp/stub"
come_up "background"
stop "background"
"$BUILD/tee-runnerd" -f "$tmp/conf" -L "$tmp/stub"
is "background: the command returns" [ $? = 0 ]
# A child is named as its parent until it executes its role: wait for one alone.
in_background() {
	daemon=$(pgrep -f "tee-runnerd -f $tmp/conf")
	[ "$(echo "$daemon" | wc -w)" = 1 ]
}
is "background: one process is the daemon" soon in_background
is "background: all roles run" soon roles_are 6
is "background: no terminal, no log file" clean_descriptors $daemon
sleep 1				# they have come up
kill -TERM $daemon
is "background: SIGTERM ends it" soon gone $daemon
daemon=

# ---- roles that do not start -----------------------------------------------

mkdir "$tmp/partial"
cp -P "$tmp"/stub/* "$tmp/partial"
rm "$tmp/partial/registry"
start "$tmp/partial"
is "no executable: exit 1" end_is 1
is "no executable: told" logged "^registry: .*/partial/registry: No such file"
is "no executable: no process is left" all_gone
echo precious >"$tmp/file"
start "$tmp/real" "control-socket $tmp/file"
is "control-socket is a file: exit 1" end_is 1
is "control-socket is a file: told" logged \
	"^net: control-socket $tmp/file: exists and is not a socket: remove it"
is "control-socket is a file: it is still there" grep -q precious "$tmp/file"
mkdir -m 777 "$tmp/other"
ln -s run "$tmp/link"
start "$tmp/real" "control-socket $tmp/link/control"
come_up "writes are bound"
ln -sfn other "$tmp/link"
kill -KILL $(role_pid net)
is "writes are bound: no socket in a directory that was not configured" \
	soon logged "^net: control-socket $tmp/link/control: Permission denied"
ln -sfn run "$tmp/link"
is "writes are bound: where it was before, net starts again" soon logged "net\[.*\] ready," 2
stop "writes are bound"
touch "$tmp/empty/file"
start "$tmp/stub"
is "chroot is not empty: exit 1" end_is 1
is "chroot is not empty: told" logged "conf: chroot: $tmp/empty: is not empty: "
rm "$tmp/empty/file"
if [ "$(id -u)" = 0 ]; then
	start "$tmp/stub"
	come_up "chroot"
	chmod 775 "$tmp/empty"
	kill -KILL $(role_pid registry)
	is "the chroot is writable by others: a role does not start again" \
		soon logged "^registry: sandbox: chroot $tmp/empty: must be owned by root"
	chmod 755 "$tmp/empty"
	is "it is root's alone: it does" soon logged "registry\[.*\] ready," 2
	rmdir "$tmp/empty"
	p=$(role_pid net)
	kill -KILL $p
	is "the chroot is removed: a role starts again" soon renewed net $p
	is "the chroot is removed: it is still the role's root" \
		[ "$(stat -L -c %h /proc/$(role_pid net)/root)" = 0 ]
	stop "chroot"
fi
ln -s /bin/true "$tmp/partial/registry"
start "$tmp/partial"
is "ends at once: exit 1" end_is 1
is "ends at once: told" logged "registry: failed to start: exit status 0"
is "ends at once: no process is left" all_gone

if [ -e /sys/kernel/config/tsm/report ] || [ -e /dev/sev-guest ] ||
    [ -e /dev/tee0 ]; then
	echo "skipped: no TEE: this machine has one"
else
	tee=auto start "$tmp/real" "tee auto"
	is "no TEE: exit 1" end_is 1
	is "no TEE: told what was looked for, and what to do" logged \
		"^evidence: tee: none found: .*tsm/report.*tee insecure"
fi

# A directory in the place of configfs-tsm's: no files come with an instance, so
# the start ends there, but the monitor's filter must have let it come so far.
cat >"$tmp/with-tsm" <<-'X'
	#!/bin/sh
	mount -t tmpfs none /sys/kernel &&
	    mkdir -p /sys/kernel/config/tsm/report/tee-runner-1-left || exit 99
	"$@"
	status=$?
	ls /sys/kernel/config/tsm/report >&2
	exit $status
X
chmod 755 "$tmp/with-tsm"
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none /sys/kernel; then
	as="unshare -m $tmp/with-tsm"
	tee=auto start "$tmp/real" "tee auto"
	as=
	is "a TEE's directory: exit 1" end_is 1
	is "a TEE's directory: an instance is tried" logged \
		"^evidence: tee: .*cannot make an instance: No such file"
	is "a TEE's directory: none is left" not_logged "^tee-runner-"
else
	echo "skipped: a TEE's directory: needs root and a mount namespace"
fi

# ---- a system that cannot give all -------------------------------------------

if [ "$(id -u)" = 0 ]; then
	as="setpriv --bounding-set=-sys_admin"
	start "$tmp/real"
	come_up "no namespaces"
	is "no namespaces: told" logged "cannot create namespaces: Operation not permitted"
	is "no namespaces: no capability for it" \
		[ "$(status_of $daemon CapEff)" = 00000000000441e0 ]
	stop "no namespaces"
	start "$tmp/real" "require landlock" "require netns"
	is "require netns: exit 1" end_is 1
	is "require netns: told, and of whom" \
		logged ": require netns: not available on this system"
	is "require netns: not of landlock" not_logged "require landlock"
	as=
	# Landlock's rules for ports came with Linux 6.7.
	ports="require ports"
	[ "$(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -n 1)" = 6.7 ] || ports=
	start "$tmp/real" "require netns" "require mountns" "require landlock" "require seccomp" "$ports"
	come_up "all that is required is there"
	stop "all that is required is there"
fi

# ---- not as root -----------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
	as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
	rm -f "$tmp/run/control"	# root's: nobody cannot connect to it
	start "$tmp/real"
	come_up nobody
	is "nobody: one warning" \
		[ "$(grep -c 'not started as root' "$log")" = 1 ]
	for r in $names; do sandboxed $r; done
	stop nobody
	as=
else
	echo "skipped: users, chroot, capabilities: not root"
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
