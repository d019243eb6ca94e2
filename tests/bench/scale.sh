#!/bin/sh
# make bench-scale: transfers per second with 1, 2, 4 ... workers, up to the number of
# processors, and the ceiling of one Runner: keys is one thread, and net is limited by
# the busiest of its threads.  ROUNDS (3) rounds of TASKS transfers each.  With JSON=1
# stdout has an object for each number of workers.

ROUNDS=${ROUNDS:-3}
. "$(dirname "$0")/lib.sh"

# scale WORKERS: a line of the table.
scale() {
	conf_is "$1" 1024
	: > "$dir/rounds.16"
	: > "$dir/rounds.64"
	_i=0
	while [ $_i -lt "$ROUNDS" ] && [ $failed -eq 0 ]; do
		for _batch in 16 64; do
			measure $_batch "$TASKS" --in-flight $((1024 / _batch)) \
			    >> "$dir/rounds.$_batch"
		done
		_i=$((_i + 1))
	done
	[ $failed -eq 0 ] || finish
	summary < "$dir/rounds.16" > "$dir/summary.16"
	summary < "$dir/rounds.64" > "$dir/summary.64"
	awk -v w="$1" '
	FNR == NR { tps = $1 == "tps" ? $2 : tps; next }
	{ m[$1] = $2 }
	END { printf "%-8d %9.0f %9.0f %9.0f %9.0f %9.0f %9.0f\n", w, tps,
	    m["tps"], m["util.role.keys"], m["util.role.net"],
	    m["util.role.compute"], m["machine"] }' "$dir/summary.16" "$dir/summary.64"
	json "workers=$1" batch=16 < "$dir/summary.16"
	json "workers=$1" batch=64 < "$dir/summary.64"
}

# ceiling BATCH < SUMMARY
ceiling() {
	awk -v b="$1" '
	{ m[$1] = $2 }
	END { k = m["thread.role.keys"]; n = m["thread.role.net"]
	    if (k > 0 && n > 0)
		printf "batch %d: ceiling of one Runner: keys %.0f transfers/s (%.0f µs), " \
		    "net %.0f (%.0f µs)\n", b, 1e6 / k, k, 1e6 / n, n }'
}

most=$(getconf _NPROCESSORS_ONLN)
[ "$most" -le 64 ] || most=64
start_bench
echo "Medians of $ROUNDS rounds; percentage of a processor, in batches of 64"
echo 'workers  batch 16  batch 64    keys %     net %  worker %  machine %'
workers=1
while [ $workers -lt "$most" ]; do
	scale $workers
	workers=$((workers * 2))
done
scale "$most"
for batch in 16 64; do ceiling $batch < "$dir/summary.$batch"; done
[ $failed -eq 0 ] && pass 'bench-scale'
finish
