#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The alerts of contrib/prometheus fire when they should, and only then, and the queries of
# contrib/grafana are valid, as promtool(1) of Prometheus has it.  test_hacking.sh compares
# them with the metrics, explain.def and the manual.

src=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)/contrib/prometheus
passed=0 failed=0
export LC_ALL=C
command -v promtool > /dev/null || {
	echo 'skip: promtool is not installed (package prometheus)'
	exit 77
}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# check NAME COMMAND...
check() {
	name=$1
	shift
	if "$@" > "$tmp/out" 2>&1; then
		passed=$((passed + 1)); echo "ok   $name"
	else
		failed=$((failed + 1)); cat "$tmp/out"; echo "FAIL $name"
	fi
}

alerts() { sed -n 's/^ *- alert: //p' "$src/tee-runner.rules.yml"; }

# Each alert has a test, which sees it fire.
each_is_tested() {
	for alert in $(alerts); do
		grep -q "ALERTS{alertname=\"$alert\",alertstate=\"firing\"}" \
		    "$src/tee-runner.test.yml" || { echo "$alert"; return 1; }
	done
}

# Each names the command that explains it.
each_says_what_to_do() {
	tr -s '\n ' ' ' < "$src/tee-runner.rules.yml" > "$tmp/rules"
	for alert in $(alerts); do
		grep -q "First: tee-runnerctl explain $alert\>" "$tmp/rules" ||
		    { echo "$alert"; return 1; }
	done
}

# An alert that never fires, or always, fails the test.
a_wrong_rule_is_seen() {
	cp "$src/tee-runner.test.yml" "$tmp"
	sed "$1" "$src/tee-runner.rules.yml" > "$tmp/tee-runner.rules.yml"
	! cmp -s "$src/tee-runner.rules.yml" "$tmp/tee-runner.rules.yml" &&
	! promtool test rules "$tmp/tee-runner.test.yml"
}

# As rules that record, since promtool reads those without a server.
queries_are_valid() {
	{
		echo 'groups:'
		echo '- name: dashboard'
		echo '  rules:'
		sed -n 's/^ *"expr": "\(.*\)",$/\1/p' "$src/../grafana/tee-runner.json" |
		    sed "s/\\\\\"/\"/g; s/\\\$__rate_interval/5m/g
			s/.*/  - { record: query, expr: '&' }/"
	} > "$tmp/queries.yml"
	[ "$(wc -l < "$tmp/queries.yml")" -ge 40 ] &&
	promtool check rules "$tmp/queries.yml"
}

check 'there are 25 alerts or more' test "$(alerts | wc -l)" -ge 25
check 'promtool: the rules are valid' promtool check rules "$src/tee-runner.rules.yml"
check 'promtool: the example of a configuration is valid' \
    promtool check config "$src/prometheus.yml"
check 'promtool: each alert fires when it should, and only then' \
    promtool test rules "$src/tee-runner.test.yml"
check 'promtool: each query of the dashboard is valid' queries_are_valid
check 'each alert has a test' each_is_tested
check 'each alert names the command that explains it' each_says_what_to_do
check 'an alert that never fires is seen' \
    a_wrong_rule_is_seen 's/gas_no_funds == 1/gas_no_funds == 2/'
check 'an alert that always fires is seen' \
    a_wrong_rule_is_seen 's/gas_no_funds == 1/gas_no_funds < 2/'

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
