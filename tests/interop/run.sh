#!/bin/sh
# Every signed struct, hashed and signed by src/crypto and by ethers: both must
# agree both ways.  BUILD is the build directory.  Exits 77 without Node.
here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$src/build}
work=$BUILD/tests/interop

command -v node > /dev/null && command -v npm > /dev/null || {
	echo 'node and npm are not here: skipped'
	exit 77
}
mkdir -p "$work" && cd "$work" || exit 1
cp "$here/package.json" "$here/package-lock.json" "$here/check.mjs" . || exit 1
[ -d node_modules/ethers ] ||
    npm ci --no-audit --no-fund --loglevel=error || exit 1
./typed_dump > dump.jsonl || exit 1
node check.mjs "$src/proto/TYPED-DATA.md" dump.jsonl signatures > check.out
a=$?
./typed_dump verify < signatures > verify.out
b=$?
cat check.out verify.out | awk '
/ passed, .* failed$/ { passed += $1; failed += $3; next }
{ print }
END { print passed + 0 " passed, " failed + 0 " failed" }'
[ $a -eq 0 ] && [ $b -eq 0 ]
