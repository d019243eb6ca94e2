#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every signed struct, hashed and signed by src/crypto and by ethers: both must
# agree both ways.  BUILD is the build directory.  Exits 77 without Node.
. "$(dirname "$0")/npm.sh"

./typed_dump > dump.jsonl || exit 1
node typed.mjs "$src/proto/TYPED-DATA.md" dump.jsonl signatures > typed.out
a=$?
./typed_dump verify < signatures > verify.out
b=$?
cat typed.out verify.out | awk '
/ passed, .* failed$/ { passed += $1; failed += $3; next }
{ print }
END { print passed + 0 " passed, " failed + 0 " failed" }'
[ $a -eq 0 ] && [ $b -eq 0 ]
