#!/bin/sh
# make bench: CPU of a transfer in all processes of the Runner, over the cryptography
# alone; which process is the limit; latency; memory.  The floor and the Runner are
# measured in turn, in ROUNDS rounds (7) of TASKS transfers (1500; 2 of 5 in batches of
# 1), because the speed of a shared machine changes.  With JSON=1 stdout has an object
# for each size of batch.

. "$(dirname "$0")/lib.sh"

# The floor in batches of a size: all, keys, compute.
floor() {
	"$BUILD/tests/bench/floor" "$1" | tr -d '{}",:' |
	    awk '{ print $4, $6, $8 }'
}

# round BATCH
round() {
	floor "$1" > "$dir/floor"
	_k=$((64 / $1))
	measure "$1" "$(tasks_of "$1")" --in-flight $((_k < 4 ? 4 : _k)) \
	    > "$dir/round" || return 1
	floor "$1" >> "$dir/floor"
	cat "$dir/round"
	awk 'FNR == NR { all += $1 / 2; keys += $2 / 2; compute += $3 / 2; next }
	$1 == "runner" { print "ratio", $2 / all }
	END { print "floor", all
	    print "floor.role.keys", keys
	    print "floor.role.compute", compute }' "$dir/floor" "$dir/round"
}

# cost BATCH < SUMMARY: a line of the first table.
cost() {
	awk -v b="$1" '
	function range(k, digits) {
		return sprintf("%.*f (%.*f-%.*f)", digits, m[k], digits,
		    lo[k], digits, hi[k])
	}
	{ m[$1] = $2; lo[$1] = $3; hi[$1] = $4 }
	END { printf "%-6d %-18s %-18s %-18s %11.0f %8.1f %8.1f\n", b,
	    range("floor"), range("runner"), range("ratio", 2), m["tps"],
	    m["p50"], m["p99"] }'
}

# roles BATCH < SUMMARY: lines of the second table.
roles() {
	awk -v b="$1" '
	{ m[$1] = $2 }
	sub(/^us\.role\./, "", $1) && $2 >= 0.5 { role[++n] = $1 }
	sub(/^us\.peer\./, "", $1) {
		peers = peers sprintf("%s %s %.0f", peers ? "," : "", $1, $2)
	}
	END {
		for (i = 1; i <= n; i++) {
			r = "role." role[i]
			us = m["us." r]
			f = m["floor." r] + 0
			printf "%-6d %-10s %6.0f = %4.0f + %4.0f %12.0f %%\n",
			    b, role[i], us, f, us - f, m["util." r]
			if (m["util." r] > most) {
				most = m["util." r]
				limit = role[i]
			}
		}
		if (m["machine"] > most) {
			most = m["machine"]
			limit = "the machine"
		}
		printf "%-6d limit: %s, busy to %.0f %%\n", b, limit, most
		printf "%-6d counterparts:%s\n", b, peers
	}'
}

# latency TEXT BATCH RATE TASKS: with so many tasks per second.
latency() {
	measure "$2" "$4" --rate "$3" > "$dir/round" || return 1
	summary < "$dir/round" > "$dir/latency"
	printf '%s, batch %d, %d/s: p50 %.1f ms, p99 %.1f ms\n' "$1" "$2" "$3" \
	    "$(median p50 < "$dir/latency")" "$(median p99 < "$dir/latency")"
	sed "s/^/$(echo "$1" | tr ' ' _)./" "$dir/latency" |
	    grep '\.p[59]' >> "$dir/summary.$2"
}

# Memory of all processes; Pss counts a page that several have once.
memory() {
	for _p in "$runner" $(pgrep -P "$runner"); do
		cat "/proc/$_p/smaps_rollup"
	done 2> /dev/null | awk '/^Rss/ { rss += $2 } /^Pss:/ { pss += $2 }
	END { printf "memory of all processes, 2 workers: %.1f MB Pss, %.1f MB Rss\n",
	    pss / 1024, rss / 1024 }'
}

# queues IN-FLIGHT...: so many batches of 16 at once, in turn.
queues() {
	for _i in 1 2 3; do
		for _k in "$@"; do
			measure 16 6144 --in-flight "$_k" >> "$dir/queue.$_k" ||
			    return 1
		done
	done
	for _k in "$@"; do
		summary < "$dir/queue.$_k" > "$dir/queue"
		printf '%d tasks in flight: %.0f µs CPU per task, %.0f transfers/s\n' \
		    $((16 * _k)) "$(median runner < "$dir/queue")" \
		    "$(median tps < "$dir/queue")"
	done
}

start_bench
_i=0
while [ $_i -lt "$ROUNDS" ] && [ $failed -eq 0 ]; do
	for batch in 1 16 64; do
		round $batch >> "$dir/rounds.$batch"
	done
	_i=$((_i + 1))
done
[ $failed -eq 0 ] || finish
for batch in 1 16 64; do
	summary < "$dir/rounds.$batch" > "$dir/summary.$batch"
done

echo "CPU of a transfer, medians of $ROUNDS rounds (lowest-highest)"
echo 'batch  floor µs           Runner µs          ratio              transfers/s   p50 ms   p99 ms'
for batch in 1 16 64; do cost $batch < "$dir/summary.$batch"; done
echo
echo 'batch  role      CPU µs = floor + rest  busiest thread'
for batch in 1 16 64; do roles $batch < "$dir/summary.$batch"; done
echo
for batch in 1 16; do
	rate=$(median tps < "$dir/summary.$batch")
	rate=$((${rate%.*} / 2))
	latency 'half load' $batch $rate $((rate * 5))
done
latency 'idle' 1 50 200
conf_is 2 4096
memory
queues 4 256
for batch in 1 16 64; do json batch=$batch < "$dir/summary.$batch"; done

"$BUILD/tests/bench/primitives" > "$dir/primitives" || flunk 'arithmetic takes too much'
tail -n 1 "$dir/primitives"
srcdir=$src "$BUILD/tests/bench/attest" || flunk 'a verification takes too long'
[ $failed -eq 0 ] && pass 'bench'
finish
