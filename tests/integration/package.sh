#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The Debian packages in a root directory that is a copy of this one: installed, started,
# upgraded under load, removed.  Without systemd as process 1; packages must have been
# built (make deb).
. "$(dirname "$0")/lib.sh"
own_mounts
# In a PID namespace, too: its processes end with it.
[ "$$" = 1 ] || unshare -pf --mount-proc true 2> /dev/null ||
    skip 'needs a PID namespace'
[ "$$" = 1 ] || { rmdir "$dir"; exec unshare -pf --kill-child --mount-proc "$0"; }

debs=$(ls "$BUILD"/deb/tee-*_*.deb 2> /dev/null | grep -v dbgsym) || skip 'no packages: make deb'
[ "$(echo "$debs" | wc -l)" = 3 ] || skip 'not three packages in build/deb'

# ---- the root directory

root=$dir/root
mkdir "$dir/layer" "$root"
mount -t tmpfs none "$dir/layer" && mkdir "$dir/layer/upper" "$dir/layer/work" &&
mount -t overlay -o "lowerdir=/,upperdir=$dir/layer/upper,workdir=$dir/layer/work" \
    none "$root" || skip 'no overlay file system'
for m in proc sys dev; do mount --rbind /$m "$root/$m"; done
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
in_root() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
# What dpkg does not own, and is not its own, a log or a cache.
files() {
	in_root find /etc /usr /lib /var /opt /srv -xdev ! -type d \
	    ! -path '/var/lib/dpkg/*' ! -path '/var/log/*' ! -path '/var/tmp/*' ! -path '/var/cache/*' \
	    ! -name 'passwd*' ! -name 'group*' ! -name '*shadow*' \
	    ! -name '.updated' ! -name '.pwd.lock' | sort
}
files > "$dir/before"

# ---- installation

# The same as an older version: the installed one has been replaced when the service
# goes on.
mkdir "$root/tmp/new" "$root/tmp/old"
for d in $debs; do
	cp "$d" "$root/tmp/new"
	name=$(basename "$d" | sed 's/_.*//')
	dpkg-deb -R "$d" "$dir/unpacked"
	sed -i 's/^Version: .*/Version: 0.0.9-1/' "$dir/unpacked/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$dir/unpacked" "$root/tmp/old/${name}_old.deb" > "$dir/out"
	rm -rf "$dir/unpacked"
done
install_debs() { in_root sh -c "dpkg -i /tmp/$1/*.deb"; }
check 'the packages are installed' install_debs old
for u in net nox registry keys evidence compute; do
	check "user _tee-$u exists" in_root id -u "_tee-$u"
done
check 'a service that is not configured is not started' not pgrep -x tee-runnerd
check 'the unit is not enabled' not test -e "$root/etc/systemd/system/multi-user.target.wants/tee-runner.service"
in_root tee-runnerd -t > "$dir/errors" 2>&1
check 'the sample configuration is not accepted as it is' not [ $? = 0 ]
check 'and what to change is named' \
    grep -q '^/etc/tee-runner/tee-runnerd.conf:.*registry: 0x0*: is zero' "$dir/errors"
check "the operator's guide is installed" \
    test -s "$root/usr/share/doc/tee-runner/operators.md.gz"
for page in tee-runnerd.8 tee-runnerctl.8 tee-runnerd.conf.5 tee-primitives.7 tee-attest.1 tee-devnet.1; do
	check "the manual page $page is installed" \
	    test -s "$root/usr/share/man/man${page##*.}/$page.gz"
done

# ---- a service

cp "$src/contrib/debian/tests/serve" "$root/tmp/serve"
check 'the autopkgtest passes' in_root /tmp/serve
devnet() { _c=$1; shift; in_root tee-devnet "$_c" --dir /tmp/devnet "$@"; }
check 'the counterparts start' devnet up --insecure
# As an administrator: users by name, not by number.
sed '/^uid-base/d;/^chroot/d;/^control-socket/d' "$root/tmp/devnet/tee-runnerd.conf" \
    > "$root/etc/tee-runner/tee-runnerd.conf"
check 'the configuration is accepted' in_root tee-runnerd -t
in_root sh -c 'tee-runnerd -d 2> /tmp/runner.log' &
serves() { in_root tee-runnerctl status; }
check 'the service serves' in_root tee-runnerctl wait --timeout 30
runner_pid=$(pgrep -x tee-runnerd)
user_of() { in_root ps -o user:20= -p "$(pgrep -P "$runner_pid" -x "$1" | head -n 1)"; }
for u in net registry keys evidence compute; do
	check "$u runs as its user" is "_tee-$u" "$(user_of $u | tr -d ' ')"
done
check 'each process runs under the installed policy' in_root tee-runnerctl policy --diff-all

# ---- an upgrade under load

devnet ledger --seconds 12 --json > "$dir/ledger" 2>&1 &
load=$!
sleep 2
check 'the packages are upgraded under load' install_debs new
check 'the administrator'\''s configuration is kept' \
    grep -q '^orchestrator' "$root/etc/tee-runner/tee-runnerd.conf"
check 'the old service has ended' until_ok 10 not kill -0 "$runner_pid"
check 'one service runs' is 1 "$(pgrep -xc tee-runnerd)"
runner_pid=$(pgrep -x tee-runnerd)
check 'it is the new version' until_ok 10 in_root tee-runnerctl status
for r in registry net compute; do
	kill -KILL "$(pgrep -P "$runner_pid" -x $r | head -n 1)"
	sleep 1
done
check 'a role that ended comes back in the version that runs' until_ok 10 serves
wait $load
check 'no transfer was lost or done twice' is 0 $?
cat "$dir/ledger"
in_root sh -c 'tail -n 5 /tmp/runner.log' | sed 's/^/     | /'
kill -TERM "$runner_pid"
check 'the service ends' until_ok 40 not kill -0 "$runner_pid"
devnet down > "$dir/out" 2>&1

# ---- removal

check 'the packages are removed' in_root dpkg -r tee-devnet tee-attest tee-runner
check 'the configuration stays' test -s "$root/etc/tee-runner/tee-runnerd.conf"
check 'the packages are purged' in_root dpkg -P tee-devnet tee-attest tee-runner
files > "$dir/after"
check 'nothing is left' diff "$dir/before" "$dir/after"
check 'no directory is left' not test -e "$root/etc/tee-runner"
umount -l "$root" "$dir/layer"
finish
