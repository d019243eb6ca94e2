# Sourced by bench.sh and scale.sh: CPU of each thread over a load, and medians of
# several rounds.  A result is a line "KEY VALUE"; a summary has lines "KEY MEDIAN
# LOWEST HIGHEST".
. "$(dirname "$0")/../integration/lib.sh"

ROUNDS=${ROUNDS:-7}
TASKS=${TASKS:-1500}		# in a round
# Tables go to stderr and JSON to stdout.
[ -z "$JSON" ] || exec 3>&1 1>&2

# threads NAME PID: "NAME PID/THREAD NANOSECONDS".
threads() {
	for _t in /proc/"$2"/task/*; do
		read -r _on _rest < "$_t/schedstat" &&
		    echo "$1 $2/${_t##*/} $_on"
	done 2> /dev/null
}

# CPU used so far by the Runner and the counterparts, and time of all processors.
sample() {
	threads role.monitor "$runner"
	for _p in $(pgrep -P "$runner"); do
		threads "role.$(cat "/proc/$_p/comm")" "$_p"
	done
	# Workers that retired, when the monitor has waited for them.
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, "")
	    printf "role.compute ended %.0f\n", ($14 + $15) * 1e9 / hz }' \
	    "/proc/$runner/stat"
	while read -r _name _p; do
		threads "peer.${_name%-*}" "$_p"
	done < "$dir/pids"
	awk '/^cpu / { print "idle - " $5 + $6
	    print "total - " $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat
}

# tasks_of BATCH: in a round.
tasks_of() {
	[ "$1" -gt 1 ] && echo "$TASKS" || echo $((TASKS * 2 / 5))
}

# load_of BATCH TASKS OPTION...: a load, and its results as JSON; another script may
# have another.
load_of() {
	_b=$1 _n=$2; shift 2
	timeout 120 tee-devnet bench --dir "$dir" --op transfer --tasks "$_n" \
	    --batch "$_b" "$@" --json
}

# measure BATCH TASKS OPTION...: the results of a load.  us.* is CPU in us per
# task, thread.* that of the busiest thread, and util.* its percentage of a
# processor.  `before' has workers that retire since, and `ended' all they used.
measure() {
	_b=$1 _n=$2; shift 2
	sample > "$dir/before"
	load_of "$_b" "$_n" "$@" > "$dir/json" 2> "$dir/json.err" || {
		flunk "bench of $_n tasks in batches of $_b" >&2
		return 1
	}
	sample > "$dir/after"
	tr -d '",:' < "$dir/json" | awk -v n="$_n" '
	FILENAME == "-" { json[$1] = $2; next }
	FILENAME ~ /before$/ { before[$1, $2] = $3; next }
	{ used[$1] += us = ($3 - before[$1, $2]) / 1000
	  if ($2 != "ended" && us > busiest[$1]) busiest[$1] = us
	  delete before[$1, $2] }
	END {
		for (k in before) if (k ~ /^role\.compute/)
			used["role.compute"] -= before[k] / 1000
		for (k in used) if (k ~ /^(role|peer)\./) {
			if (k ~ /^role/) all += used[k]
			print "us." k, used[k] / n
			print "thread." k, busiest[k] / n
			print "util." k, busiest[k] / json["seconds"] / 1e4
		}
		print "runner", all / n
		print "machine", 100 * (1 - used["idle"] / used["total"])
		print "tps", json["tasksPerSecond"]
		print "p50", json["p50ms"]
		print "p99", json["p99ms"]
	}' - "$dir/before" "$dir/after"
}

# A summary of results.
summary() {
	sort -k1,1 -k2,2g | awk '
	function flush() {
		if (n) print key, v[int((n + 1) / 2)], v[1], v[n]
		n = 0
	}
	$1 != key { flush(); key = $1 }
	{ v[++n] = $2 }
	END { flush() }'
}

# median KEY < SUMMARY
median() { awk -v k="$1" '$1 == k { print $2 }'; }

# json KEY=VALUE... < SUMMARY: an object with arrays of median, lowest, highest.
json() {
	[ -n "$JSON" ] || return 0
	{ printf '%s\n' "$@" | tr '=' ' '; cat; } | awk '
	{ all = all sprintf("%s\"%s\": ", NR > 1 ? ", " : "", $1)
	  all = all (NF == 2 ? $2 : "[" $2 ", " $3 ", " $4 "]") }
	END { print "{" all "}" }' >&3
}

# conf_is WORKERS MAX-TASKS, in the running service.
conf_is() {
	sed -i '/^workers/d;/^max-tasks/d' "$dir/tee-runnerd.conf"
	printf 'workers %s\nmax-tasks %s\n' "$1" "$2" >> "$dir/tee-runnerd.conf"
	tee-runnerctl reload -s "$dir/runner.sock" > /dev/null
	until_ok 10 workers_are "$1" || flunk "workers become $1"
}
workers_are() { is "$1" "$(pgrep -c -P "$runner" -x compute)"; }

# A system, warm.
start_bench() {
	start_devnet --kms 2/3
	start_serving
	measure 16 500 --in-flight 4 > "$dir/round" || finish
}
