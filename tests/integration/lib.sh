# Sourced by the tests of whole systems: one tee-devnet and one tee-runnerd in the
# temporary directory, and what is asked of them.
. "$(dirname "$0")/../lib.sh"

export ASAN_OPTIONS=detect_leaks=0	# tee-devnet ends without freeing
runner=

# ---- the counterparts

# $limit is empty, or a timeout(1).
devnet() { _c=$1; shift; $limit tee-devnet "$_c" --dir "$dir" "$@"; }
put() { devnet put "$@"; }
nox() { _verb=$1; shift; $limit tee-devnet nox "$_verb" --dir "$dir" "$@"; }
# with_nats: the script needs nats-server.
with_nats() {
	PATH=$PATH:/usr/sbin
	command -v nats-server > /dev/null || skip 'nats-server is not installed'
}

# start_devnet [OPTION]...
start_devnet() {
	devnet up --insecure "$@" > "$dir/up.log" 2>&1 || {
		cat "$dir/up.log"
		flunk 'tee-devnet up'
		finish
	}
}

restart_devnet() { devnet down && devnet up > "$dir/up.log"; }

# server_pid NAME; serve NAME: start it again.
# nats-server has the place of the process that was told to serve it.
server_pid() { pgrep -f "^(tee-devnet serve $dir $1|nats-server -c $dir/$1.conf)\$"; }
serve() {
	tee-devnet serve "$dir" "$1" >> "$dir/log/$1.log" 2>&1 < /dev/null &
	others="$others $!"
}

# nats COMMAND...: what natsclient prints for these, with the Runner's certificate or that
# of $as.  It ends when its requests have replies, or after $seconds (10).
nats() {
	_tls=$dir/tls/${as:-runner-1}
	printf '%s\n' "$@" | "$BUILD/tests/integration/natsclient" -w "${seconds:-10}" \
	    -t "$dir/tls/ca.pem" "$_tls.pem" "$_tls.key" \
	    "$(sed -n 's/^nats-server .*://p' "$dir/tee-runnerd.conf")" 2>&1
}
# jetstream NAME [JSON]: a request to its API; the answer is in $dir/api.
jetstream() {
	nats "req \$JS.API.$1 ${2:-{\}}" > "$dir/api" &&
	grep -q '^reply' "$dir/api" && ! grep -q '"error"' "$dir/api" || { cat "$dir/api"; false; }
}
# The consumer waits for no answer, and has no message that was not delivered.
answered() {
	jetstream CONSUMER.INFO.nox_ingestor.nox_ingestor_consumer &&
	grep -q '"num_ack_pending":0.*"num_pending":0' "$dir/api"
}

# Values that are stored.
values() { devnet status | sed -n 's/^ *"values": \([0-9]*\),*$/\1/p'; }

# ---- tasks

# submit OP ARGUMENT...: within $timeout seconds (10); then its status, and the handle
# of the output with this name.
submit() { devnet submit --timeout "${timeout:-10}" "$@" > "$dir/result" 2>&1; }
result() { sed -n 's/^ *"status": "\(.*\)",*$/\1/p' "$dir/result"; }
output() { sed -n "s/^ *\"$1\": \"\(0x.*\)\",*\$/\1/p" "$dir/result"; }
# gives STATUS OP ARGUMENT...
gives() {
	_want=$1; shift
	submit "$@"
	[ "$(result)" = "$_want" ] || { cat "$dir/result"; false; }
}
# A task of one operation, and one with three outputs.
add() { _a=$(put uint256 10) && gives OK add "$_a" uint256:2; }
transfer() {
	_a=$(put uint256 10) && _b=$(put uint256 5) &&
	submit transfer "$_a" "$_b" uint256:3 && grep -q '"outputs"' "$dir/result"
}

# 600 transfers, while the script goes on: then none of them may have been lost.
load() {
	devnet bench --op transfer --tasks 600 --batch 8 --in-flight 4 --json \
	    > "$dir/load" 2>&1 &
	load=$!
}
none_lost() { wait $load && grep -q '"failed": 0' "$dir/load" || { cat "$dir/load"; false; }; }

# ---- the Runner

# If TRACE is a directory, strace's record goes there, for
# tests/hostile/coverage.sh.  The tracer stands aside: the Runner's pid is its own.
start_runner() {
	_trace=
	[ -z "$TRACE" ] ||
	    _trace="strace -D -f -qq -s 0 -o $TRACE/$(basename "$0").$(date +%s%N)"
	$_trace tee-runnerd -d -L "${ROLES:-$BUILD/libexec}" -f "$dir/tee-runnerd.conf" \
	    >> "$dir/runner.log" 2>&1 &
	runner=$!
}

# start_serving [SECONDS]: a Runner; without one that serves the script ends.
start_serving() {
	start_runner
	until_ok "${1:-30}" state_is serving || { flunk 'the Runner does not serve'; finish; }
}

# SIGTERM; its exit status.
stop_runner() {
	kill -TERM "$runner" 2> /dev/null
	wait "$runner"
	_r=$?
	runner=
	return $_r
}

status() { tee-runnerctl status --json -s "$dir/runner.sock"; }
status_has() { status | grep -q -- "$1"; }
state_is() { status_has "\"state\": *\"$1\""; }
# The log without its times; times that a line was logged; logged LINE [TIMES]: at least
# once.
log_lines() { sed 's/^20[0-9T:.-]*Z //' "$dir/runner.log"; }
count() { log_lines | grep -c -- "$1"; }
logged() { [ "$(count "$1")" -ge "${2:-1}" ]; }

has_jsonschema() { /usr/bin/python3 -c 'import jsonschema' 2> /dev/null; }
# valid_by SCHEMA COMMAND [ARGUMENT]...: the JSON of tee-runnerctl is what the schema says.
valid_by() {
	_schema=$1; shift
	tee-runnerctl "$@" --json > "$dir/json" && /usr/bin/python3 - "$_schema" "$1" "$dir/json" << 'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
schema["$ref"] = "#/$defs/" + sys.argv[2]
jsonschema.validate(json.load(open(sys.argv[3])), schema)
END
}
valid() { valid_by "$src/proto/tee-runnerctl.schema.json" "$@"; }

# role_pid NAME [INDEX]: of the running Runner.
role_pid() {
	pgrep -P "$runner" -x "$1" | sed -n "$((${2:-0} + 1))p"
}

# ---- the Runner's certificate

expires() { status | sed -n 's/.*"certificate_expires": *\([0-9]*\).*/\1/p'; }
# Another certificate is used than the one that expired then.
is_used() { _now=$(expires); [ -n "$_now" ] && [ "$_now" != "$1" ]; }
# make_key; make_certificate DAYS: into new files, for the next
make_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/new.key" 2> /dev/null; }
make_certificate() {
	printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n' > "$dir/ext"
	openssl req -new -key "$dir/new.key" -subj /CN=runner-1 -out "$dir/csr" &&
	    openssl x509 -req -in "$dir/csr" -CA "$dir/tls/ca.pem" -CAkey "$dir/tls/ca.key" \
	    -set_serial "0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')" -days "$1" \
	    -extfile "$dir/ext" -out "$dir/new.pem"
} > "$dir/openssl.log" 2>&1
take_key() { mv "$dir/new.key" "$dir/tls/runner-1.key"; }
take_certificate() { mv "$dir/new.pem" "$dir/tls/runner-1.pem"; }

# ---- processes

# Of a process: clock ticks of CPU time.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
now() { date +%s%3N; }

stop_system() {
	[ -z "$runner" ] || stop_runner
	devnet down > /dev/null 2>&1
}
at_end=stop_system
