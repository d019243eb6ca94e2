#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What chain proves, against others' implementations: tries and proofs made by
# @ethereumjs/mpt, headers, storage and facts of a Registry by anvil, all random; and
# tests/unit/test_proof run over them.  BUILD is the build directory.  Exits 77 without
# Node or a node.  With --write it makes tests/vectors/proof.txt again.
. "$(dirname "$0")/npm.sh"

[ -d node_modules/@foundry-rs/anvil-linux-amd64 ] || {
	echo 'skipped: no anvil for this machine'
	exit 77
}
if [ "$1" = --write ]; then
	exec node proof.mjs 12 > "$src/tests/vectors/proof.txt"
fi
node proof.mjs 300 > proof.txt || exit 1
PROOF_VECTORS=$PWD/proof.txt "$BUILD/tests/unit/test_proof"
