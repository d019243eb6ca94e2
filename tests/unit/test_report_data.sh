#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# proto/REPORT-DATA.md: its example recomputed with sha256sum and sha512sum alone, and
# tee-runnerctl config, which must say the same.  Runs in the build directory.
doc=$srcdir/proto/REPORT-DATA.md
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

is() {	# what, expected, got
	if [ "$2" = "$3" ]; then
		echo "ok   $1"
	else
		echo "FAIL $1: expected $2, got $3"
		failed=1
	fi
}

# The indented block after the line that begins with these words.
block() {
	awk -v words="$1" 'index($0, words) == 1 { on = 1; next }
		on && /^    / { seen = 1; print substr($0, 5); next }
		on && seen { exit }' "$doc"
}
value() { block 'Values:' | sed -n "s/^$1  *0x//p"; }
sha() { cut -d ' ' -f 1; }
# dash's printf knows octal alone.
bytes() {
	for _b in $(printf %s "$1" | sed 's/../& /g'); do
		printf "\\$(printf %03o "0x$_b")"
	done
}
ctl() { ./tee-runnerctl config -f "$dir/conf" "$@"; }
text() { ctl | grep -v '^#'; }
no_policies() { grep -v '^policy '; }

# ---- the example -----------------------------------------------------------

block 'Contents of' > "$dir/ca.pem"
block 'Attested text, for' > "$dir/text"
is 'the hash of the CA file is in the text' \
    "tls-ca sha256:$(sha256sum < "$dir/ca.pem" | sha)" "$(grep ^tls-ca "$dir/text")"
is 'the configuration hash is SHA-256 of the text' \
    "$(value 'configuration hash')" "$(sha256sum < "$dir/text" | sha)"
is 'the report data are SHA-512 of their parts' "$(value 'report data')" "$({
	printf 'TEE Runner evidence v1'
	bytes "$(value 'public key')"
	bytes "$(value 'configuration hash')"
	bytes "$(value 'block hash')"
} | sha512sum | sha)"

# ---- tee-runnerctl config --------------------------------------------------

block 'Configuration file:' |
    sed "s|/etc/tee-runner/ca.pem|$dir/ca.pem|" > "$dir/conf"
is 'tee-runnerctl config prints this text' \
    "$(no_policies < "$dir/text")" "$(text | no_policies)"
for r in monitor net registry keys evidence compute nox; do
	echo "policy $r sha256:$(./tee-runnerctl policy $r --bpf | sha256sum | sha)"
done > "$dir/policies"
is 'then the policies that it shows' "$(cat "$dir/policies")" \
    "$(text | tail -n 7)"
hash=$(ctl --hash)
is '--hash prints SHA-256 of its text' "0x$(text | sha256sum | sha)" "$hash"
is 'which is in its last line, too' "# hash $hash" "$(ctl | tail -n 1)"
is 'what is not attested is a comment' "# tls-ca $dir/ca.pem" \
    "$(ctl | grep '^# tls-ca')"

mv "$dir/ca.pem" "$dir/other.pem"
ctl --hash > "$dir/out" 2> "$dir/err"
is 'a file that is missing: exit 1' 1 $?
is 'and no hash' '' "$(cat "$dir/out")"
is 'but its name' "$dir/conf: tls-ca: $dir/ca.pem: No such file or directory" \
    "$(cat "$dir/err")"
sed -i "s|$dir/ca.pem|$dir/other.pem|" "$dir/conf"
is 'the same file by another name: the same hash' "$hash" "$(ctl --hash)"
echo >> "$dir/other.pem"
[ "$(ctl --hash)" != "$hash" ]
is 'another file by this name: another hash' 0 $?
echo 'gas-key credential:gas' >> "$dir/conf"
ctl --hash > /dev/null
is 'a credential of a service that does not run is no fault' 0 $?
echo nonsense >> "$dir/conf"
ctl > "$dir/out" 2> /dev/null
is 'a fault in the file: exit 1' 1 $?
is 'and no text' '' "$(cat "$dir/out")"
ctl --json > /dev/null 2>&1
is 'an option of another command: exit 2' 2 $?

exit $failed
