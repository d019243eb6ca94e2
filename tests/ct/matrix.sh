#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every primitive at 8, 64, 128 and 256 bits under valgrind, operands marked
# undefined, as gcc and clang make it at -O2 and at -O3; each with the positive
# control, which must be found.  DWARF 4: valgrind 3.19 gives up on clang's 5.
# Ends in `N passed, N failed'.
. "$(dirname "$0")/../lib.sh"

for c in gcc clang valgrind; do
	command -v $c > /dev/null || skip "no $c"
done
hardening=$(sed -n 's/^TEE_CFLAGS = //p' "$BUILD/Makefile")
sources="u256 exec arith bits fixed token random"
mkdir -p "$BUILD/tests/ct/matrix" && cd "$BUILD/tests/ct/matrix" || exit 1

builds() { # COMPILER LEVEL
	for _s in $sources; do _files="$_files $src/src/compute/$_s.c"; done
	# A hardening flag that only the other compiler has is left out.
	for _f in $hardening; do
		echo 'int x;' | $1 -Werror "$_f" -c -x c - -o flag.o 2> /dev/null &&
		    _flags="$_flags $_f"
	done
	$1 -std=gnu11 -D_GNU_SOURCE $_flags "$2" -gdwarf-4 -I"$BUILD" -I"$src/proto" \
	    -I"$src/src/common" -I"$src/src/ipc" -I"$src/src/program" -I"$src/src/compute" $_files \
	    "$src/src/program/program.c" "$src/src/program/builder.c" \
	    "$src/src/program/types.c" "$src/src/program/status.c" \
	    "$src/tests/ct/ctime_arith.c" -o "ctime-$1$2"
	_r=$?
	_files= _flags=
	return $_r
}

finds_nothing() { valgrind --quiet --error-exitcode=9 "./ctime-$1$2"; }
finds_the_control() {
	valgrind --quiet --error-exitcode=9 "./ctime-$1$2" positive > /dev/null 2>&1
	[ $? -eq 9 ]
}

for compiler in gcc clang; do
	for level in -O2 -O3; do
		check "$compiler $level: the primitives build" builds $compiler $level
		check "$compiler $level: no primitive leaks its operands" finds_nothing $compiler $level
		check "$compiler $level: the control is found" finds_the_control $compiler $level
	done
done
finish
