#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Calls that src/crypto encodes, against ethers.  BUILD is the build directory.
# Exits 77 without Node.
. "$(dirname "$0")/npm.sh"

./calldata_dump > calldata.jsonl || exit 1
exec node calldata.mjs calldata.jsonl
