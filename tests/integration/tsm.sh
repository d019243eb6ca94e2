# Sourced by tests of attestation end to end, instead of lib.sh: as root, in a mount
# separate namespace, in which configfs-tsm is a stand-in.  Exits 77 if that cannot be
# made.  $cpu is the directory of the guest.
. "$(dirname "$0")/lib.sh"
[ -c /dev/fuse ] || skip 'needs /dev/fuse'
own_mounts "$@"		# so that /sys/kernel/config is ours

report=/sys/kernel/config/tsm/report
cpu=$dir/cpu
mkdir "$cpu"
[ -x "$BUILD/tests/integration/tsmfs" ] || skip 'configured without fuse3'
mount -t tmpfs none /sys/kernel && mkdir -p $report || skip 'cannot mount'

is_mounted() { grep -q " $report fuse" /proc/mounts; }
# start_tsm: of the guest in $cpu; and tee-devnet, which registers for a minute
start_tsm() {
	"$BUILD/tests/integration/tsmfs" "$cpu" $report > "$dir/tsmfs.log" 2>&1 &
	others=$!
	until_ok 10 is_mounted || ! grep -q 'not permitted' "$dir/tsmfs.log" ||
	    skip 'FUSE may not be mounted here'
	check 'a stand-in for configfs-tsm is mounted' is_mounted
	devnet up --kms 2/3 > "$dir/up.log" 2>&1 || { cat "$dir/up.log"; flunk up; finish; }
	check 'the configuration has tee auto' \
	    grep -qx 'tee auto' "$dir/tee-runnerd.conf"
	echo 'registration-life 60s' >> "$dir/tee-runnerd.conf"
}

counterpart_says() { grep -q -- "$1" "$dir/log/orchestrator.log"; }
