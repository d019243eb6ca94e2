#!/bin/sh
# make bench-nox: CPU of a transfer of Nox v0 in all processes of the Runner, over the
# cryptography alone, and where it goes.  The floor and the Runner are measured in turn,
# in ROUNDS rounds (7) of TASKS transfers (600).  In this protocol there is a private
# operation of RSA-2048 for each operand, whoever computes it: the floor with it and
# without it.  With JSON=1 stdout has an object.

TASKS=${TASKS:-600}
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin

load_of() {
	_n=$2; shift 2
	tee-devnet nox bench --dir "$dir" --tasks "$_n" --timeout 100 "$@" --json
}

round() {
	"$BUILD/tests/bench/noxfloor" > "$dir/floor" || return 1
	measure 1 "$TASKS" --in-flight 32 > "$dir/round" || return 1
	"$BUILD/tests/bench/noxfloor" >> "$dir/floor"
	cat "$dir/round"
	tr -d '{}",:' < "$dir/floor" | awk '
	FNR == NR { all += $2 / 2; keys += $4 / 2; rsa += $6 / 2; rest += $8 / 2; next }
	$1 == "runner" { print "ratio", $2 / all }
	END { print "floor", all
	    print "floor.keys", keys
	    print "floor.rsa", rsa
	    print "floor.compute", rsa + rest }' - "$dir/round"
}

start_devnet --nox --nox-pending 256 --nox-batch 200
start_serving
printf 'max-tasks 256\n' >> "$dir/tee-runnerd.conf"
measure 1 300 --in-flight 32 > "$dir/round" || finish
_i=0
while [ $_i -lt "$ROUNDS" ] && [ $failed -eq 0 ]; do
	round >> "$dir/rounds"
	_i=$((_i + 1))
done
[ $failed -eq 0 ] || finish
summary < "$dir/rounds" > "$dir/summary"

m() { median "$1" < "$dir/summary"; }
range() { awk -v k="$1" '$1 == k { printf "%.*f (%.*f-%.*f)", d, $2, d, $3, d, $4 }' d="$2" "$dir/summary"; }
echo "CPU of a transfer of Nox v0, µs, medians of $ROUNDS rounds (lowest-highest)"
printf 'floor, with RSA      %s\n' "$(range floor 0)"
printf '  RSA alone          %s\n' "$(range floor.rsa 0)"
printf '  keys               %s\n' "$(range floor.keys 0)"
printf 'Runner, all roles    %s\n' "$(range runner 0)"
printf 'ratio                %s\n' "$(range ratio 2)"
awk '
{ v[$1] = $2 }
sub(/^us\.role\./, "", $1) && $2 >= 0.5 { role[++n] = $1 }
END {
	for (i = 1; i <= n; i++) {
		f = v["floor." role[i]] + 0
		us = v["us.role." role[i]]
		printf "  %-10s %6.0f = %4.0f + %4.0f, busiest thread %3.0f %%\n",
		    role[i], us, f, us - f, v["util.role." role[i]]
	}
	printf "transfers/s          %.0f, p50 %.1f ms, p99 %.1f ms\n", v["tps"], v["p50"], v["p99"]
}' "$dir/summary"
json protocol='"nox-v0"' < "$dir/summary"
check 'the Runner stays within 1.3 times the floor' \
    awk -v r="$(m ratio)" 'BEGIN { exit !(r <= 1.3) }'
finish
