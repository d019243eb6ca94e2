# Sourced by the scripts of tests: checks that are counted, a temporary directory, an end
# that cleans up.  A script may be run from anywhere; BUILD is the build directory
# (default: build in the source tree).

src=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=$(cd "${BUILD:-$src/build}" && pwd) || exit 1
export PATH="$BUILD:$PATH"
dir=$(mktemp -d /tmp/tee-test.XXXXXX) || exit 1
port=$((2000 + $$ % 700 * 10))	# and nine after it: below those that tee-devnet takes
others=		# pids to be killed at the end
at_end=		# a function to be called before that
passed=0 failed=0

pass() { passed=$((passed + 1)); echo "ok   $*"; }

flunk() {
	failed=$((failed + 1))
	echo "FAIL $*"
	[ ! -f "$dir/runner.log" ] || tail -n 15 "$dir/runner.log" | sed 's/^/     | /'
}

# check WHAT COMMAND...
check() {
	_what=$1; shift
	if "$@" > "$dir/out" 2>&1; then
		pass "$_what"
	else
		flunk "$_what: $*"
		tail -n 5 "$dir/out" | sed 's/^/     > /'
		return 1
	fi
}

# until_ok SECONDS COMMAND...: try it ten times a second.  SECONDS is for a machine that is
# busy, 10 or more; a test that promises a time measures it.
# The command may call this, too: no variable counts what is left.
until_ok() {
	_tries=$(($1 * 10)); shift
	for _tried in $(seq $_tries); do
		"$@" > /dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

not() { ! "$@"; }
# is EXPECTED GOT
is() { [ "$2" = "$1" ] || { echo "expected $1, got $2"; false; }; }

clean_up() {
	trap - EXIT INT TERM
	$at_end
	[ -z "$others" ] || kill $others 2> /dev/null
}

# skip WHY: the script cannot run here.
skip() {
	clean_up
	rm -rf "$dir"
	echo "skipped: $*"
	exit 77
}

# own_mounts ARGUMENT...: start the script again, in a mount namespace.
own_mounts() {
	[ -z "$TEE_NAMESPACE" ] || return 0
	[ "$(id -u)" -eq 0 ] && unshare -m true 2> /dev/null ||
	    skip 'needs root and a mount namespace'
	rmdir "$dir"
	TEE_NAMESPACE=1 exec unshare -m "$0" "$@"
}

finish() {
	clean_up
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
