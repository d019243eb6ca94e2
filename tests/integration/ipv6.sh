#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Runner's counterparts by IPv6, and by a name of which one address is dead.
# ipv6.sh; it starts itself again in a new network namespace for the rest.
. "$(dirname "$0")/lib.sh"
command -v node > /dev/null || skip 'node is not here'
own_mounts "$@"

# names ADDRESS...: of localhost, in this order of lines
names() { for _a; do echo "$_a localhost"; done > "$dir/hosts"; }
address_of() { sed -n "s,^$1 \(http://\)*127\.0\.0\.1:\([0-9]*\)\$,\2,p" "$dir/first.conf"; }
# counterparts_at HOST REGISTRY ORCHESTRATOR GATEWAY: their ports
counterparts_at() {
	sed -e "s,^registry-endpoint .*,registry-endpoint http://$1:$2," \
	    -e "s,^orchestrator .*,orchestrator $1:$3," -e "s,^gateway .*,gateway $1:$4," \
	    "$dir/first.conf" > "$dir/tee-runnerd.conf"
}
# serves WHAT SECONDS: started, it does within these
serves() {
	: > "$dir/runner.log"
	start_runner
	check "$1: the Runner serves" until_ok "$2" state_is serving
	check "$1: a task ends OK" add
	check "$1: no endpoint failed" not logged 'registry: endpoint .*: fails: .*no connection'
	check "$1: SIGTERM: the Runner exits with 0" stop_runner
}

touch "$dir/hosts"
mount --bind "$dir/hosts" /etc/hosts || { flunk 'mount'; finish; }
names 127.0.0.1
start_devnet --kms 2/3
sed 's/^registry-refresh .*/registry-refresh 10/' "$dir/tee-runnerd.conf" > "$dir/first.conf"
registry=$(address_of registry-endpoint) orchestrator=$(address_of orchestrator) gateway=$(address_of gateway)
http=$(address_of http-listen)

if [ "$1" = without ]; then
	names ::1 127.0.0.1
	counterparts_at localhost "$registry" "$orchestrator" "$gateway"
	serves 'no IPv6 here, a name with ::1' 8
	finish
fi

node "$(dirname "$0")/relay.mjs" ::1 127.0.0.1 "$registry" "$orchestrator" "$gateway" > "$dir/relay" 2>&1 &
others=$!
if until_ok 10 grep -q '^[0-9 ]*$' "$dir/relay"; then
	read -r r o g < "$dir/relay"
	counterparts_at '[::1]' "$r" "$o" "$g"
	sed -i "s/^http-listen .*/http-listen [::1]:$http/" "$dir/tee-runnerd.conf"
	start_serving 8
	check 'http-listen on [::1] answers' node -e "fetch('http://[::1]:$http/readyz').then(r => process.exit(r.ok ? 0 : 1))"
	stop_runner
	serves '[::1]' 8
	names ::1 127.0.0.1
	counterparts_at localhost "$registry" "$orchestrator" "$gateway"
	serves 'a name, dead by IPv6' 8
	counterparts_at localhost "$r" "$o" "$g"
	serves 'a name, dead by IPv4' 8
	names 127.0.0.1 ::1
	serves 'a name, dead by IPv4, the other order' 8
else
	echo 'skipped: [::1]: no IPv6 here'
fi

# Once more without IPv6, and with an address that is silent.
if ! command -v ip > /dev/null; then
	echo 'skipped: no IPv6 at all: ip(8) is not here'
	finish
fi
unshare -n -m sh -c 'ip link set lo up || exit
    ! cd /proc/sys/net/ipv6 2> /dev/null || echo 1 > conf/all/disable_ipv6 || exit
    exec "$0" without' "$(realpath "$0")" > "$dir/without"
grep '^ok\|^FAIL\|^ ' "$dir/without"
passed=$((passed + $(grep -c '^ok' "$dir/without"))) failed=$((failed + $(grep -c '^FAIL' "$dir/without")))
check 'the four checks without IPv6 pass' grep -q '^4 passed' "$dir/without"
finish
