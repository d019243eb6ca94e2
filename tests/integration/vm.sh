#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The root file system of contrib/vm, booted as process 1 of namespaces.  The counterparts
# run outside of it, in the same network namespace.  Needs packages (make deb), and a Debian
# mirror.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/boot.sh"
own_mounts
package=$(ls "$BUILD"/deb/tee-runner_*.deb 2> /dev/null) || skip 'no packages: make deb'
command -v mmdebstrap > /dev/null || skip 'no mmdebstrap'
timeout 60 apt-get -qq update --error-on=any > /dev/null 2>&1 || skip 'no Debian mirror'
mount --make-rprivate /

# ---- the counterparts

unshare -n sleep 600 &
others=$!
limit="nsenter -t $others -n"	# for devnet()
is_apart() { ! is "$(readlink /proc/self/ns/net)" "$(readlink "/proc/$others/ns/net")"; }
until_ok 10 is_apart && $limit ip link set lo up || skip 'no network namespace'
start_devnet
mkdir "$dir/conf"
cp "$dir/tls/ca.pem" "$dir/tls/runner-1.pem" "$dir/tls/runner-1.key" "$dir/conf"
sed "/^uid-base/d;/^chroot/d;/^control-socket/d;/^http-listen/d;s|$dir/tls/|/etc/tee-runner/|" \
    "$dir/tee-runnerd.conf" > "$dir/conf/tee-runnerd.conf"

listeners() { $limit ss -Hlntu | awk '{ print $1, $5 }' | sort; }
listeners > "$dir/listeners"

# ---- the system

# As in an initramfs the root is a tmpfs; systemd makes all of that file system read-only.
root=$dir/memory/root
mkdir "$dir/memory" && mount -t tmpfs none "$dir/memory" || skip 'no tmpfs'
mkdir "$dir/empty-conf"
check 'a directory without a configuration is refused' \
    not "$src/contrib/vm/build-root" -p "$package" "$dir/empty-conf" "$root"
check 'the root file system is made' \
    "$src/contrib/vm/build-root" -p "$package" "$dir/conf" "$root" || finish
check 'root has no password' grep -q '^root:[!*]' "$root/etc/shadow"
mount --bind "$root" "$root"
# No DHCP server is here, and no device can be made.
ln -s /dev/null "$root/etc/systemd/system/systemd-networkd-wait-online.service"
mkdir "$root/etc/systemd/system/systemd-resolved.service.d"
printf '[Service]\nPrivateDevices=no\n' > "$root/etc/systemd/system/systemd-resolved.service.d/test.conf"
boot "$root" multi-user.target $limit
until_ok 60 booted multi-user.target || { cat "$dir/console"; flunk 'the system boots'; }

# ---- the service

check 'the service is active' in_root systemctl is-active tee-runner
check 'it serves' in_root tee-runnerctl wait --timeout 30
check 'systemd shows that it accepts tasks' until_ok 10 served
check 'it transfers' transfer
check 'no unit has failed' is '' "$(in_root systemctl list-units --failed --plain --no-legend)"
processes() {
	for _p in $(pgrep --ns "$init" --nslist pid); do cat "/proc/$_p/comm"; done | sort -u | xargs
}
check 'systemd and tee-runner run, nothing else' is \
    'compute evidence keys net registry systemd systemd-journal systemd-network systemd-resolve tee-runnerd' \
    "$(processes)"
listeners > "$dir/listeners-now"
check 'nothing listens in it' diff "$dir/listeners" "$dir/listeners-now"
check 'its root is read-only' not in_root touch /etc/written
kill -INT "$init"	# as the kernel does at Ctrl-Alt-Delete
check 'Ctrl-Alt-Delete shuts it down' until_ok 20 not kill -0 "$system"

umount -l "$root" "$dir/memory"
finish
