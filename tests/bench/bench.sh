#!/bin/sh
# make bench: what a transfer costs the Runner, all its processes, over the
# cryptography alone, both measured in one run; then where the rest goes.
# TASKS transfers (default 4000) are sent for each size of batch.

. "$(dirname "$0")/../integration/lib.sh"

TASKS=${TASKS:-4000}

# CPU of every process of the Runner so far: "role microseconds", from the
# kernel's own nanoseconds.
cpu() {
	for _p in $(pgrep -P "$runner"); do
		_ns=0
		for _t in /proc/"$_p"/task/*/schedstat; do
			read -r _on _rest < "$_t" && _ns=$((_ns + _on))
		done
		echo "$(cat /proc/"$_p"/comm) $((_ns / 1000))"
	done | awk '{ us[$1] += $2 } END { for (r in us) print r, us[r] }' | sort
}

floor() { "$BUILD/tests/bench/floor" "$1" | sed 's/.*"floor_us": \([0-9.]*\).*/\1/'; }

start_devnet --kms 2/3
start_runner
until_ok 30 state_is serving || { flunk 'the Runner does not serve'; finish; }
devnet bench --op transfer --tasks 500 --batch 16 --in-flight 4 > /dev/null

printf '%-6s %10s %12s %7s %12s %8s %8s   %s\n' batch 'floor µs' 'Runner µs' \
    ratio 'transfers/s' 'p50 ms' 'p99 ms' 'µs by role'
for batch in 1 16; do
	f1=$(floor $batch)
	cpu > "$dir/before"
	devnet bench --op transfer --tasks "$TASKS" --batch $batch \
	    --in-flight $((64 / batch)) --json > "$dir/bench.json" || flunk "bench $batch"
	cpu > "$dir/after"
	f2=$(floor $batch)
	value() { sed -n 's/.*"'"$1"'": *\([0-9.]*\).*/\1/p' "$dir/bench.json" | head -n 1; }
	join "$dir/before" "$dir/after" | awk -v n="$TASKS" -v b=$batch \
	    -v f1="$f1" -v f2="$f2" -v tps="$(value tasksPerSecond)" \
	    -v p50="$(value p50ms)" -v p99="$(value p99ms)" '
	{ us = ($3 - $2) / n; all += us; by = by sprintf(" %s %.0f", $1, us) }
	END { f = (f1 + f2) / 2
	      printf "%-6d %10.0f %12.0f %7.2f %12.0f %8.1f %8.1f  %s\n",
		  b, f, all, all / f, tps, p50, p99, by }'
done
[ $failed -eq 0 ] && pass 'bench'
finish
