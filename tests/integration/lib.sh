# Sourced by the tests of whole systems: one tee-devnet and one tee-runnerd in a
# temporary directory, checks that count, an end that cleans up.  Run from
# anywhere; BUILD is the build directory (default: build in the source tree).

src=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$src/build}
export PATH="$BUILD:$PATH"
export ASAN_OPTIONS=detect_leaks=0	# tee-devnet ends without freeing
dir=$(mktemp -d /tmp/tee-test.XXXXXX)
runner= others=	# others: to be killed at the end, by pid
passed=0 failed=0

pass() { passed=$((passed + 1)); echo "ok   $*"; }

flunk() {
	failed=$((failed + 1))
	echo "FAIL $*"
	[ ! -f "$dir/runner.log" ] || tail -n 5 "$dir/runner.log" | sed 's/^/     | /'
}

# check WHAT COMMAND...
check() {
	_what=$1; shift
	if "$@" > "$dir/out" 2>&1; then
		pass "$_what"
	else
		flunk "$_what: $*"
		tail -n 5 "$dir/out" | sed 's/^/     > /'
	fi
}

# until_ok SECONDS COMMAND...: try it ten times a second.
until_ok() {
	_n=$(($1 * 10)); shift
	until "$@" > /dev/null 2>&1; do
		_n=$((_n - 1))
		[ $_n -gt 0 ] || return 1
		sleep 0.1
	done
}

status() { tee-runnerctl status --json -s "$dir/runner.sock"; }
state_is() { status | grep -q "\"state\": *\"$1\""; }
logged() { grep -q -- "$1" "$dir/runner.log"; }
# How often a line was logged.
count() { grep -c -- "$1" "$dir/runner.log"; }

# role_pid NAME [INDEX]: of the running Runner.
role_pid() {
	pgrep -P "$runner" -x "$1" | sed -n "$((${2:-0} + 1))p"
}

devnet() { _c=$1; shift; tee-devnet "$_c" --dir "$dir" "$@"; }
put() { devnet put "$@"; }

# start_devnet [OPTION]...
start_devnet() {
	devnet up --insecure "$@" > "$dir/up.log" 2>&1 || {
		cat "$dir/up.log"
		flunk 'tee-devnet up'
		finish
	}
}

# start_runner [OPTION]...: if TRACE is a directory, strace's record goes there, for
# tests/hostile/coverage.sh.  The tracer stands aside: the Runner's pid is its own.
start_runner() {
	_trace=
	[ -z "$TRACE" ] ||
	    _trace="strace -D -f -qq -s 0 -o $TRACE/$(basename "$0").$(date +%s%N)"
	$_trace tee-runnerd -d -L "${ROLES:-$BUILD/libexec}" -f "$dir/tee-runnerd.conf" "$@" \
	    >> "$dir/runner.log" 2>&1 &
	runner=$!
}

# SIGTERM; its exit status.
stop_runner() {
	kill -TERM "$runner" 2> /dev/null
	wait "$runner"
	_r=$?
	runner=
	return $_r
}

finish() {
	trap - EXIT INT TERM
	[ -z "$runner" ] || stop_runner
	[ -z "$others" ] || kill $others 2> /dev/null
	devnet down > /dev/null 2>&1
	if [ $failed -eq 0 ]; then
		rm -rf "$dir"
	else
		echo "what it left is in $dir"
	fi
	echo "$passed passed, $failed failed"
	[ $failed -eq 0 ]
	exit
}
trap finish EXIT INT TERM
