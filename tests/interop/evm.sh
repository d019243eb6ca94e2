#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every primitive as Solidity, Solady and OpenZeppelin compute it on a real EVM node,
# and as the worker does.  The options are evm.mjs's (--help).  BUILD is the build
# directory.  Ends in `N passed, N failed'; exits 77 without Node.
. "$(dirname "$0")/npm.sh"

[ -d node_modules/@foundry-rs/anvil-linux-amd64 ] || {
	echo 'skipped: no anvil for this machine'
	exit 77
}
rm -f evm.txt
node evm.mjs "$@" --table "$src/proto/primitives.def" || exit
[ -f evm.txt ] || exit 0		# --help

# A control: with its last digit changed, no line may pass.
head -n 100 evm.txt | sed 's/0$/1/;t;s/.$/0/' > control.txt
../unit/primvec control.txt | tail -n 1 | grep -q '^0 passed' || {
	echo 'control: wrong results pass'
	exit 1
}
../unit/primvec evm.txt > evm.out
r=$?
tail -n 20 evm.out
exit $r
