# Sourced by tests after lib.sh: a real systemd as process 1 of a PID namespace, in another
# root directory.

# boot ROOT TARGET [COMMAND]...: COMMAND starts a program in other namespaces.
boot() {
	_root=$1 _target=$2
	shift 2
	cat > "$dir/boot" <<- 'END'
		r=$1
		mount -t proc proc "$r/proc" && mount -t sysfs -o ro sysfs "$r/sys" &&
		mount -t cgroup2 none "$r/sys/fs/cgroup" && mount -t tmpfs -o mode=755 none "$r/dev" || exit 1
		for n in null zero full random urandom tty; do
			touch "$r/dev/$n"; mount --bind "/dev/$n" "$r/dev/$n"
		done
		mkdir "$r/dev/pts" "$r/dev/shm"
		mount -t tmpfs -o mode=755 none "$r/run" && mount -t tmpfs none "$r/tmp" &&
		exec chroot "$r" env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		    /lib/systemd/systemd --unit="$2" --log-target=console --log-level=notice
	END
	"$@" unshare -fpmCui --kill-child sh "$dir/boot" "$_root" "$_target" \
	    > "$dir/console" 2>&1 < /dev/null &
	system=$!
	others_end=$at_end
	at_end=halt_and_others
	init=
}
booted() {
	init=$(pgrep -P "$system" | head -n 1)
	[ -n "$init" ] && in_root systemctl is-active --quiet "$1"
}
in_root() { nsenter -t "$init" -m -p -n -C -u -i -r -w env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
# unshare(1) ignores SIGTERM; with process 1 all others end.
halt() {
	pkill -KILL -P "$system"
	wait "$system" 2> /dev/null
}
halt_and_others() { halt; $others_end; }

# The service.
property() { in_root systemctl show -p "$1" --value tee-runner; }
served() { [ "$(property StatusText)" = 'accepting tasks' ]; }
