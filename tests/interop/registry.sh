#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# proto/Registry.sol compiled, deployed and called on a real EVM node: every role, every
# revert, gas.  BUILD is the build directory.  Ends in `N passed, N failed'; exits 77
# without Node or a node.  With --write it makes proto/Registry.hex again.
. "$(dirname "$0")/npm.sh"

[ -d node_modules/@foundry-rs/anvil-linux-amd64 ] || {
	echo 'skipped: no anvil for this machine'
	exit 77
}
exec node registry.mjs "$src/proto/Registry.hex" "$src/src/registry/layout.def" "$@"
