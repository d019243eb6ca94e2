#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Runner that serves a chain with Nox v0: a real nats-server, and tee-devnet's publisher,
# Gateway and KMS.  Each operation, what cannot be computed, what goes wrong on the way,
# redelivery, a consumer that is deleted, kills, another certificate, two Runners with one
# consumer, and an upgrade.
. "$(dirname "$0")/lib.sh"
with_nats
command -v node > /dev/null || skip 'node is not installed'
limit='timeout 120'

ctl() { _c=$1; shift; tee-runnerctl "$_c" -s "$dir/runner.sock" "$@"; }
submit() { nox submit --timeout "${timeout:-20}" "$@" > "$dir/result" 2>&1; }
out() { sed -n "s/^ *\"$1\": \"\(0x.*\)\",*\$/\1/p" "$dir/result"; }
hash_of() { sed -n 's/^ *"transactionHash": "\(0x.*\)",*$/\1/p' "$dir/result"; }
resolved() { submit "$@" && grep -q '"resolved": true' "$dir/result" || { cat "$dir/result"; false; }; }
# gives NAME VALUE OP ARGUMENT...: of the output with this name
gives() {
	_name=$1 _want=$2; shift 2
	resolved "$@" && is "$_want" "$(nox get "$(out "$_name")")"
}
fault() { devnet fault nox "$@" > /dev/null; }
# The state of the last transaction that was submitted; in_state WORD
in_state() {
	ctl task "$(hash_of | cut -c 3-18)" > "$dir/task"
	grep -q "^$1" "$dir/task" || { cat "$dir/task"; false; }
}

consumer=nox_ingestor.nox_ingestor_consumer

start_devnet --nox --nox-pending 64 --nox-batch 32 --nox-ack-wait 3
echo 'max-tasks 1024' >> "$dir/tee-runnerd.conf"
start_serving
check 'status names the protocol' status_has '"protocol": *"nox-v0"'

# ---- operations

max16=65535 max=115792089237316195423570985008687907853269984665640564039457584007913129639935
check 'add' gives result uint256:42 add uint256:40 uint256:2
check 'add wraps' gives result uint16:1 add "uint16:$max16" uint16:2
check 'sub' gives result uint16:65535 sub uint16:1 uint16:2
check 'sub of signed numbers' gives result int16:-1 sub int16:1 int16:2
check 'mul' gives result uint256:42 mul uint256:6 uint256:7
check 'div' gives result uint256:6 div uint256:42 uint256:7
check 'div truncates to zero' gives result int16:-3 div int16:-7 int16:2
check 'div by zero is the maximum' gives result "uint256:$max" div uint256:7 uint256:0
check 'div by zero of a signed number is the maximum' gives result int16:32767 div int16:-7 int16:0
check 'safe_add' gives result uint16:3 safe_add uint16:1 uint16:2
check '... success' is bool:true "$(nox get "$(out success)")"
check 'safe_add that overflows is 0' gives result uint16:0 safe_add "uint16:$max16" uint16:1
check '... no success' is bool:false "$(nox get "$(out success)")"
check 'safe_sub that overflows' gives success bool:false safe_sub uint256:1 uint256:2
check 'safe_mul' gives result uint16:42 safe_mul uint16:6 uint16:7
check 'safe_div by zero' gives success bool:false safe_div uint256:1 uint256:0
check 'eq' gives result bool:true eq uint256:5 uint256:5
check 'ne' gives result bool:false ne uint256:5 uint256:5
check 'lt of signed numbers' gives result bool:true lt int16:-1 int16:1
check 'le' gives result bool:true le uint16:1 uint16:1
check 'gt' gives result bool:false gt uint16:1 uint16:1
check 'ge' gives result bool:true ge int256:-1 int256:-1
check 'select' gives result uint256:1 select bool:true uint256:1 uint256:2
check 'select, the other' gives result uint256:2 select bool:false uint256:1 uint256:2
check 'transfer' gives newBalanceFrom uint256:7 transfer uint256:10 uint256:5 uint256:3
check '... to' is uint256:8 "$(nox get "$(out newBalanceTo)")"
check '... success' is bool:true "$(nox get "$(out success)")"
check 'transfer of too much changes nothing' \
    gives newBalanceFrom uint256:10 transfer uint256:10 uint256:5 uint256:11
check '... no success' is bool:false "$(nox get "$(out success)")"
a=$(nox put uint256 10)
check 'transfer to itself has no rule' gives newBalanceFrom uint256:7 transfer "$a" "$a" uint256:3
check '... to' is uint256:13 "$(nox get "$(out newBalanceTo)")"
check 'mint' gives newTotalSupply uint256:103 mint uint256:5 uint256:3 uint256:100
check 'burn' gives newBalanceFrom uint256:2 burn uint256:5 uint256:3 uint256:100
check 'wrap' gives handle int16:-5 wrap int16:-5
check 'a result is an operand' gives result uint256:50 add "$(resolved add "$a" uint256:20 && out result)" uint256:20
check 'every message was answered' until_ok 10 answered

# ---- an operator sees it

check 'a task is known by the hash of its transaction' in_state 'state  *acknowledged$'
for stage in received admitted asked granted verified started computed signed sent acknowledged; do
	check "its timeline has $stage" sh -c 'tee-runnerctl task "$1" -s "$2" | grep -q "^  $3 "' \
	    - "$(hash_of | cut -c 3-18)" "$dir/runner.sock" "$stage"
done

if has_jsonschema; then
	for command in status tasks "task $(hash_of | cut -c 3-18)" registration evidence; do
		check "$command --json is valid against its schema" valid $command -s "$dir/runner.sock"
	done
else
	echo 'skipped: the JSON Schema: python3-jsonschema is not here'
fi

# ---- again

check 'the same message three times' resolved --times 3 mul uint256:2 uint256:3
check 'the same operation on the same operands again' gives result uint256:30 add "$a" "$(b=$(nox put uint256 20) && echo "$b" && echo "$b" > "$dir/b")"
check '... in another transaction' gives result uint256:30 add "$a" "$(cat "$dir/b")"
check 'neither is a conflict' not logged 'given up'
check 'every message was answered once more' until_ok 10 answered

# ---- what waits

check 'drain' ctl drain
timeout=0
submit add "$a" uint256:1
first=$(out result)
submit add "$first" uint256:1
second=$(out result)
timeout=20
check 'a drained Runner takes no message' sh -c 'sleep 1; ! tee-devnet nox get --dir "$1" "$2"' - "$dir" "$second"
check 'resume' ctl resume
has() { is "$2" "$(nox get "$1")"; }
check 'an operand that another transaction makes is waited for' until_ok 20 has "$second" uint256:12

fault missing
timeout=1
submit add "$a" uint256:7
check 'an operand that is missing: the transaction waits' until_ok 10 in_state 'waits for  *the Gateway'
check 'status says what the Gateway said' until_ok 10 sh -c \
    'tee-runnerctl status -s "$1" | grep -q "missing operand"' - "$dir/runner.sock"
sleep 4		# longer than ack_wait
fault off
check 'it is computed when the operand is there' until_ok 20 has "$(out result)" uint256:17
check '... from its first delivery' sh -c 'tee-runnerctl task "$1" -s "$2" | grep -q "attempt 1$"' \
    - "$(hash_of | cut -c 3-18)" "$dir/runner.sock"

ok_of() { tee-runnerctl status --json -s "$1" | sed -n 's/.*"ok": *\([0-9]*\).*/\1/p' | head -n 1; }
timeout=0
for bad in down badsig kms swap secret silent; do
	ctl drain > /dev/null
	submit add "$a" uint256:100
	before=$(ok_of "$dir/runner.sock")
	fault $bad
	ctl resume > /dev/null
	sleep 2
	check "Gateway: $bad: nothing is computed and stored" is "$before" "$(ok_of "$dir/runner.sock")"
	fault off
	check "Gateway: $bad: it is later" until_ok 40 has "$(out result)" uint256:110
done
timeout=20
check 'nothing was given up for that' not logged 'given up'

# ---- what can never be

dead() {
	seconds=4 nats 'sub nox_dead' > "$dir/dead" &
	_dead=$!
	sleep 1
	"$@" > /dev/null 2>&1
	wait $_dead
}
fault conflict
timeout=2
dead submit add "$a" uint256:1000
fault off
check 'a conflict is an error' until_ok 10 logged 'given up: sent to nats-dead-letter: the Gateway has another value'
check '... and a dead letter' grep -q "$(hash_of | cut -c 3-)" "$dir/dead"
check '... and a status' in_state 'status  *OUTPUT_EXISTS'
dead submit eq bool:true bool:false
check 'a comparison of bools is given up' until_ok 10 logged 'given up: operand types do not fit'
check '... and a dead letter' grep -q '"eq"' "$dir/dead"
dead nats 'req nox_ingestor.x {"chainId":'
check 'a message that is not JSON is given up' until_ok 10 logged 'given up: malformed message'
check '... and a dead letter' grep -q 'chainId' "$dir/dead"
check 'the metrics count them' sh -c 'curl -s "http://$1/metrics" | grep -q "^tee_runner_given_up_total 3$"' \
    - "$(sed -n 's/^http-listen //p' "$dir/tee-runnerd.conf")"
check 'every message was answered, those too' until_ok 15 answered
timeout=20

# ---- the consumer, the server, the roles

load() {
	[ $# -ne 0 ] || set -- --tasks 400 --in-flight 32
	nox bench "$@" --timeout 100 --json > "$dir/load" 2>&1 &
	load=$!
}
all_resolved() { wait $load && grep -q '"unresolved": 0' "$dir/load" || { cat "$dir/load"; false; }; }

# consumer_with MEMBER...: another in the place of the old one
consumer_with() {
	jetstream CONSUMER.DELETE.$consumer && grep -q '"success":true' "$dir/api" &&
	new_consumer "$1"
}
new_consumer() {
	jetstream CONSUMER.DURABLE.CREATE.$consumer "{\"stream_name\":\"nox_ingestor\",\"config\":{\"durable_name\":\"nox_ingestor_consumer\",\"ack_policy\":\"explicit\",\"deliver_policy\":\"new\",$1}}" &&
	grep -q '"stream_name":"nox_ingestor"' "$dir/api"
}

check 'a consumer with two deliveries' consumer_with '"max_deliver":2,"max_ack_pending":64,"ack_wait":2000000000'
timeout=40
check 'its messages come' gives result uint256:12 add "$a" uint256:2
timeout=0
ctl drain > /dev/null
submit add "$a" uint256:3000
fault secret
ctl resume > /dev/null
lost() { logged "transaction $(hash_of): given up"; }
check 'what fails is delivered again, and given up after the last time' until_ok 60 lost
check '... with the number of the delivery' in_state 'task .* attempt 2$'
fault off
# Somebody else takes a message and does not answer; the Runner hears of it alone.
ctl drain > /dev/null
seconds=7 nats "pull nox_ingestor nox_ingestor_consumer" 'pub nox_ingestor.none none' > "$dir/pulled"
check 'a message that nobody answers' is 2 "$(grep -c '^pulled none' "$dir/pulled")"
check '... is given up by the server, and an operator hears of it' until_ok 10 logged 'delivered 2 times and not answered'
ctl resume > /dev/null

check 'a consumer with other limits' consumer_with '"max_deliver":10,"max_ack_pending":1100,"ack_wait":3000000000'
timeout=40
check 'messages come again' gives result uint256:12 add "$a" uint256:2
timeout=20
fault missing
load --tasks 1024 --in-flight 1024
in_flight() { status_has '"in_flight": *10[0-9][0-9]'; }
check 'it holds 1000 transactions at a time, as its consumer has it now' until_ok 30 in_flight
fault off
check 'each of them is resolved' all_resolved

role() { for _p in $(role_pid "$1"); do kill -9 "$_p"; done; }
restart() {
	kill -9 $(server_pid "$1")
	sleep 0.5
	serve "$1"
	until_ok 10 devnet status
}
# The stream, too: then other messages have the sequences of those that were answered.
check 'the stream is deleted' jetstream STREAM.DELETE.nox_ingestor
check '... and made again' jetstream STREAM.CREATE.nox_ingestor '{"name":"nox_ingestor","subjects":["nox_ingestor.>"],"storage":"file","retention":"limits"}'
check '... with its consumer' new_consumer '"max_deliver":10,"max_ack_pending":1100,"ack_wait":3000000000'
timeout=40
for n in 1 2 3; do
	check "its message $n is no old one" gives result "uint256:$((10 + n))" add "$a" "uint256:$n"
done
timeout=20

given_up=$(count 'given up\|gives it up')
load
sleep 0.5
kill -STOP "$(role_pid nox)"
sleep 5
kill -CONT "$(role_pid nox)"
check 'nox stands still for longer than ack_wait: every transaction is resolved' all_resolved
for victim in compute nox registry keys; do
	load
	sleep 1
	role $victim
	sleep 1
	role $victim
	check "$victim is killed twice: every transaction is resolved" all_resolved
done
for victim in nox nats; do
	load
	sleep 1
	restart $victim
	sleep 2
	restart $victim
	check "server $victim is killed twice: every transaction is resolved" all_resolved
done
check 'nothing was given up for that' is "$given_up" "$(count 'given up\|gives it up')"

# Its only delivery: nobody else tells of it.
check 'a consumer with one delivery' consumer_with '"max_deliver":1,"max_ack_pending":64,"ack_wait":60000000000'
timeout=40
check 'its messages come' gives result uint256:12 add "$a" uint256:2
seconds=25 nats 'sub nox_dead' > "$dir/dead" &
dead=$!
x=$(nox put uint256 2000)
ctl drain > /dev/null
timeout=0
submit add "$a" "$x"
timeout=20
fault down
ctl resume > /dev/null
check 'a transaction waits for the Gateway' until_ok 10 in_state 'waits for  *the Gateway'
kill -9 $(server_pid nats)
fault conflict
check 'it is given up while nats-server is away' \
    until_ok 20 logged 'given up: to be sent to nats-dead-letter: the Gateway has another value'
serve nats
fault off
wait $dead
check 'its dead letter is sent when it is back' grep -q "$(hash_of | cut -c 3-)" "$dir/dead"
check 'a consumer with ten deliveries' consumer_with '"max_deliver":10,"max_ack_pending":1100,"ack_wait":3000000000'
timeout=40
check 'its messages come' gives result uint256:12 add "$a" uint256:2
timeout=20

# More of them than are kept: 2 MB.
long() {
	printf 'req nox_ingestor.%s {"chainId":31337,"caller":"0x%040d","blockNumber":1,"transactionHash":"0x%064d",' "$1" 1 "$1"
	printf '"events":[{"logIndex":0,"caller":"0x%040d","type":"add","leftHandOperand":"%s",' 1 "$a"
	printf '"rightHandOperand":"%s","result":"0x0000007a692301%050d"}],"more":"%s"}' "$x" "$1" "$text"
}
text=$(head -c 250000 /dev/zero | tr '\0' x)
kept='given up: to be sent to nats-dead-letter' lost='given up: not sent to nats-dead-letter'
before=$(count "$kept")
fault down
for n in 1 2 3 4 5 6 7 8 9; do nats "$(long $n)" > "$dir/published"; done
check 'nine long transactions wait for the Gateway' until_ok 20 status_has '"in_flight": *9\>'
kill -9 $(server_pid nats)
fault conflict
check 'eight of their dead letters are kept while nats-server is away' until_ok 30 logged "$kept" $((before + 8))
check '... and one is not' until_ok 10 logged "$lost" 1
fault off
serve nats
check 'its message comes again' until_ok 30 answered
check '... and is computed' until_ok 20 status_has '"in_flight": *0\>'
check 'the others are not' is $((before + 8)) "$(count "$kept")"

check 'no role was denied a system call' not logged 'is not in its policy'
check 'no result conflicted' not grep -q conflicted "$dir/log/nox.log"

# ---- another certificate

connected() { logged 'nats: connected' "$1"; }
renewed() {
	_expires=$(expires) _times=$(count 'nats: connected')
	make_certificate "$1" && take_certificate && kill -HUP "$runner" &&
	    until_ok 10 is_used "$_expires" && until_ok 10 connected $((_times + 1))
}
before=$(role_pid nox)
load
cp "$dir/tls/runner-1.key" "$dir/new.key"
check 'NATS is connected with a new certificate of the same key' renewed 60
make_key
cp "$dir/new.key" "$dir/kept.key"	# to make the certificate
take_key
mv "$dir/kept.key" "$dir/new.key"
check 'NATS is connected with a new key and certificate' renewed 90
check '... meanwhile: every transaction is resolved' all_resolved
check '... by the same process' is "$before" "$(role_pid nox)"

# ---- two Runners, one consumer

# The second reaches the Gateway by HTTPS.
gateway=$(sed -n 's|^gateway-url http://127.0.0.1:||p' "$dir/tee-runnerd.conf")
node "$src/tests/integration/tlsfront.mjs" "$gateway" "$dir/tls/orchestrator.pem" \
    "$dir/tls/orchestrator.key" > "$dir/tlsfront" 2>&1 &
others="$others $!"
until_ok 10 grep -q . "$dir/tlsfront"
sed "s|^gateway-url .*|gateway-url https://127.0.0.1:$(head -n 1 "$dir/tlsfront")|
    s|/runner.sock|/runner-2.sock|; s|^uid-base .*|uid-base 60840|; /^http-listen/d" \
    "$dir/tee-runnerd.conf" > "$dir/tee-runnerd-2.conf"
echo "registry-ca $dir/tls/ca.pem" >> "$dir/tee-runnerd-2.conf"
tee-runnerd -d -L "$BUILD/libexec" -f "$dir/tee-runnerd-2.conf" > "$dir/runner-2.log" 2>&1 &
second=$!
others="$others $second"
check 'a second Runner serves' until_ok 30 tee-runnerctl status -s "$dir/runner-2.sock"
one=$(ok_of "$dir/runner.sock")
load
check 'both serve: every transaction is resolved' all_resolved
check 'each computed a part' sh -c '[ "$1" -gt 20 ] && [ "$2" -gt 20 ]' - \
    "$(($(ok_of "$dir/runner.sock") - one))" "$(ok_of "$dir/runner-2.sock")"
check 'the second used a few connections with TLS for all of them' \
    sh -c 'n=$(grep -c "^TLS" "$1"); [ $n -ge 1 ] && [ $n -le 16 ]' - "$dir/tlsfront"
load
sleep 1
kill -9 $second $(pgrep -P $second)
check 'one is killed: every transaction is resolved' all_resolved
check 'every message was answered at the end' until_ok 20 answered

# ---- the end

load
sleep 1
check 'it stops by SIGTERM, with its transactions done' stop_runner
start_runner
check 'and the others are resolved after it' all_resolved

# ---- an upgrade

service() { ctl reload | sed 's/^told process \([0-9]*\) .*/\1/'; }
upgrade() { tee-runnerctl upgrade -f "$dir/tee-runnerd.conf" > "$dir/said" 2>&1; }
given_up=$(count 'given up\|gives it up')
old=$runner
load
sleep 1
check 'a successor takes over under load' upgrade || cat "$dir/said"
check 'the old Runner has ended' until_ok 10 not kill -0 "$old"
new=$(service)
check 'another process serves' not is "$old" "$new"
check 'upgrade: every transaction is resolved' all_resolved
check 'every message was answered after the upgrade' until_ok 20 answered
check 'nothing was given up for that' is "$given_up" \
    "$(cat "$dir/runner.log" "$dir/said" | grep -c 'given up\|gives it up')"
check 'and no result conflicted' not grep -q conflicted "$dir/log/nox.log"
kill -TERM "$new"
check 'the successor ends' until_ok 40 not kill -0 "$new"
runner=

# ---- what is too old

timeout=0
submit add "$a" uint256:4000
sleep 3
echo 'nox-max-age 2' >> "$dir/tee-runnerd.conf"
start_serving
check 'a message that is older than nox-max-age is given up' \
    until_ok 20 logged "transaction $(hash_of): given up.*older than nox-max-age"
timeout=20
check 'and a newer one is not' gives result uint256:4010 add "$a" uint256:4000
finish
