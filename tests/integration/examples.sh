#!/bin/sh
# Each example of the manual pages works: commands are taken from the sources of the pages
# and run against a devnet and a Runner, with the paths of this test.  An example that is
# not run is in the list of exceptions, with the reason.
. "$(dirname "$0")/lib.sh"

net=$dir/net nox=$dir/nox etc=$dir/etc
mkdir "$etc" "$dir/bin" "$dir/work"

# exceptions: PAGE COMMAND...: REASON.  A command that begins so is not run.
cat > "$dir/exceptions" <<'END'
tee-runnerd.8 RestartPreventExitStatus=2: a line of a unit, unit.sh starts one
tee-runnerd.conf.5 include /etc/tee-runner/conf.d/*.conf: a line of a configuration, test_conf.c reads it
tee-attest.1 tee-attest fetch-collateral: needs a vendor's service, fetch.sh has one
tee-attest.1 tee-attest forecast: needs a vendor's service, fetch.sh has one
tee-attest.1 tee-attest quote: needs a TEE, attest.sh has one
END

PATH=$PATH:/usr/sbin
command -v nats-server > /dev/null || cat >> "$dir/exceptions" <<'END'
tee-devnet.1 tee-devnet up --dir /tmp/nox: needs nats-server
tee-devnet.1 tee-runnerd -f /tmp/nox: needs nats-server
tee-devnet.1 tee-devnet nox: needs nats-server
END

# The programs, with the configuration, the socket and the roles of this test.
cat > "$dir/bin/tee-runnerd" <<END
#!/bin/sh
exec "$BUILD/tee-runnerd" -L "$BUILD/libexec" -f "$etc/tee-runnerd.conf" "\$@"
END
cat > "$dir/bin/tee-runnerctl" <<END
#!/bin/sh
command=\$1
shift
case \$command in
config) set -- -f "$etc/tee-runnerd.conf" "\$@" ;;
policy|primitives|explain) ;;
*) set -- -s "$net/runner.sock" "\$@" ;;
esac
exec "$BUILD/tee-runnerctl" "\$command" "\$@"
END
chmod +x "$dir/bin/tee-runnerd" "$dir/bin/tee-runnerctl"
PATH=$dir/bin:$PATH

# mdoc's escapes are replaced, and continued lines joined.
text() {
	sed -e 's/\\e/\\/g; s/\\(dq/"/g; s/\\&//g; s/\\-/-/g' "$src/man/$1" |
	    sed -e :a -e '/\\$/N; s/\\\n *//; ta'
}

# commands PAGE: displayed lines, and in displays of several lines those with a prompt
commands() {
	text "$1" | awk '
	/^\.Dl / { print substr($0, 5) }
	/^\.Bd / { is_display = 1 }
	/^\.Ed/ { is_display = 0 }
	is_display && /^[$#] / { print substr($0, 3) }'
}

# here COMMAND: with the paths, the address, the last handle and the last task of this test
here() {
	echo "$1" | sed "s#/tmp/net#$net#g; s#/tmp/nox#$nox#g; s#/etc/tee-runner#$etc#g
	    s#127\.0\.0\.1:9464#$http#g; s#0x0000007a69[0-9a-f]*\.\.#$handle#g; s#0x7a690b01#$task#g"
}

# example PAGE COMMAND: it is excepted, or succeeds
example() {
	_e=$(awk -v example="$1 $2" '
	    { n = index($0, ": ") }
	    index(example, substr($0, 1, n - 1)) == 1 { print NR, substr($0, n + 2) }' \
	    "$dir/exceptions")
	if [ -n "$_e" ]; then
		echo "skip $1: $2: ${_e#* }"
		echo "${_e%% *}" >> "$dir/used"
		return
	fi
	(cd "$where" && timeout 60 sh -c "$(here "$2")" > "$dir/ran" 2>&1 < /dev/null)
	check "$1: $2" show $?
	_h=$(grep -o '0x[0-9a-f]\{64\}' "$dir/ran" | tail -n 1)
	case $2 in
	*' submit '*|*' put '*) handle=$_h ;;
	*' get '*) check "$1: the result of the example" grep -qx 'uint[0-9]*:42' "$dir/ran" ;;
	esac
}
show() { cat "$dir/ran"; [ "$1" -eq 0 ]; }

# examples PAGE LEAST [PATTERN]: all that do not match the pattern
examples() {
	where=$dir/work
	commands "$1" | grep -v -e "${3:-^$}" > "$dir/commands"
	check "$1 has $2 examples or more" [ "$(wc -l < "$dir/commands")" -ge "$2" ]
	[ "$1" != tee-attest.1 ] || where=$src/tests/vectors/evidence
	while read -r command <&3; do
		example "$1" "$command"
		[ -f "$etc/tee-runnerd.conf" ] || configure
	done 3< "$dir/commands"
}

# What is in /etc/tee-runner, once the devnet is there.
configure() {
	[ -f "$net/tee-runnerd.conf" ] || return
	cp "$net/tls/ca.pem" "$etc/ca.pem"
	cp "$net/tls/runner-1.pem" "$etc/runner.pem"
	cp "$net/tls/runner-1.key" "$etc/runner.key"
	(umask 077 && openssl rand -hex 32 > "$etc/gas.key")
	cp "$net/tee-runnerd.conf" "$etc/tee-runnerd.conf"
	cp "$net/tee-runnerd.conf" "$etc/tee-runnerd.conf.new"
	http=$(sed -n 's/^http-listen //p' "$etc/tee-runnerd.conf")
}

# daemon [DIR]: the monitor that an example started; its roles have other names.
daemon() { pgrep -f "^$BUILD/tee-runnerd .* ${1:-$net}/tee-runnerd.conf\$"; }
stop_examples() {
	for _d in "$net" "$nox"; do
		_pid=$(daemon "$_d") && kill $_pid
		tee-devnet down --dir "$_d" > /dev/null 2>&1
	done
}
at_end=stop_examples

examples tee-devnet.1 6 ' down '
check 'an example started the Runner as a daemon' daemon
task=$(tee-runnerctl tasks | sed -n '2s/^\(0x[0-9a-f]\{8\}\).*/\1/p')
examples tee-runnerctl.8 10
check 'the hash of the configuration is that of --hash' \
    is "$(tee-runnerctl config --hash)" "0x$(tee-runnerctl config | grep -v '^#' | sha256sum | cut -c 1-64)"
examples tee-runnerd.8 4
examples tee-runnerd.conf.5 1
examples tee-attest.1 8

# The samples of tee-runnerd.conf(5): the second is appended to the first.
text tee-runnerd.conf.5 | sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' | awk -v to="$dir/sample" '
	/^\.Bd / { n++; is_display = 1; next }
	/^\.Ed/ { is_display = 0 }
	is_display { for (i = n; i <= 2; i++) print > (to i ".conf") }'
for i in 1 2; do
	# This machine may have neither the users nor the directories of an installation.
	{ grep -E '^(uid-base|chroot) ' "$etc/tee-runnerd.conf"
	here "$(cat "$dir/sample$i.conf")" |
	    sed "s#^chain-id *\(.*\)#&\ncontrol-socket $etc/\1.sock#"; } > "$etc/sample.conf"
	check "tee-runnerd.conf.5: sample $i is correct" tee-runnerd -t -f "$etc/sample.conf"
done

stopped() { ! daemon; }
_pid=$(daemon "$nox") && kill $_pid
check 'the Runner drains and ends' sh -c 'kill "$1"' - "$(daemon)"
check 'it has ended' until_ok 30 stopped
commands tee-devnet.1 | grep ' down ' > "$dir/down"
while read -r command <&3; do
	[ ! -d "$(here "${command##* }")" ] || example tee-devnet.1 "$command"
done 3< "$dir/down"
check 'each exception is needed' is "$(wc -l < "$dir/exceptions")" "$(sort -u "$dir/used" | wc -l)"
finish
