#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Random kills of roles, of the NATS server and of the Gateway, while two Runners share a
# consumer and transactions are also published again: each is resolved once, and only what
# can never be computed becomes a dead letter.  noxstorm.sh [TRANSACTIONS [KILLS]], by
# default 1500 and 15; SEED=N repeats an order.  Prints a table of how long each kind took
# to recover: from the moment when what was killed may start again until each transaction
# that had been published has been resolved.
. "$(dirname "$0")/strikes.sh"
with_nats

transactions=${1:-1500} kills=${2:-15}
limit="timeout $((120 + kills * 8))"
bad=5 again=$((transactions / 10))	# a tenth is published three times
# At this rate the load lasts as long as the kills.
rate=$((transactions / (kills * 4) + 1))

field() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$dir/api"; }
stream=nox_ingestor consumer=nox_ingestor_consumer
info() { jetstream CONSUMER.INFO.$stream.$consumer; }

# ---- kills

# Kind, which Runner, how long it stays away, and the pause after it, seconds.
plan() {
	rounds nox keys registry compute evidence nats gateway frozen-nats frozen-gateway \
	    consumer runner | head -n "$kills" |
	    awk '{ printf "%s %d %.2f %.2f\n", $1, 1 + int(2 * $4), 0.2 + $2, 1.5 + 2 * $3 }'
}

# The Gateway is the server nox.
name_of() { [ "$1" = gateway ] && echo nox || echo "$1"; }
server_of() { server_pid "$(name_of "$1")"; }

start_second() {
	tee-runnerd -d -L "$BUILD/libexec" -f "$dir/tee-runnerd-2.conf" >> "$dir/runner-2.log" 2>&1 &
	second=$!
	others="$others $second"
}

# The consumer is made again, after the last message before which all were answered.
remake_consumer() {
	until_ok 20 info || return
	_floor=$(sed -n 's/.*"ack_floor":{[^}]*"stream_seq":\([0-9]*\).*/\1/p' "$dir/api")
	until_ok 20 jetstream CONSUMER.DELETE.$stream.$consumer
	sleep "$1"
	until_ok 20 jetstream CONSUMER.DURABLE.CREATE.$stream.$consumer "{\"stream_name\":\"$stream\",\"config\":{\"durable_name\":\"$consumer\",\"ack_policy\":\"explicit\",\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":$((_floor + 1)),\"max_deliver\":10,\"max_ack_pending\":64,\"ack_wait\":3000000000}}"
}

# strike KIND RUNNER SECONDS
strike() {
	[ "$2" = 1 ] && monitor=$runner || monitor=$second
	case $1 in
	nox|keys|registry|evidence|compute)
		for p in $(pgrep -P "$monitor" -x "$1"); do kill -9 "$p"; done ;;
	runner)
		# As a service manager would.
		roles=$(pgrep -P "$second")
		kill -9 "$second" $roles
		wait "$second" 2> /dev/null
		sleep "$3"
		start_second ;;
	consumer)
		remake_consumer "$3" ;;
	frozen-*)
		p=$(server_of "${1#frozen-}")
		kill -STOP $p
		sleep "$3"
		kill -CONT $p ;;
	*)
		kill -9 $(server_of "$1")
		sleep "$3"
		serve "$(name_of "$1")" ;;
	esac
	echo "$1 $(now)" >> "$dir/strikes"
}

# KIND COUNT P50 P99 MAX, from when each was struck and the transactions' times.
recoveries() {
	cat "$dir/times" "$dir/times-again" > "$dir/all-times"
	awk 'NR == FNR { sent[NR] = $1; done[NR] = $2; n = NR; next }
	{
		last = $2
		for (i = 1; i <= n; i++)
			if (sent[i] <= $2 && done[i] > last)
				last = done[i]
		print $1, last - $2
	}' "$dir/all-times" "$dir/strikes" | recovery_table
}

# ---- what can never be computed

h() { printf '0x0000007a69%s01%050d' "$1" "$2"; }	# h TYPE NUMBER: a handle
hash() { printf '0x%064d' "$1"; }
caller=0x$(printf %040d 1)
# transaction NUMBER CHAIN EVENT
transaction() {
	echo "{\"chainId\":$2,\"caller\":\"$caller\",\"blockNumber\":1,\"transactionHash\":\"$(hash "$1")\",\"events\":[{\"logIndex\":0,\"caller\":\"$caller\",$3}]}"
}
operands() { echo "\"leftHandOperand\":\"$1\",\"rightHandOperand\":\"$2\",\"result\":\"$3\""; }
never() {
	case $1 in
	1) echo '{"chainId":' ;;
	2) transaction 2 31337 '"type":"power"' ;;
	3) transaction 3 1 "\"type\":\"add\",$(operands "$(h 23 1)" "$(h 23 2)" "$(h 23 3)")" ;;
	4) transaction 4 31337 "\"type\":\"add\",$(operands "$(h 23 1)" "$(h 05 2)" "$(h 23 3)")" ;;
	5) transaction 5 31337 "\"type\":\"add\",$(operands "$(h 23 1)" 0x12 "$(h 23 3)")" ;;
	esac
}
# What the header of its dead letter says.
cause() {
	case $1 in
	1) echo 'malformed message' ;;
	2) echo 'unknown opcode: type' ;;
	3) echo 'wrong chain' ;;
	4) echo 'operand types do not fit' ;;
	5) echo 'malformed message: rightHandOperand' ;;
	esac
}
publish_never() {
	nats "req $stream.$(hash "$1") $(never "$1")" > "$dir/published" && grep -q '"seq"' "$dir/published"
}

# The dead letters: the cause and the text of each.
read_letters() {
	until_ok 20 jetstream STREAM.INFO.dead
	_n=$(field messages)
	: > "$dir/letters"
	for _i in $(seq 1 "$_n"); do
		until_ok 20 jetstream STREAM.MSG.GET.dead "{\"seq\":$_i}"
		for _f in hdrs data; do
			sed -n "s/.*\"$_f\":\"\([^\"]*\)\".*/\1/p" "$dir/api" | base64 -d
			echo
		done | tr -d '\r' >> "$dir/letters"
	done
}
# Causes that none of the messages has that can never be computed.
other_causes() {
	_r=0
	for _i in $(seq 1 $bad); do cause "$_i"; done > "$dir/causes"
	sed -n 's/^Tee-Runner-Cause: *//p' "$dir/letters" | grep -vxFf "$dir/causes" && _r=1
	return $_r
}

# ---- the storm

start_devnet --nox --nox-pending 64 --nox-batch 32 --nox-ack-wait 3
until_ok 20 jetstream STREAM.CREATE.dead '{"name":"dead","subjects":["nox_dead"],"storage":"file"}'
start_serving
sed "s|/runner.sock|/runner-2.sock|; s|^uid-base .*|uid-base 60840|; /^http-listen/d" \
    "$dir/tee-runnerd.conf" > "$dir/tee-runnerd-2.conf"
start_second
check 'a second Runner serves' until_ok 30 tee-runnerctl status -s "$dir/runner-2.sock"

echo "storm: $transactions transactions, $kills kills, SEED=$SEED"
bench() { nox bench --in-flight 500 --timeout $((60 + kills * 6)) --json "$@"; }
bench --tasks $((transactions - again)) --rate "$rate" "$dir/times" > "$dir/load" 2> "$dir/load.err" &
load=$!
bench --tasks "$again" --rate $((rate / 10 + 1)) --times 3 "$dir/times-again" > "$dir/load-again" 2> "$dir/load-again.err" &
load_again=$!
# Two balances for each, and the amounts.
inputs=$((4 + transactions))
inputs_stored() { [ "$(values)" -ge "$inputs" ]; }
check 'the inputs are stored' until_ok 120 inputs_stored
sleep 1
: > "$dir/strikes"
plan > "$dir/plan"
k=0
exec 4< "$dir/plan"
while read -r kind which away pause <&4; do
	strike "$kind" "$which" "$away"
	sleep "$pause"
	k=$((k + 1))
	[ $k -gt $bad ] || check "a message that can never be computed: $(cause $k)" \
	    until_ok 20 publish_never $k
done
check 'every transaction is resolved' wait $load
check '... and those that are published again' wait $load_again
cat "$dir/load"
recoveries
check 'every message was answered' until_ok 60 answered
check 'every kind of kill was tried' test "$(cut -d ' ' -f 1 "$dir/strikes" | sort -u | wc -l)" -eq 11
check 'each result was stored once' is $((inputs + 3 * transactions)) "$(values)"
check 'no result conflicted' not grep -q conflicted "$dir/log/nox.log"
read_letters
echo "dead letters: $(grep -c '^Tee-Runner-Cause' "$dir/letters")"
for k in $(seq 1 $bad); do
	check "... $(cause $k)" grep -qxF "Tee-Runner-Cause: $(cause $k)" "$dir/letters"
	check '... with its text' grep -qxF "$(never $k)" "$dir/letters"
done
check '... and no other' other_causes
cat "$dir/runner-2.log" >> "$dir/runner.log"
check 'the server gave no message up' not logged 'the server gives it up'
check 'no role broke the protocol' test "$(count 'illegal')" -eq 0
check 'no role was denied a system call' not logged 'is not in its policy'
check 'no role died by itself' test "$(grep ' died: ' "$dir/runner.log" | grep -vc 'signal 9: Killed')" -eq 0
check 'SIGTERM drains, and the Runner exits with 0' stop_runner
finish
