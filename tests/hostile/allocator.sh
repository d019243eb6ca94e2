#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The filters do not lean on glibc's malloc: whole systems with jemalloc in its place, which
# takes other calls for its memory.  Roles start without an environment, so the loader is
# told by /etc/ld.so.preload, in an overlay that nobody else sees.
here=$(cd "$(dirname "$0")" && pwd)
lib=$(ls /usr/lib/*/libjemalloc.so.2 2> /dev/null | head -n 1)
[ -n "$lib" ] || { echo 'skipped: jemalloc is not here'; exit 77; }
[ "$(id -u)" -eq 0 ] && unshare -m true 2> /dev/null || { echo 'skipped: needs root and a mount namespace'; exit 77; }
[ -n "$TEE_NAMESPACE" ] || TEE_NAMESPACE=1 exec unshare -m "$0" "$@"

over=$(mktemp -d /tmp/tee-test.XXXXXX)
trap 'umount -l "$over"; rmdir "$over"' EXIT
mount -t tmpfs none "$over" && mkdir "$over/upper" "$over/work" &&
    mount -t overlay none -o "lowerdir=/etc,upperdir=$over/upper,workdir=$over/work" /etc ||
    { echo 'skipped: cannot mount an overlay'; exit 77; }
echo "$lib" > /etc/ld.so.preload
grep -q jemalloc /proc/self/maps || { echo 'FAIL the loader does not take it'; echo '0 passed, 1 failed'; exit 1; }

passed=0 failed=0
for t in tasks chains; do
	"$here/../integration/$t.sh" > "$over/log" 2>&1
	r=$?
	last=$(tail -n 1 "$over/log")
	echo "$t: $last"
	[ $r -eq 0 ] || grep -A 5 '^FAIL' "$over/log"
	passed=$((passed + ${last%% passed*}))
	failed=$((failed + (r != 0)))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
