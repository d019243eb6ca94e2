#!/bin/sh
# Random kills of every role and counterpart under chained transfers: nothing is lost,
# nothing is computed twice, nothing is stuck.  storm.sh [MINUTES], by default 1;
# SEED=N repeats an order.  Prints a table of how long each kind took to recover: from
# the moment when what was killed may start again until each of the transfers under way
# has been answered.
. "$(dirname "$0")/strikes.sh"

minutes=${1:-1}
lanes=4

# Kind, how long it stays away, and the pause after it, seconds.
plan() {
	rounds net registry keys evidence compute monitor orchestrator gateway kms-1 kms-2 \
	    kms-3 endpoint frozen-gateway frozen-orchestrator |
	    awk -v seconds=$((60 * minutes - 4)) '
		{
			away = 0.2 + $2
			pause = 1 + 1.5 * $3
			printf "%s %.2f %.2f\n", $1, away, pause
			if ((t += away + pause) >= seconds)
				exit
		}'
}

strike() {
	case $1 in
	net|registry|keys|evidence|compute)
		p=$(role_pid "$1")
		[ -z "$p" ] || kill -9 "$p"
		now ;;
	monitor)
		# As a service manager would.
		roles=$(pgrep -P "$runner")
		kill -9 "$runner"
		wait "$runner" 2> /dev/null
		sleep "$2"
		for p in $roles; do
			# One that nobody has waited for yet has ended.
			grep -q '^State:[[:space:]]*[RSDTt]' "/proc/$p/status" 2> /dev/null &&
			    echo "$p" >> "$dir/survived"
		done
		start_runner
		now ;;
	frozen-*)
		p=$(server_pid "${1#frozen-}")
		kill -STOP "$p"
		sleep "$2"
		kill -CONT "$p"
		now ;;
	*)
		# The role registry and the server of that name are two things.
		name=$1
		[ "$name" != endpoint ] || name=registry
		kill -9 "$(server_pid "$name")"
		sleep "$2"
		serve "$name"
		now ;;
	esac > "$dir/at"
	echo "$1 $(cat "$dir/at")" >> "$dir/strikes"
}

# KIND COUNT P50 P99, from when each was struck and each transfer's times.
recoveries() {
	sort -n -k 3 "$dir/times" > "$dir/by-time"
	awk -v lanes=$lanes '
		NR == FNR { lane[NR] = $1; done[NR] = $3; n = NR; next }
		{
			split("", seen); missing = lanes
			for (i = 1; i <= n && missing > 0; i++)
				if (done[i] >= $2 && !(lane[i] in seen)) {
					seen[lane[i]] = 1; missing--
					last = done[i]
				}
			if (missing == 0)
				print $1, last - $2
		}' "$dir/by-time" "$dir/strikes" | recovery_table
}

start_devnet --kms 2/3
start_serving
before=$(values)
echo "storm: $minutes minutes, SEED=$SEED"
devnet ledger --json --seconds $((60 * minutes)) --in-flight $lanes "$dir/times" > "$dir/ledger" 2> "$dir/ledger.err" &
ledger=$!
sleep 1
: > "$dir/strikes"
plan > "$dir/plan"
while read -r kind away pause; do
	strike "$kind" "$away"
	sleep "$pause"
done < "$dir/plan"
check 'the ledger is exact, and no transfer failed' wait $ledger
cat "$dir/ledger" "$dir/ledger.err"
recoveries
n=$(sed -n 's/^ *"transfers": \([0-9]*\),*$/\1/p' "$dir/ledger")
# Four amounts and the first balances; each transfer has three outputs.
check 'each transfer was stored once' test $(($(values) - before)) -eq $((4 + 2 * lanes + 3 * n))
check 'every role and counterpart was killed' test "$(cut -d ' ' -f 1 "$dir/strikes" | sort -u | wc -l)" -eq 14
check 'no role survived its monitor' test ! -e "$dir/survived"
check 'the Runner serves' until_ok 10 state_is serving
check 'no role broke the protocol' test "$(count 'illegal')" -eq 0
check 'no role died by itself' test "$(grep ' died: ' "$dir/runner.log" | grep -vc 'signal 9: Killed')" -eq 0
check 'SIGTERM drains, and the Runner exits with 0' stop_runner
finish
