#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The filters do not lean on glibc's malloc: whole systems with jemalloc in its place, which
# takes other calls for its memory.  Roles start without an environment, so the loader is
# told by /etc/ld.so.preload, in an overlay that nobody else sees.
. "$(dirname "$0")/../lib.sh"

lib=$(ls /usr/lib/*/libjemalloc.so.2 2> /dev/null | head -n 1)
[ -n "$lib" ] || skip 'jemalloc is not here'
own_mounts "$@"
unmount() { umount -l "$dir"; }
mount -t tmpfs none "$dir" || skip 'cannot mount a tmpfs'
at_end=unmount
mkdir "$dir/upper" "$dir/work" &&
    mount -t overlay none -o "lowerdir=/etc,upperdir=$dir/upper,workdir=$dir/work" /etc ||
    skip 'cannot mount an overlay'
echo "$lib" > /etc/ld.so.preload
grep -q jemalloc /proc/self/maps || { flunk 'the loader does not take jemalloc'; finish; }

for t in tasks chains; do
	"$src/tests/integration/$t.sh" > "$dir/log" 2>&1
	r=$?
	last=$(tail -n 1 "$dir/log")
	echo "$t: $last"
	[ $r -eq 0 ] || grep -A 5 '^FAIL' "$dir/log"
	passed=$((passed + ${last%% passed*}))
	failed=$((failed + (r != 0)))
done
finish
