#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# proto/vectors.json is what vectors_dump prints, and the worked vectors of
# proto/VALUES.md are in it under the same names.  Runs in the build directory.
doc=$srcdir/proto/VALUES.md
vectors=$srcdir/proto/vectors.json
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
	echo "FAIL $1"
	failed=1
}

./tests/interop/vectors_dump > "$dir/vectors.json" || fail 'vectors_dump'
cmp "$dir/vectors.json" "$vectors" || fail 'vectors.json is not what is computed'

# Indented lines `NAME 0xHEX', continued by indented lines of hex alone.
awk '
function flush() { if (name != "") print name, hex; name = "" }
/^    [A-Za-z]+ +0x[0-9a-f]+$/ { flush(); name = $1; hex = $2; next }
name != "" && /^ +[0-9a-f]+$/ { hex = hex $1; next }
{ flush() }
END { flush() }' "$doc" > "$dir/named"
while read -r name hex; do
	grep -qF "\"$name\": \"$hex\"" "$vectors" ||
		fail "VALUES.md: $name is not that of vectors.json"
done < "$dir/named"

grep '^|' "$doc" | grep -o '0x[0-9a-f]\{2,\}' > "$dir/tables"
while read -r hex; do
	grep -qF ": \"$hex\"" "$vectors" ||
		fail "VALUES.md: $hex of a table is not in vectors.json"
done < "$dir/tables"

# If the document loses its form, nothing would be compared.
[ "$(wc -l < "$dir/named")" -ge 30 ] || fail 'VALUES.md: too few worked vectors'
[ "$(wc -l < "$dir/tables")" -ge 20 ] || fail 'VALUES.md: too few rows'

[ $failed -ne 0 ] || echo "ok   $(cat "$dir/named" "$dir/tables" | wc -l) values"
exit $failed
