#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# How tee-runnerd starts: in the background, and when something that it needs is missing
# or wrong.
. "$(dirname "$0")/monitor.sh"

# ---- in the background -----------------------------------------------------

start_monitor "$dir/stub"
come_up "background"
stop_monitor "background"
"$BUILD/tee-runnerd" -f "$dir/conf" -L "$dir/stub"
check "background: the command returns" [ $? = 0 ]
# A child is named as its parent until it executes its role: wait for one alone.
in_background() {
	runner=$(pgrep -f "tee-runnerd -f $dir/conf")
	[ "$(echo "$runner" | wc -w)" = 1 ]
}
check "background: one process is the daemon" soon in_background
check "background: all roles run" soon roles_are 6
check "background: no terminal and no log file is open" clean_descriptors $runner
sleep 1				# they have come up
kill -TERM $runner
check "background: SIGTERM ends the monitor" soon gone $runner
runner=

# ---- executables that are replaced -----------------------------------------

mkdir "$dir/installed"
cp "$dir"/real/* "$dir/installed"
start_monitor "$dir/installed"
come_up "installed"
for r in keys evidence compute registry net; do
	rm "$dir/installed/$r" && cp /bin/false "$dir/installed/$r"
done
for r in registry keys compute-0; do
	before=$(ready_pid $r)
	kill -KILL "$before"
	check "$r, whose file was replaced, starts again in its old version" \
		soon renewed $r "$before"
done
check "all roles run in their old version" soon all_up
stop_monitor "installed"

# ---- in the background, and not ready --------------------------------------

rm "$dir"/installed/*
cp "$dir"/real/* "$dir/installed"
rm "$dir/installed/net" && cp /bin/false "$dir/installed/net"
timeout 20 "$dir/tee-runnerd" -f "$dir/conf" -L "$dir/installed" 2> "$dir/stderr"
check "background: a role that does not start: the command exits with 1" [ $? = 1 ]
check "background: the command says which role did not start" \
	grep -q "net: failed to start: exit status 1" "$dir/stderr"
check "background: no process is left" soon all_gone

# ---- a new configuration ---------------------------------------------------

start_monitor "$dir/real"
come_up "reload"
net=$(ready_pid net)
cp "$dir/conf" "$dir/conf.good"
reload() { : >"$log"; "$dir/tee-runnerctl" reload -s "$dir/run/control"; }
check "tee-runnerctl reload finds the monitor" reload
check "without a change the log says so" soon logged "reload: no keyword has changed"
echo "nonsense 1" >>"$dir/conf"
check "a bad file is read" reload
check "a bad file: the error has its line" \
	soon logged "reload: $dir/conf:[0-9]*: nonsense"
check "a bad file changes nothing" soon logged "reload: the configuration is unchanged"
sed 's/^drain-timeout.*/drain-timeout 9/;s/^workers.*/workers 3/;s/:9$/:10/' \
	"$dir/conf.good" >"$dir/conf"
echo "log-level debug" >>"$dir/conf"
check "a good file is read" reload
check "the log level changes" soon logged "reload: log-level has changed"
check "drain-timeout changes" soon logged "reload: drain-timeout has changed"
check "workers changes" soon logged "reload: workers has changed"
check "a worker is added" soon logged "compute-2\[.*\] ready,"
check "one more role runs" soon roles_are 7
check "an endpoint is attested" soon logged "reload: orchestrator is attested: unchanged until"
cp "$dir/key.pem" "$dir/key2.pem"
sed "s,^tls-key.*,tls-key $dir/key2.pem," "$dir/conf.good" >"$dir/conf"
check "another key file is read" reload
check "tls-key changes" soon logged "reload: tls-key has changed"
check "a worker ends" soon logged "compute-2: ended: workers is 2 now"
check "one role less runs" roles_are 6
echo "log-format json" >>"$dir/conf"
check "the file has log-format json" reload
check "lines are objects from now on" soon grep -q '^{"time":"[-0-9T:.]*Z",'\
'"level":"info","role":"tee-runnerd","subject":"reload",'\
'"event":"log-format has changed",'\
'"message":"reload: log-format has changed"}$' "$log"
check "no line is text" eval '! grep -v "^{\"time\":.*\"}$" "$log"'
sed "s/^workers.*/workers 3/" "$dir/conf.good" >"$dir/conf"
check "the file has 3 workers again" reload
check "the worker is started again" soon logged "compute-2\[.*\] ready,"
check "no role was restarted" [ "$(ready_pid net)" = "" ] && kill -0 "$net"
stop_monitor "reload"

# ---- the service manager ---------------------------------------------------

"$BUILD/tests/integration/notifyd" "$dir/notify" > "$dir/notified" &
notifyd=$!
until_ok 10 test -S "$dir/notify"
NOTIFY_SOCKET="$dir/notify" "$BUILD/tee-runnerd" -d -f "$dir/conf" -L "$dir/real" \
	2>>"$log" &
runner=$!
notified() { grep -q "$1" "$dir/notified"; }
check "the service manager is told when all roles run" soon notified '^READY=1'
check "the service manager is told the main process" notified "^MAINPID=$runner$"
check "the service manager is told why no tasks are accepted" \
	soon notified '^STATUS=not accepting tasks: '
check "the service manager's watchdog is answered" until_ok 12 notified '^WATCHDOG=1'
net=$(ready_pid net)
kill -STOP "$net"
sleep 11			# it is killed after 15 to 20 s
: > "$dir/notified"
sleep 3
check "while net does not answer the watchdog is not" not notified '^WATCHDOG=1'
kill -CONT "$net" 2> /dev/null
kill -TERM "$runner"
check "the service manager is told of the end" soon notified '^STOPPING=1'
check "it ends with status 0" exits_with 0
kill "$notifyd"

# ---- roles that do not start -----------------------------------------------

mkdir "$dir/partial"
cp -P "$dir"/stub/* "$dir/partial"
rm "$dir/partial/registry"
start_monitor "$dir/partial"
check "a missing executable ends the monitor with status 1" exits_with 1
check "a missing executable is logged" logged "^tee-runnerd: .*/partial/registry: No such file"
check "a missing executable leaves no process" all_gone
ln -s /bin/true "$dir/partial/registry"
start_monitor "$dir/partial"
check "a role that ends at once ends the monitor with status 1" exits_with 1
check "a role that ends at once is logged" logged "registry: failed to start: exit status 0"
check "a role that ends at once leaves no process" all_gone

# ---- the control socket ----------------------------------------------------

echo precious >"$dir/file"
start_monitor "$dir/real" "control-socket $dir/file"
check "control-socket is a file: the monitor exits with 2" exits_with 2
check "control-socket is a file: the log says so" logged \
	"control-socket: $dir/file: exists and is not a socket: remove it"
check "control-socket is a file: the file is kept" grep -q precious "$dir/file"
mkdir -m 777 "$dir/other"
ln -s run "$dir/link"
start_monitor "$dir/real" "control-socket $dir/link/control"
come_up "control socket"
ln -sfn other "$dir/link"
kill -KILL $(ready_pid net)
check "net makes no socket in a directory that was not configured" \
	soon logged "^net: control-socket $dir/link/control: Permission denied"
ln -sfn run "$dir/link"
check "net starts again when the directory is the configured one" \
	soon logged "net\[.*\] ready," 2
stop_monitor "control socket"

# ---- the empty directory ---------------------------------------------------

touch "$dir/empty/file"
start_monitor "$dir/stub"
check "a chroot that is not empty ends the monitor with status 2" exits_with 2
check "a chroot that is not empty is logged" logged "conf:[0-9]*: chroot: $dir/empty: is not empty: "
rm "$dir/empty/file"
if [ "$(id -u)" = 0 ]; then
	start_monitor "$dir/stub"
	come_up "chroot"
	chmod 775 "$dir/empty"
	kill -KILL $(ready_pid registry)
	check "a role does not start again in a chroot that others can write" \
		soon logged "^registry: sandbox: chroot $dir/empty: must be owned by root"
	chmod 755 "$dir/empty"
	check "it starts again when only root can write the chroot" \
		soon logged "registry\[.*\] ready," 2
	rmdir "$dir/empty"
	p=$(ready_pid net)
	kill -KILL $p
	check "a role starts again after the chroot was removed" soon renewed net $p
	check "its root directory is the one that was removed" \
		[ "$(stat -L -c %h /proc/$(ready_pid net)/root)" = 0 ]
	stop_monitor "chroot"
fi

# ---- the TEE ---------------------------------------------------------------

if [ -e /sys/kernel/config/tsm/report ] || [ -e /dev/sev-guest ] ||
    [ -e /dev/tee0 ]; then
	echo "skipped: no TEE: this machine has one"
else
	tee=auto start_monitor "$dir/real" "tee auto"
	check "a machine without a TEE ends the monitor with status 1" exits_with 1
	check "the log says which TEEs were looked for, and what to do" logged \
		"^evidence: tee: none found: .*tsm/report.*tee insecure"
fi

# A directory in the place of configfs-tsm's: no files come with an instance, so
# the start ends there, but the monitor's filter must have let it come so far.
cat >"$dir/with-tsm" <<-'X'
	#!/bin/sh
	mount -t tmpfs none /sys/kernel &&
	    mkdir -p /sys/kernel/config/tsm/report/tee-runner-1-left || exit 99
	"$@"
	status=$?
	ls /sys/kernel/config/tsm/report >&2
	exit $status
X
chmod 755 "$dir/with-tsm"
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none /sys/kernel; then
	as="unshare -m $dir/with-tsm"
	tee=auto start_monitor "$dir/real" "tee auto"
	as=
	check "a TSM directory that gives no files ends the monitor with status 1" exits_with 1
	check "evidence tries to make an instance there" logged \
		"^evidence: tee: .*cannot make an instance: No such file"
	check "an instance of an earlier Runner is removed" not logged "^tee-runner-"
else
	echo "skipped: a TSM directory: needs root and a mount namespace"
fi
finish
