#!/bin/sh
# make bench: what a transfer costs the Runner, all its processes, over the
# cryptography alone, both measured in one run; then what the rest is spent on.
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

# "all keys compute" of one run of the floor.
floor() {
	"$BUILD/tests/bench/floor" "$1" | tr -d '{}",:' |
	    awk '{ print $4, $6, $8 }'
}

start_devnet --kms 2/3
start_serving
devnet bench --op transfer --tasks 500 --batch 16 --in-flight 4 > /dev/null

printf '%-5s %9s %10s %6s %12s %7s %7s   %s\n' batch 'floor µs' 'Runner µs' \
    ratio 'transfers/s' 'p50 ms' 'p99 ms' 'µs by role: floor + the rest'
for batch in 1 16; do
	floor $batch > "$dir/floor"
	cpu > "$dir/before"
	devnet bench --op transfer --tasks "$TASKS" --batch $batch \
	    --in-flight $((64 / batch)) --json > "$dir/bench.json" ||
	    flunk "bench in batches of $batch"
	cpu > "$dir/after"
	floor $batch >> "$dir/floor"
	value() { sed -n 's/.*"'"$1"'": *\([0-9.]*\).*/\1/p' "$dir/bench.json" | head -n 1; }
	join "$dir/before" "$dir/after" | awk -v n="$TASKS" -v b=$batch \
	    -v tps="$(value tasksPerSecond)" -v p50="$(value p50ms)" \
	    -v p99="$(value p99ms)" '
	FNR == NR { f += $1 / 2; of["keys"] += $2 / 2; of["compute"] += $3 / 2; next }
	{ us = ($3 - $2) / n; all += us
	  if (us >= 0.5)
		by = by sprintf("  %s %.0f + %.0f", $1, of[$1], us - of[$1]) }
	END { printf "%-5d %9.0f %10.0f %6.2f %12.0f %7.1f %7.1f %s\n",
		  b, f, all, all / f, tps, p50, p99, by }' "$dir/floor" -
done
"$BUILD/tests/bench/primitives" > "$dir/primitives" || flunk 'arithmetic takes too much'
tail -n 1 "$dir/primitives"
srcdir=$src "$BUILD/tests/bench/attest" || flunk 'a verification takes too long'
[ $failed -eq 0 ] && pass 'bench'
finish
