#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How soon tasks flow again after a counterpart was away: below a second.
. "$(dirname "$0")/lib.sh"

# For each lane the first transfer that ended OK after this moment: how many ms later is
# the last of them?
after() {
	awk -v t="$1" '$3 >= t && !lane[$1] { lane[$1] = $3; n++; if ($3 > last) last = $3 }
	    END { print n == 8 ? last - t : "never" }' "$dir/times"
}
is_below() { echo "$2 ms"; [ "$2" != never ] && [ "$2" -lt "$1" ]; }
# chained SECONDS: transfers, each of which needs the one before it
chained() {
	devnet ledger --seconds "$1" --in-flight 8 "$dir/times" > "$dir/ledger" 2>&1 &
	ledger=$!
}
ledger_is_exact() { wait $ledger || { cat "$dir/ledger"; false; }; }

start_devnet --kms 2/3
# A Gateway that does not answer: the connection is suspect after this.
echo 'fetch-timeout 1' >> "$dir/tee-runnerd.conf"
start_serving

killed() {
	chained 5
	sleep 0.5
	kill -9 "$(server_pid "$1")"
	sleep 2.5
	back=$(now)
	serve "$1"
	ledger_is_exact && is_below 1000 "$(after "$back")"
}
# A machine that is busy gets another try.
for who in gateway orchestrator; do
	check "$who: killed, away for 2.5 s: every transfer goes on in less than 1 s" \
	    eval "killed $who || killed $who"
done
for who in gateway orchestrator; do
	chained 5
	sleep 0.5
	kill -STOP "$(server_pid $who)"
	sleep 3
	back=$(now)
	kill -CONT "$(server_pid $who)"
	check "$who: stopped for 3 s: no transfer failed" ledger_is_exact
	check "$who: stopped for 3 s: every transfer goes on in less than 1 s" is_below 1000 "$(after "$back")"
done

# A connection that carries nothing any more, and whose end nobody tells.
if command -v node > /dev/null; then
	stop_runner
	gateway=$(sed -n 's/^gateway .*:\([0-9]*\)$/\1/p' "$dir/tee-runnerd.conf")
	node "$(dirname "$0")/relay.mjs" 127.0.0.1 127.0.0.1 "$gateway" > "$dir/relay" &
	relay=$! others="$others $!"
	until_ok 10 test -s "$dir/relay"
	sed -i "s/^gateway .*/gateway 127.0.0.1:$(cat "$dir/relay")/" "$dir/tee-runnerd.conf"
	start_serving
	chained 4
	sleep 0.5
	kill -USR1 $relay
	sleep 0.2		# answers that were on their way
	dead=$(now)
	check 'a dead connection: no transfer failed' ledger_is_exact
	check 'a dead connection: another is made after fetch-timeout' is_below 2000 "$(after "$dead")"
else
	echo 'skipped: a dead connection: node is not here'
fi
check 'no role died' test "$(count 'died')" -eq 0
finish
