# Sourced with $program, a test that runs under valgrind: can it run here?  Exits 77 if not.
skip() { echo "skipped: $1"; exit 77; }
command -v valgrind >/dev/null || skip "no valgrind"
[ -x "$program" ] || skip "built without valgrind's header"
"$program"
[ $? -eq 77 ] && skip "built with sanitizers"
run="valgrind --quiet --error-exitcode=9"

# finds LEAK: valgrind reports this control
finds() {
	$run "$program" "$1" >/dev/null 2>&1
	[ $? -eq 9 ] || { echo "$1: was not found"; exit 1; }
}
