#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The packages under a real systemd: it is booted as process 1 of a PID namespace, in a
# root directory that is a copy of this one.  Packages must have been built (make deb).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/boot.sh"
own_mounts
debs=$(ls "$BUILD"/deb/tee-*_*.deb 2> /dev/null | grep -v dbgsym) || skip 'no packages: make deb'
[ -x /lib/systemd/systemd ] || skip 'no systemd'

# ---- the system

mount --make-rprivate /
root=$dir/root
mkdir "$dir/layer" "$root"
mount -t tmpfs none "$dir/layer" && mkdir "$dir/layer/upper" "$dir/layer/work" &&
mount -t overlay -o "lowerdir=/,upperdir=$dir/layer/upper,workdir=$dir/layer/work" \
    none "$root" || skip 'no overlay file system'
# No unit of this machine is started; its policy does not forbid to stop one.
rm -f "$root/usr/sbin/policy-rc.d"
rm -rf "$root/etc/systemd/system" && mkdir "$root/etc/systemd/system"
cat > "$root/etc/systemd/system/test.target" <<- 'END'
	[Unit]
	Requires=sysinit.target
	After=sysinit.target
	AllowIsolate=yes
END
for u in networkd resolved timesyncd udevd udev-trigger binfmt sysctl modules-load random-seed \
    firstboot sysusers machine-id-commit; do
	ln -s /dev/null "$root/etc/systemd/system/systemd-$u.service"
done
boot "$root" test.target
until_ok 30 booted test.target || { cat "$dir/console"; skip 'systemd does not boot here'; }

# ---- installation

for d in $debs; do in_root tee "/tmp/$(basename "$d")" < "$d" > /dev/null; done
check 'the packages are installed' in_root sh -c 'dpkg -i /tmp/*.deb'
main() { property MainPID; }
said() { in_root journalctl -u tee-runner --no-pager | grep -q "$1"; }
check 'a service that is not configured is not enabled' not in_root systemctl is-enabled tee-runner
check 'the counterparts start' in_root tee-devnet up --dir /srv/devnet --insecure

in_root systemctl start tee-runner > "$dir/out" 2>&1
check 'the sample configuration is not accepted' [ $? != 0 ]
check 'and is not tried again' is failed "$(property ActiveState)"
in_root systemctl reset-failed tee-runner

in_root sh -c "sed '/^uid-base/d;/^chroot/d;/^control-socket/d' /srv/devnet/tee-runnerd.conf \
    > /etc/tee-runner/tee-runnerd.conf; echo control-group adm >> /etc/tee-runner/tee-runnerd.conf"
check 'the service starts' in_root systemctl start tee-runner
check 'it serves' in_root tee-runnerctl wait --timeout 30
check 'systemd shows that it accepts tasks' until_ok 10 served
check 'it transfers' in_root tee-devnet bench --dir /srv/devnet --op transfer --tasks 20 --json

# ---- who may look, and the forecast

as() { _g=$1; shift; in_root setpriv --reuid 65534 --regid "$_g" --clear-groups "$@"; }
check 'a member of control-group sees the status' as adm tee-runnerctl status
check 'and cannot drain' not as adm tee-runnerctl drain
check 'others see nothing' not as nogroup tee-runnerctl status
check 'the timer of the forecast is not enabled' not in_root systemctl is-enabled tee-runner-forecast.timer
check 'it can be enabled' in_root systemctl enable --now tee-runner-forecast.timer
# A container without mknod(2) cannot have PrivateDevices=.
forecast_with() {
	in_root sh -c 'mkdir -p /run/systemd/system/tee-runner-forecast.service.d
	cat > /run/systemd/system/tee-runner-forecast.service.d/test.conf
	systemctl daemon-reload'
}
forecast_with << 'END'
[Service]
PrivateDevices=no
END
check 'the forecast has the evidence: insecure evidence has no TCB' \
    not in_root systemctl start tee-runner-forecast
check 'and the journal says so' in_root sh -c \
    'journalctl -u tee-runner-forecast --no-pager | grep -q "no TCB sets"'
# What tee-attest would say of a TDX quote; attest-tdx.sh shows that it does.
forecast_with << 'END'
[Service]
PrivateDevices=no
ExecStart=
ExecStart=/bin/sh -c 'test -s /run/tee-runner-forecast/evidence && echo "{\\"accepted\\":true,\\"tcbStatus\\":\\"UpToDate\\",\\"acceptedUntil\\":1900000000,\\"next\\":{\\"accepted\\":false}}" > /run/tee-runner-forecast/forecast.json; exit 1'
END
check 'a forecast that refuses is no failure of the unit' in_root systemctl start tee-runner-forecast
check 'and the Runner has it' in_root sh -c 'tee-runnerctl status | grep -q "the next set refuses"'

# ---- reload

in_root sh -c 'cp /etc/tee-runner/tee-runnerd.conf /root/good &&
    echo "log-level loud" >> /etc/tee-runner/tee-runnerd.conf'
check 'a bad configuration is not loaded' not in_root systemctl reload tee-runner
check 'and the service goes on' in_root tee-runnerctl status
in_root sh -c '(cat /root/good; echo "log-level debug") > /etc/tee-runner/tee-runnerd.conf'
check 'a good one is loaded' in_root systemctl reload tee-runner
check 'and the level of the log changes' until_ok 10 said 'reload: log-level has changed'

# ---- the packages are installed again: an upgrade

# How the process is confined.
confined() {
	in_root grep -E '^(CapBnd|NoNewPrivs|Seccomp_filters):' "/proc/$1/status"
	in_root cat "/proc/$1/cgroup"
	in_root sh -c "tr '\0' '\n' < /proc/$1/environ" |
	    grep -E '^(NOTIFY_SOCKET|INVOCATION_ID)='
}
upgrade_is() {
	_old=$(main)
	confined "$_old" > "$dir/confined"
	in_root tee-devnet ledger --dir /srv/devnet --seconds 12 --json > "$dir/ledger" 2>&1 &
	load=$!
	sleep 2
	check "$1" in_root sh -c "$2"
	wait $load
	check 'no transfer was lost or done twice' is 0 $?
	new=$(main)
	check 'the successor is the main process' not is "$_old" "$new"
	check 'the old one has ended' not in_root kill -0 "$_old"
	confined "$new" > "$dir/confined-new"
	check 'the successor is confined as the unit says' diff "$dir/confined" "$dir/confined-new"
	check 'systemd shows that it accepts tasks' until_ok 10 served
	check 'its control socket has the usual name' in_root tee-runnerctl status
}
upgrade_is 'the packages are upgraded' 'dpkg -i /tmp/*.deb'
upgrade_is 'tee-runnerctl upgrade -f with a relative name' \
    'cd /etc/tee-runner && tee-runnerctl upgrade -f tee-runnerd.conf'
in_root mv /usr/libexec/tee-runner/evidence /usr/libexec/tee-runner/evidence.away
in_root ln -s /bin/false /usr/libexec/tee-runner/evidence
check 'a successor that does not start is given up' not in_root tee-runnerctl upgrade --timeout 5
check 'and the service goes on' is "$new" "$(main)"
check 'and serves' in_root tee-runnerctl status
in_root mv /usr/libexec/tee-runner/evidence.away /usr/libexec/tee-runner/evidence

# ---- the watchdog

in_root sh -c 'mkdir -p /run/systemd/system/tee-runner.service.d && printf "[Service]\nWatchdogSec=8\n" \
    > /run/systemd/system/tee-runner.service.d/short.conf && systemctl daemon-reload &&
    systemctl restart tee-runner'
new=$(main)
sleep 10
check 'a service that answers stays' is "$new" "$(main)"
in_root kill -STOP "$new"
restarted() { [ "$(main)" != "$new" ] && in_root tee-runnerctl status; }
check 'a frozen one is ended, and started again' until_ok 30 restarted

# ---- the end

check 'the packages are purged' in_root dpkg -P tee-devnet tee-attest tee-runner
check 'the service has ended' not in_root pgrep -x tee-runnerd
[ $failed = 0 ] || in_root journalctl --no-pager -u tee-runner | tail -n 40
halt
umount -l "$root" "$dir/layer"
finish
