#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The counterparts of Nox v0: the Gateway's REST interface with its errors, signatures and
# values, its faults, a restart, the stream and the consumer, and the contract's getters.
# The client (noxclient.mjs) shares no code with them.  Needs no root and no Runner.
. "$(dirname "$0")/lib.sh"
with_nats
command -v node > /dev/null || skip 'node is not installed'
limit='timeout 60'

client() { $limit node "$src/tests/integration/noxclient.mjs" "$dir" "$@" > "$dir/answer" 2>&1; }
# gives WANT VERB ARGUMENT...: the first line of the answer; said TEXT: another has it
gives() {
	_want=$1; shift
	client "$@"
	is "$_want" "$(head -n 1 "$dir/answer")" || { cat "$dir/answer"; false; }
}
said() { grep -qxF -- "$1" "$dir/answer" || { cat "$dir/answer"; false; }; }
line() { sed -n "$1p" "$dir/answer"; }
# with NAME VALUE COMMAND...: with this variable, which env(1) cannot set for a function
with() { ( export "$1=$2"; shift 2; "$@" ); }
# flip HANDLE: with another last digit
flip() { echo "$1" | sed 's/[0-7]$/f/; t; s/[8-f]$/0/'; }
zeros=$(printf '%064d' 0)
a20=0x$(printf '%040d' 1)

start_devnet --nox --nox-pending 20 --nox-batch 30 --nox-ack-wait 7
check 'all counterparts serve' devnet status
json() { sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*\$/\1/p" "$dir/devnet.json" | tail -n 1; }

# ---- values

h=$(nox put uint256 42)
check 'a value is read as it was stored' is uint256:42 "$(nox get "$h")"
check 'its handle has the chain, the type and the attribute' \
    is 0x0000007a692301 "$(echo "$h" | cut -c 1-16)"
check 'another user cannot read it' not nox get --as bob "$h"
b=$(nox put --as bob int16 -2)
check 'its owner reads a value' is int16:-2 "$(nox get --as bob "$b")"
check 'the user of the devnet reads all' is int16:-2 "$(nox get "$b")"
check 'a bool is read as it was stored' is bool:true "$(nox get "$(nox put bool true)")"

# secret TYPE VALUE [MEMBERS]: the body of a request
secret() {
	echo "{\"solidityType\":\"$1\",\"value\":\"$2\",\"owner\":\"$a20\",\"applicationContract\":\"$a20\"$3}"
}
post() { gives "$1" request POST /v0/secrets "$2"; }
check 'a value is stored through REST' post '200 signed' "$(secret uint16 0x0102)"
check '... with a proof for the contract' said 'proof 137 true'
check 'bytes are stored' post '200 signed' "$(secret bytes 0x010203)"
check 'a string is stored' post '200 signed' "$(secret string 0x)"
check 'an unknown type' post '400 invalid_type' "$(secret uint9 0x01)"
check 'a value that is too short' post '400 invalid_value' "$(secret uint16 0x01)"
check 'a value that is too long' post '400 invalid_value' "$(secret uint16 0x010203)"
check 'a bool that is 2' post '400 invalid_value' "$(secret bool 0x02)"
check 'a value that is not hex' post '400 invalid_value' "$(secret uint16 0x01zz)"
check 'an owner that is no address' post '400 bad_request' \
    "$(secret bool 0x01 ',"owner":"0x12"')"
check 'a body that is not JSON' post '400 bad_request' '{'
check 'another chain' with CHAIN 1 post '400 unknown_chain' "$(secret bool 0x01)"
check 'the same chain' with CHAIN 31337 post '200 signed' "$(secret bool 0x01)"
check 'a chain that is no number' with CHAIN x post '400 bad_request' "$(secret bool 0x01)"
check 'a salt of 31 bytes' with SALT "$(printf '%062d' 0)" post '400 bad_request' "$(secret bool 0x01)"
check 'a salt without 0x' with SALT "$(printf '%064d' 5)" post '200 signed' "$(secret bool 0x01)"
check 'no salt is zeros' with SALT '' post '200 signed' "$(secret bool 0x01)"
check 'another path' gives '404 Route not found /v0/other' request GET /v0/other
check 'another method' gives '404 Route not found /v0/secrets' request GET /v0/secrets

# ---- authorizations of users

check 'a user reads a value' gives '200 signed' secret "$h"
check '... which opens' said "$h 0x$(printf '%064x' 42)"
payload() { _p=$1; shift; with PAYLOAD "$_p" "$@"; }
now=$(date +%s)
check 'no header' with SIGN none gives '401 unauthorized' secret "$h"
check 'a header that is not base64' with SIGN base64 gives '401 unauthorized' secret "$h"
check 'it expires before it begins' payload "{\"notBefore\":$now,\"expiresAt\":$((now - 1))}" \
    gives '401 unauthorized' secret "$h"
check 'it is longer than an hour' payload "{\"notBefore\":$now,\"expiresAt\":$((now + 3601))}" \
    gives '401 unauthorized' secret "$h"
check 'it begins later' payload "{\"notBefore\":$((now + 90)),\"expiresAt\":$((now + 100))}" \
    gives '401 unauthorized' secret "$h"
check 'it has expired' payload "{\"notBefore\":$((now - 100)),\"expiresAt\":$((now - 90))}" \
    gives '401 unauthorized' secret "$h"
check 'numbers may be text' payload "{\"notBefore\":\"0x$(printf %x "$now")\",\"expiresAt\":\"$((now + 60))\"}" \
    gives '200 signed' secret "$h"
check 'another signer' with SIGN other gives '401 rpc' secret "$h"
check 'another chain in the handle' gives '400 unknown_chain' secret \
    "$(echo "$h" | sed 's/7a69/7a68/')"
check 'a handle without a value' gives '404 storage' secret "$(flip "$h")"

# ---- status

report() { gives "$1" request POST /v0/public/handles/status "{\"handles\":[$2]}"; }
check 'the status of handles' report '200 signed' "\"$h\",\"$(flip "$h")\""
check '... tells which have a value' said \
    "{\"statuses\":[{\"handle\":\"$h\",\"resolved\":true},{\"handle\":\"$(flip "$h")\",\"resolved\":false}]}"
check 'no handles' report '400 bad_request' ''
check 'a handle of 31 bytes' report '400 bad_request' '"0x12"'
check 'more handles than allowed' report '400 batch_too_large' \
    "$(yes "\"$h\"," | head -n 256 | tr -d '\n')\"$h\""

# ---- operands

other=$(nox put uint256 7)
check 'operands are fetched' gives '200 signed' operands "$other" "$h" "$other"
check '... in order, duplicates included' is "$other $h $other" \
    "$(sed -n '2,$s/ .*//p' "$dir/answer" | tr '\n' ' ' | sed 's/ $//')"
check '... and open' said "$h 0x$(printf '%064x' 42)"
for sign in small eip155 compact; do
	check "a signature is accepted: $sign" with SIGN $sign gives '200 signed' operands "$h"
done
for sign in none scheme base64 json other; do
	check "an authorization is refused: $sign" with SIGN $sign gives '401 unauthorized' operands "$h"
done
check 'without a chain ID' payload '{"chainId":-1}' with SIGN json gives '401 unauthorized' operands "$h"
check 'a chain ID of more than 32 bits' payload '{"chainId":4294967296}' \
    gives '400 bad_request' operands "$h"
check 'another chain' payload '{"chainId":"0x1"}' gives '400 unknown_chain' operands "$h"
check 'the chain as decimal text' payload '{"chainId":"31337"}' gives '200 signed' operands "$h"
check 'an operand of 31 bytes' gives '400 storage' operands "$h" 0x12
check 'an operand of another chain' gives '400 storage' operands "$(echo "$h" | sed 's/7a69/7a68/')"
check 'an operand without a value' gives '400 bad_request' operands "$h" "$(flip "$h")"
check '... says so' said 'impossible to perform computation, missing operand handles'
check 'an RSA key that is none' payload '{"rsaPublicKey":"0x3082"}' gives '500 operands' operands "$h"

# ---- results

# result HANDLE TAG-DIGIT
result() {
	echo "{\"handle\":\"$1\",\"handleValueTag\":\"0x$(printf %063d 0)$2\",\"ciphertext\":\"0x00\"," \
	    "\"publicKey\":\"0x02$zeros\",\"nonce\":\"0x$(printf %024d 0)\"}"
}
publish() { gives "$1" results "[$2]"; }
report_is() {
	said "On the $1 handles submitted to publishing, $2 were successfully created, $3 were unchanged and $4 conflicted"
}
r1=$(flip "$h") r2=$(flip "$other")
check 'no results' publish '200 signed' ''
check '... are counted' report_is 0 0 0 0
check 'a new result' publish '200 signed' "$(result "$r1" 1)"
check '... is created' report_is 1 1 0 0
check 'the same, another, and a new result' publish '200 signed' \
    "$(result "$r1" 1),$(result "$r1" 2),$(result "$r2" 3)"
check '... are counted' report_is 3 1 1 1
check 'results that are no array' gives '400 bad_request' results '{}'
check 'a result without a nonce' publish '400 bad_request' "{\"handle\":\"$r1\"}"
check 'a result with a handle of 31 bytes' publish '400 storage' "$(result 0x12 1)"
check 'results of another signer' with SIGN other publish '401 unauthorized' ''
check 'results without a header' with SIGN none publish '401 unauthorized' ''
check 'results of another chain' payload '{"chainId":1}' publish '400 unknown_chain' ''

# ---- faults

# faulty WHAT WANT VERB...
faulty() {
	_f=$1; shift
	devnet fault nox "$_f" && gives "$@"
	_r=$?
	devnet fault nox off
	return $_r
}
check 'it answers 500' faulty down '500 storage' operands "$h"
check 'it spoils signatures' faulty badsig '200 not signed' operands "$h"
check 'its KMS fails' faulty kms '500 operands' operands "$h"
check 'it finds no operand' faulty missing '400 bad_request' operands "$h"
check 'it exchanges operands' faulty swap '200 signed' operands "$h" "$other"
check '... in its answer' is "$other" "$(line 2 | cut -d ' ' -f 1)"
check 'it encrypts a wrong secret' faulty secret '200 signed' operands "$h"
check '... with which nothing opens' said "$h does not open"
check 'it finds conflicts' faulty conflict '200 signed' results "[$(result "$r1" 1)]"
check '... and counts them' report_is 1 0 0 1
limit='timeout 3'
check 'it never answers' faulty silent '' operands "$h"
limit='timeout 60'
check 'then it answers again' gives '200 signed' operands "$h"

# ---- the contract

# call SELECTOR: what it returns
call() {
	curl -s -m 5 -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":[{\"to\":\"$(json noxCompute)\",\"data\":\"$1\"},\"latest\"]}" \
	    "http://127.0.0.1:$(json registryPort)/" | sed -n 's/.*"result": *"\([^"]*\)".*/\1/p'
}
nox_json() { sed -n '/"nox": {/,/}/p' "$dir/devnet.json" | sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*\$/\1/p"; }
check 'the contract has the KMS key' is \
    "0x$(printf '%064x' 32)$(printf '%064x' 33)$(nox_json kmsKey | cut -c 3-)$(printf '%062d' 0)" \
    "$(call 0xac6c544f)"
check '... and the address of the Gateway' is \
    "0x$(printf '%024d' 0)$(nox_json gateway | cut -c 3-)" "$(call 0x116191b6)"

# ---- the stream

as=cli
has() { grep -qF -- "$1" "$dir/api" || { cat "$dir/api"; false; }; }
check 'the stream exists' jetstream STREAM.INFO.nox_ingestor
for part in '"subjects":["nox_ingestor.\u003e"]' '"retention":"limits"' '"storage":"file"' \
    '"max_age":86400000000000' '"duplicate_window":600000000000'; do
	check "... with $part" has "$part"
done
check 'the consumer exists' jetstream CONSUMER.INFO.nox_ingestor.nox_ingestor_consumer
for part in '"durable_name":"nox_ingestor_consumer"' '"ack_policy":"explicit"' \
    '"max_deliver":10' '"max_ack_pending":20' '"max_batch":30' '"ack_wait":7000000000'; do
	check "... with $part" has "$part"
done
check '... and is a pull consumer' not has deliver_subject
check 'a client without a certificate is refused' not sh -c \
    "timeout 5 '$BUILD/tests/integration/natsclient' $(nox_json natsPort) < /dev/null 2>&1 | grep -q ^connected"

# ---- transactions, without a Runner

check 'a transaction without a Runner is not resolved' not nox submit --timeout 1 add "$h" uint256:1
check 'a message is repeated as often as asked' not nox submit --timeout 0 --times 3 add "$h" "$other"
check 'the stream tells what it has' jetstream STREAM.INFO.nox_ingestor
check '... and the stream has all of them' has '"messages":4'
not nox submit --timeout 0 add "$h" "$other" > "$dir/first"
not nox submit --timeout 0 add "$h" "$other" > "$dir/second"
check 'the same operation has the same result' sh -c \
    "grep '\"result\"' $dir/first > $dir/one && grep '\"result\"' $dir/second | cmp - $dir/one"
check 'a load without a Runner is not resolved' not nox bench --tasks 5 --in-flight 5 --timeout 1

check 'the result comes' publish '200 signed' \
    "$(result "$(sed -n 's/^ *"result": "\(.*\)".*/\1/p' "$dir/first")" 1)"
check 'then the transaction is resolved' nox submit --timeout 5 add "$h" "$other"

# A Runner that computes nothing.
mkfifo "$dir/commands"
"$BUILD/tests/integration/natsclient" -t "$dir/tls/ca.pem" "$dir/tls/cli.pem" \
    "$dir/tls/cli.key" "$(nox_json natsPort)" < "$dir/commands" 2> /dev/null |
    node "$src/tests/integration/noxclient.mjs" "$dir" resolve > "$dir/resolved" 2>&1 &
others="$others $!"
exec 3> "$dir/commands"
sleep 0.5
echo 'pull nox_ingestor nox_ingestor_consumer' >&3
check 'with a Runner a transaction is resolved' nox submit --timeout 20 add "$other" "$other"
nox bench --tasks 20 --in-flight 5 --json > "$dir/bench" 2>&1
check 'a load is resolved' is 0 $?
check '... and measured' grep -q '"p99ms"' "$dir/bench"
exec 3>&-

# ---- a restart

check 'it restarts' restart_devnet
check 'a value outlives it' is uint256:42 "$(nox get "$h")"
check 'the results, too' publish '200 signed' "$(result "$r1" 1)"
check '... are unchanged' report_is 1 0 1 0
check 'the stream tells what it has' jetstream STREAM.INFO.nox_ingestor
check 'and the messages' has '"messages":33'

check 'the configuration has no keyword of another protocol' \
    not grep -qE '^(registry|orchestrator|gateway) ' "$dir/tee-runnerd.conf"
check '... and says which it is' grep -qx 'protocol nox-v0' "$dir/tee-runnerd.conf"
check 'the wallet is a private file' is 600 "$(stat -c %a "$dir/nox-wallet.key")"
check 'they end' devnet down
check '... all of them' not pgrep -f "$dir/nats.conf"
finish
