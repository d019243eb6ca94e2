#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the systemd unit leaves to tee-runnerd is enough: the service runs with the unit's
# capabilities and under its SystemCallFilter=, and the unit's exposure is small.
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip 'needs root'
command -v systemd-analyze > /dev/null || skip 'needs systemd-analyze'
unit=$dir/tee-runner.service
# The programs are not installed: that is all that systemd would find wrong.
sed 's|@sbindir@/[a-z-]*|/bin/true|;/^Documentation=/d' \
    "$src/contrib/systemd/tee-runner.service.in" > "$unit"
check 'systemd finds no fault in the unit' systemd-analyze verify "$unit"
check 'nor says anything of it' [ ! -s "$dir/out" ]
check 'the exposure is at most 3.0' \
    systemd-analyze security --offline=true --threshold=30 "$unit"

# The names of a list of system calls and @groups.
expand() {
	for n; do
		case $n in
		@*)	expand $(systemd-analyze syscall-filter "$n" |
			    sed -n 's/^    \([-@a-z_0-9]*\)$/\1/p') ;;
		*)	echo "$n" ;;
		esac
	done
}
sed -n 's/^SystemCallFilter=//p' "$unit" > "$dir/filters"
: > "$dir/allowed"
while read -r line; do
	case $line in
	'~'*)	expand ${line#?} | sort -u > "$dir/denied"
		sort -u "$dir/allowed" | comm -23 - "$dir/denied" > "$dir/left"
		mv "$dir/left" "$dir/allowed" ;;
	*)	expand $line >> "$dir/allowed" ;;
	esac
done < "$dir/filters"
# systemd itself always allows these.
expand @default execve >> "$dir/allowed"
check 'the filter has a sensible number of calls' [ "$(sort -u "$dir/allowed" | wc -l)" -gt 200 ]

caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' A-Z' ',a-z' | sed 's/cap_/+/g')
start_devnet
setpriv --bounding-set "-all,$caps" --inh-caps "-all" --no-new-privs \
    "$BUILD/tests/integration/allow" "$dir/allowed" tee-runnerd -d -L "$BUILD/libexec" \
    -f "$dir/tee-runnerd.conf" >> "$dir/runner.log" 2>&1 &
runner=$!
check 'the service serves under the unit' tee-runnerctl wait --timeout 30 -s "$dir/runner.sock"
for f in chroot user landlock seccomp netns mountns; do
	check "its roles have $f" sh -c "tee-runnerctl status -s $dir/runner.sock | grep -q '^keys .* $f'"
done
check 'each process runs under its policy, and the unit'\''s' \
    tee-runnerctl policy --diff-all -s "$dir/runner.sock"
check 'a task is computed' add
check 'it stops with status 0' stop_runner
# systemd sets LimitMEMLOCK=, which setpriv cannot.
refused() { grep 'not permitted' "$dir/runner.log" | grep -v RLIMIT_MEMLOCK; }
check 'nothing was refused' not refused
finish
