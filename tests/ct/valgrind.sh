# Sourced with $program, a test that runs under valgrind.  Exits 77 if it cannot.
BUILD=${BUILD:-$PWD}		# make check starts it there
. "$(dirname "$0")/../lib.sh"

command -v valgrind >/dev/null || skip "no valgrind"
[ -x "$program" ] || skip "built without valgrind's header"
"$program"
[ $? -eq 77 ] && skip "built with sanitizers"
run="valgrind --quiet --error-exitcode=9"

# finds LEAK: valgrind reports this control
finds() {
	$run "$program" "$1" >/dev/null 2>&1
	[ $? -eq 9 ]
}
