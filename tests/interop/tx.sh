#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Transactions that src/crypto signs, read by ethers.  BUILD is the build directory.
# Exits 77 without Node.
. "$(dirname "$0")/npm.sh"

./tx_dump > tx.jsonl || exit 1
exec node tx.mjs tx.jsonl
