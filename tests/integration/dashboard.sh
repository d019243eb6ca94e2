#!/bin/sh
# A real Prometheus scrapes a Runner: it accepts each query of contrib/grafana and has data
# for it, no alert is pending while all is well, and StreamDown is when the Orchestrator ends.
. "$(dirname "$0")/lib.sh"
command -v prometheus > /dev/null && command -v promtool > /dev/null ||
    skip 'prometheus is not installed'

json=$src/contrib/grafana/tee-runner.json
url=http://127.0.0.1:$port

# A port that is taken makes Prometheus end: try the next.
start_prometheus() {
	for _try in 1 2 3 4 5; do
		prometheus --config.file="$dir/prometheus.yml" \
		    --storage.tsdb.path="$dir/tsdb" \
		    --web.listen-address="127.0.0.1:$port" \
		    > "$dir/prometheus.log" 2>&1 &
		_pid=$!
		others="$others $_pid"
		if until_ok 10 promtool query instant "$url" 1 &&
		    kill -0 "$_pid"; then
			return 0
		fi
		port=$((port + 1))
		url=http://127.0.0.1:$port
	done
	return 1
}

query() { promtool query instant "$url" "$1"; }
gives_data() { query "$1" | grep -q .; }
gives_nothing() { not gives_data "$1"; }

# The dashboard's queries with its variables replaced, one a line.
queries() {
	sed -n 's/^ *"expr": "\(.*\)",$/\1/p' "$json" |
	    sed 's/\\"/"/g; s/\$instance/.*/g; s/\$__rate_interval/10s/g'
}

# Without a fault these have no data: what is compared, and alerts.  So has a metric that
# this version does not serve.
may_be_empty() {
	case $1 in
	*' == 1'* | *' > 0'* | ALERTS*) return 0 ;;
	esac
	for _m in $(echo "$1" | grep -oE 'tee_runner_[a-z_]+'); do
		grep -q "^${_m}[{ ]" "$dir/metrics" || return 0
	done
	return 1
}

check_queries() {
	queries > "$dir/queries"
	while read -r _query; do
		check "accepted: $_query" query "$_query"
		may_be_empty "$_query" ||
		    check '... and there is data' gives_data "$_query"
	done < "$dir/queries"
	check 'the dashboard has 40 queries or more' \
	    test "$(wc -l < "$dir/queries")" -ge 40
}

start_devnet
start_serving
http=$(sed -n 's/^http-listen //p' "$dir/tee-runnerd.conf")
cp "$src/contrib/prometheus/tee-runner.rules.yml" "$dir"
sed "s/127.0.0.1:9464/$http/; s/_interval: .*/_interval: 1s/" \
    "$src/contrib/prometheus/prometheus.yml" > "$dir/prometheus.yml"
check 'Prometheus starts with the example of a configuration' start_prometheus || finish
check 'it has the metrics of the Runner' until_ok 20 gives_data 'tee_runner_serving == 1'
for _n in 1 2 3 4 5; do
	check 'a task ends OK' add
done
sleep 3
if command -v node > /dev/null; then
	check 'the dashboard is JSON' node -e \
	    'JSON.parse(require("fs").readFileSync(process.argv[1]))' "$json"
	node -e 'fetch("http://" + process.argv[1] + "/metrics").then(r => r.text()).then(
	    t => process.stdout.write(t))' "$http" > "$dir/metrics"
	check 'there are metrics' test -s "$dir/metrics"
	check 'promtool: the metrics follow the conventions' \
	    promtool check metrics < "$dir/metrics"
fi
query '{job="tee-runner"}' | sed 's/^\([a-z_]*\){.*/\1 /' | sort -u > "$dir/metrics"
check_queries
check 'a wrong query is refused' not query 'rate('
check 'no alert is pending or fires' gives_nothing ALERTS

kill "$(server_pid orchestrator)"
check 'without the Orchestrator StreamDown is pending' \
    until_ok 20 gives_data 'ALERTS{alertname="TeeRunnerStreamDown"}'
check 'and the reason is no-stream' until_ok 10 gives_data \
    'ALERTS{alertname="TeeRunnerNotServing",why="no-stream"}'
serve orchestrator
check 'it is not when the Orchestrator is back' \
    until_ok 30 gives_nothing 'ALERTS{alertname="TeeRunnerStreamDown"}'
finish
