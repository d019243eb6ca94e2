#!/bin/sh
# What stands in the memory of each role while they work: no plaintext but in
# compute, no private key but in keys, and both in locked memory alone.  That the scan
# can find anything is shown by what must be there.
. "$(dirname "$0")/../integration/lib.sh"

[ "$(id -u)" -eq 0 ] || skip 'only root may read the memory of another process here'
scan="$BUILD/tests/hostile/memscan"

# The private scalar of a P-256 key in PKCS #8.
tls_scalar() {
	sed '/-----/d' "$1" | base64 -d | od -An -v -tx1 | tr -d ' \n' |
	    sed 's/.*0201010420\([0-9a-f]\{64\}\).*/\1/'
}

# Random plaintexts of 32 bytes, and their sums with one.
plaintexts=
for i in 1 2 3 4 5 6; do
	plaintexts="$plaintexts $(od -An -v -N 31 -tx1 /dev/urandom | tr -d ' \n')7e"
done

start_devnet --kms 2/3
start_serving
handles=
for p in $plaintexts; do
	handles="$handles $(put bytes32 "0x$p")"
done
sums=$(for p in $plaintexts; do echo "${p%7e}7f"; done)
# OpenSSL and libsecp256k1 have a key as a number: least significant byte first.
reversed() { echo "$1" | sed 's/../&\n/g' | tac | tr -d '\n'; }
key=$(tls_scalar "$dir/tls/runner-1.key")
number=$(reversed "$key")

work() {
	for _i in $(seq 30); do
		for _h in $handles; do
			devnet submit xor "$_h" "bytes32:0x$(printf '%063d' 0)1"
		done
	done > "$dir/work" 2>&1
}
work &
worker=$!
devnet bench --op transfer --tasks 3000 --batch 8 --in-flight 4 > /dev/null &
bench=$!

nothing() { # [-u] PID HEX...
	for _i in 1 2 3 4 5 6; do
		"$scan" "$@" || return 1
		sleep 0.3
	done
}
sleep 0.5
check 'net has no plaintext of operands or results' nothing "$(role_pid net)" $plaintexts $sums
for r in net registry evidence compute; do
	check "$r does not have the TLS key" nothing "$(role_pid $r)" "$key" "$number"
done
for r in keys registry evidence; do
	check "$r has no plaintext" nothing "$(role_pid $r)" $plaintexts $sums
done
for r in keys compute; do
	check "$r has secrets in locked memory alone" nothing -u "$(role_pid $r)" "$key" "$number" $plaintexts $sums
done
check 'tasks ended OK meanwhile' grep -q '"status": "OK"' "$dir/work"
wait $bench
kill $worker 2> /dev/null
wait $worker 2> /dev/null

# The scan finds what must be there: the TLS key in keys, and handles in net.
"$scan" "$(role_pid keys)" "$number" > /dev/null
check 'the scan finds the TLS key in keys' test $? -eq 1
set -- $handles
devnet submit xor "$1" "$2" > /dev/null
"$scan" "$(role_pid net)" "${1#0x}" > /dev/null
check 'the scan finds handles in net' test $? -eq 1
stop_system

# ---- a Runner that serves Nox v0 -------------------------------------------

# The RSA keys of the workers, and the data keys that they derive, are made in compute and
# never leave it: nobody else can tell what to look for.
command -v nats-server > /dev/null || PATH=$PATH:/usr/sbin
if ! command -v nats-server > /dev/null; then
	echo 'skipped: Nox v0: nats-server is not installed'
	finish
fi
first=$dir
dir=$dir/nox
mkdir "$dir"
start_devnet --nox
start_serving
handles=
for p in $plaintexts; do
	handles="$handles $(nox put uint256 "0x$p")"
done
key=$(tls_scalar "$dir/tls/runner-1.key")
number=$(reversed "$key")
wallet=$(tr -d '\n' < "$dir/nox-wallet.key" | sed 's/^0x//')
wallet_number=$(reversed "$wallet")
check 'Nox v0: the key of the wallet is 32 bytes' is 64 ${#wallet}

# Each sum once: the same operation on the same operands has the same results, so that
# each time another small number is added.
nox_work() {
	for _i in $(seq 30); do
		for _h in $handles; do
			nox submit --timeout 20 add "$_h" uint256:1
			nox submit --timeout 20 sub "$_h" "uint256:$_i"
		done
	done > "$dir/work" 2>&1
}
nox_work &
worker=$!
nox bench --tasks 100000 --in-flight 8 > "$dir/load" 2>&1 &
bench=$!

sleep 0.5
check 'Nox v0: the monitor has no secret' \
    nothing "$runner" "$key" "$number" "$wallet" "$wallet_number" $plaintexts $sums
for r in nox registry evidence; do
	check "Nox v0: $r has no secret" \
	    nothing "$(role_pid $r)" "$key" "$number" "$wallet" "$wallet_number" $plaintexts $sums
done
check 'Nox v0: compute has no private key but its RSA keys' \
    nothing "$(role_pid compute)" "$key" "$number" "$wallet" "$wallet_number"
check 'Nox v0: keys has no plaintext' nothing "$(role_pid keys)" $plaintexts $sums
for r in keys compute; do
	check "Nox v0: $r has secrets in locked memory alone" nothing -u "$(role_pid $r)" \
	    "$key" "$number" "$wallet" "$wallet_number" $plaintexts $sums
done
check 'Nox v0: transactions were resolved meanwhile' grep -q '"resolved": true' "$dir/work"
check 'Nox v0: and the load went on' kill -0 $bench
kill $worker $bench 2> /dev/null
wait $worker $bench 2> /dev/null

"$scan" "$(role_pid keys)" "$number" > /dev/null
check 'Nox v0: the scan finds the TLS key in keys' test $? -eq 1
set -- $handles
nox submit eq "$1" "$2" > /dev/null
"$scan" "$(role_pid nox)" "${1#0x}" > /dev/null
check 'Nox v0: the scan finds handles in nox' test $? -eq 1
stop_system
dir=$first
finish
