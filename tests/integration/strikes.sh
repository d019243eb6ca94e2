# Sourced, instead of lib.sh, by the tests that kill at random: the order of the kills, and
# how long recovery took.
. "$(dirname "$0")/lib.sh"

SEED=${SEED:-$(date +%s)}

# rounds KIND...: without end, each once in a round, in random order, with three random
# numbers from 0 to 1.
rounds() {
	awk -v seed="$SEED" -v kinds="$*" 'BEGIN {
		n = split(kinds, kind, " ")
		srand(seed)
		for (;;) {
			for (i = n; i > 0; i--) {
				j = int(rand() * i) + 1
				x = kind[i]; kind[i] = kind[j]; kind[j] = x
			}
			for (i = 1; i <= n; i++)
				printf "%s %f %f %f\n", kind[i], rand(), rand(), rand()
		}
	}'
}

# From lines KIND MILLISECONDS: KIND COUNT P50 P99 MAX.
recovery_table() {
	sort -k 1,1 -k 2,2n | awk '
		function out() {
			if (n > 0)
				printf "%-20s %4d %8d %8d %8d\n", kind, n,
				    ms[int((n - 1) * 0.5) + 1],
				    ms[int((n - 1) * 0.99 + 0.999) + 1], ms[n]
			n = 0
		}
		BEGIN { printf "%-20s %4s %8s %8s %8s\n", "recovery, ms", "n", "p50", "p99", "max" }
		$1 != kind { out(); kind = $1 }
		{ ms[++n] = $2 }
		END { out() }'
}
