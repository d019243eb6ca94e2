# Sourced, instead of lib.sh, by the tests of tee-runnerd as a supervisor: the monitor
# with the roles that are built, in $dir/real, or with tests/integration/stub in the place
# of each, in $dir/stub.  As root they test users, chroot and capabilities too.  The
# counterparts do not exist.
. "$(dirname "$0")/lib.sh"

front=net	# or nox: the configured chain has Nox v0
names="keys evidence compute-0 compute-1 registry $front"
base=61000	# uid-base
as=		# a command that starts the monitor
log=$dir/runner.log
chmod 755 "$dir"

kill_monitor() { [ -z "$runner" ] || kill -9 "$runner" 2>/dev/null; }
at_end=kill_monitor

mkdir "$dir/stub" "$dir/real" "$dir/run"
chmod 777 "$dir/run"
cp "$BUILD/tee-runnerd" "$BUILD/tee-runnerctl" "$BUILD/tests/integration/outer" "$dir" || exit 1
for r in keys evidence compute registry net nox; do
	# Copies: whoever is not root may not reach the build directory.
	cp "$BUILD/tests/integration/stub" "$dir/stub/$r"
	cp "$BUILD/libexec/$r" "$dir/real/$r" || exit 1
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=runner -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null

( umask 077; printf '%063d1\n' 0 >"$dir/wallet.key" )

soon() { until_ok 10 "$@"; }

# Of the role, from its last line in the log that it is ready.
ready_pid() { log_lines | sed -n "s/^tee-runnerd: $1\[\([0-9]*\)\] ready,.*/\1/p" | tail -n 1; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
gone() { [ ! -d "/proc/$1" ]; }
all_gone() {
	for p in $(sed -n 's/.*\[\([0-9]*\)\] ready,.*/\1/p' "$log"); do
		gone "$p" || return 1
	done
}
# renewed ROLE PID: it is alive, as another process
renewed() { p=$(ready_pid "$1"); [ "$p" != "$2" ] && [ -d "/proc/$p" ]; }
all_up() {
	for r in $names; do
		p=$(ready_pid $r)
		[ -n "$p" ] && [ -d "/proc/$p" ] || return 1
	done
}
roles_are() { [ "$(pgrep -c -P $runner)" = "$1" ]; }

# The lines of a chain.
chain() {
	echo "chain-id 31337"
	if [ $front = nox ]; then
		cat <<-X
			protocol nox-v0
			nats-server 127.0.0.1:9
			gateway-url http://127.0.0.1:9
			nox-compute 0x1111111111111111111111111111111111111111
			nox-key $dir/wallet.key
		X
	else
		cat <<-X
			orchestrator 127.0.0.1:9
			gateway 127.0.0.1:9
			registry 0x1111111111111111111111111111111111111111
		X
	fi
	echo "registry-endpoint http://127.0.0.1:9/"
}

# start_monitor DIR [LINE...]: with these roles, and these lines of configuration too.
# The log is new.
start_monitor() {
	_roles=$1
	shift
	chain >"$dir/conf"
	cat >>"$dir/conf" <<-X
		tls-ca $dir/cert.pem
		tls-certificate $dir/cert.pem
		tls-key $dir/key.pem
		workers 2
		chroot $dir/empty
		drain-timeout ${drain:-1}
	X
	[ -n "$tee" ] || echo "tee insecure" >>"$dir/conf"
	[ "$(id -u)" = 0 ] && echo "uid-base $base" >>"$dir/conf"
	for line; do echo "$line" >>"$dir/conf"; done
	grep -q ^control-socket "$dir/conf" ||
		echo "control-socket $dir/run/control" >>"$dir/conf"
	: >"$log"
	chmod 666 "$log"
	$as "$dir/tee-runnerd" -d -f "$dir/conf" -L "$_roles" 2>>"$log" &
	runner=$!
}

# come_up NAME: if they do not, the script ends.
come_up() {
	check "$1: all roles come up" soon all_up || finish
}

# exits_with STATUS: the monitor, within 15 seconds
exits_with() {
	( sleep 15; kill -9 $runner ) >/dev/null 2>&1 &
	guard=$!
	wait $runner
	_r=$?
	kill $guard 2>/dev/null
	runner=
	[ $_r = "$1" ]
}

# stop_monitor NAME
stop_monitor() {
	[ -n "$runner" ] || return
	kill -TERM $runner
	check "$1: SIGTERM ends the monitor with status 0" exits_with 0
	check "$1: no process is left" soon all_gone
}

# Nothing is open but sockets, /dev/null and what has no name (libevent has a pipe to
# itself; an inherited one would have been closed); of the monitor, its log too.
clean_descriptors() {
	for f in /proc/$1/fd/*; do
		case $(readlink "$f") in
		socket:*|pipe:*|/dev/null|anon_inode:*|/memfd:*|/secretmem*) ;;
		# The log, the roles' root directory and executables, the host's
		# network.
		"$log"|"$dir/empty"|net:*|"$dir"/*/*) [ "$1" = "$runner" ] || return 1 ;;
		*) return 1 ;;
		esac
	done
}

# diff_refuses WORDS ARGUMENT...: tee-runnerctl policy, as $unlike has it, fails and says so.
diff_refuses() {
	words=$1
	shift
	! $unlike "$dir/tee-runnerctl" policy "$@" >"$dir/diff" 2>&1 &&
		grep -q "$words" "$dir/diff"
}
