#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nox v0 byte for byte: a relay between a Runner and the Gateway records what the Runner sends,
# and each request is compared with one that noxwire.mjs builds from its parts, without our
# code: the operands that are asked for, the results, the signatures, the encryption.  Then the
# answers that NATS gets.
. "$(dirname "$0")/lib.sh"
with_nats
command -v node > /dev/null || skip 'node is not installed'
limit='timeout 60'

wire() { _verb=$1; shift; $limit node "$src/tests/integration/noxwire.mjs" "$dir" "$_verb" "$@"; }
handle() { wire handle "$@"; }
fetched() { wire fetch "$dir/message" "$dir/record" "$@"; }
stored() { wire store "$dir/message" "$dir/record" "$@"; }
hex() { printf '0x%064x' "$1"; }

subject() { echo "nox_ingestor.$(sed -n 's/.*"transactionHash":"\(0x[0-9a-f]*\)".*/\1/p' "$dir/message")"; }
publish() { nats "req $(subject) $(cat "$dir/message")" > "$dir/published"; }

# computed LAST-RESULT BLOCK CALLER EVENT...: a transaction of these events is computed
n=0
computed() {
	_last=$1; shift
	n=$((n + 1))
	wire message $n "$@" > "$dir/message" && publish && until_ok 20 nox get "$_last"
}
two() { echo "leftHandOperand=$1,rightHandOperand=$2"; }

start_devnet --nox --nox-ack-wait 3
port=$(sed -n 's|^gateway-url http://127.0.0.1:||p' "$dir/tee-runnerd.conf")
node "$src/tests/integration/noxrelay.mjs" "$port" "$dir/record" > "$dir/relay" &
others="$others $!"
until_ok 10 test -s "$dir/relay"
sed -i "s|^gateway-url .*|gateway-url http://127.0.0.1:$(cat "$dir/relay")|" "$dir/tee-runnerd.conf"
start_serving

a=$(nox put uint256 40) b=$(nox put uint256 2) c=$(nox put uint256 100)
s=$(nox put uint16 65535) t=$(nox put uint16 1)
u=$(nox put int16 -7) v=$(nox put int16 2)
app=0x00112233445566778899aabbccddeeff00112233
mixed=0x00112233445566778899AABBCCDDEEFF00112233

# ---- one operation

r=$(handle uint256 sum)
check 'an addition' computed "$r" 2748 $app "add:$(two "$a" "$b"),result=$r"
check '... its operands are fetched' fetched "$a" "$b"
check '... its result is stored' stored "$r=$(hex 42)"
check '... and the comparison sees another operand' not fetched "$a" "$c"
check '... or another value' not stored "$r=$(hex 43)"
r=$(handle uint256 difference)
check 'operands are in the order of the event' computed "$r" 4294967296 $app "sub:$(two "$c" "$a"),result=$r"
check '... as they are fetched' fetched "$c" "$a"
check '... and the result is stored' stored "$r=$(hex 60)"
r=$(handle uint256 double)
check 'an operand that is there twice' computed "$r" 0 $app "add:$(two "$a" "$a"),result=$r"
check '... is fetched once' fetched "$a"
check '... and the result is stored, for block 0' stored "$r=$(hex 80)"
r=$(handle uint16 safe) ok=$(handle bool safe)
check 'a caller with capital letters' computed "$r" 1 $mixed "safe_add:$(two "$s" "$t"),success=$ok,result=$r"
check '... is signed with small ones' fetched "$s" "$t"
check '... and values have the length of their type' stored "$ok=0x00" "$r=0x0000"
r=$(handle int16 quotient)
check 'a negative result' computed "$r" 1 $app "div:$(two "$u" "$v"),result=$r"
check '... of two bytes' fetched "$u" "$v"
check '... has a tag over zeros and these' stored "$r=0xfffd"

# ---- several operations

r=$(handle uint256 first) q=$(handle uint256 second)
check 'a second operation on the first result' computed "$q" 7 $app "add:$(two "$a" "$b"),result=$r" "mul:$(two "$r" "$b"),result=$q"
check '... only the operands from elsewhere are fetched' fetched "$a" "$b"
check '... both results are stored' stored "$r=$(hex 42)" "$q=$(hex 84)"
r=$(handle uint256 third) q=$(handle uint256 fourth)
check 'a second operation on another operand, too' computed "$q" 7 $app "add:$(two "$b" "$a"),result=$r" "sub:$(two "$c" "$r"),result=$q"
check '... all operands are in one request' fetched "$b" "$a" "$c"
check '... the results in another' stored "$r=$(hex 42)" "$q=$(hex 58)"
w=$(handle uint256 constant)
check 'a constant alone' computed "$w" 7 $app "wrap_as_public_handle:value=$(hex 9),teeType=35,handle=$w"
check '... nothing is fetched' wire nofetch "$dir/message" "$dir/record"
check '... its value is stored' stored "$w=$(hex 9)"
w=$(handle uint256 three) r=$(handle uint256 sum-of-constant)
check 'a constant and an operand' computed "$r" 7 $app "wrap_as_public_handle:value=$(hex 3),teeType=35,handle=$w" "add:$(two "$a" "$w"),result=$r"
check '... only the operand is fetched' fetched "$a"
check '... both values are stored' stored "$w=$(hex 3)" "$r=$(hex 43)"

check 'each request has another salt' wire salts "$dir/record"
check 'all of them use one connection' is 1 "$(wire connections "$dir/record")"

# ---- NATS

# What natsclient sees while COMMAND runs.
overheard() {
	seconds=5 nats "sub \$JS.ACK.>" > "$dir/answers" &
	_nats=$!
	sleep 1
	"$@"
	wait $_nats
}
# answer LINE: after the subject
answer() { sed -n 's/^message \$JS\.ACK\.nox_ingestor\.nox_ingestor_consumer\.[0-9.]* //p' "$dir/answers" | grep -qxF -- "$1"; }
r=$(handle uint256 acknowledged)
overheard computed "$r" 7 $app "add:$(two "$c" "$b"),result=$r" > /dev/null
check 'a message is acknowledged' answer '+ACK'
devnet fault nox missing > /dev/null
# The same transaction with another operation, while the first is under way.
conflicting() {
	computed 0x00 7 $app "add:$(two "$c" "$a"),result=$r" > /dev/null 2>&1 &
	_first=$!
	sleep 2.5
	wire message $((n + 1)) 7 $app "sub:$(two "$c" "$a"),result=$r" > "$dir/message" && publish
	kill $_first
}
overheard conflicting
devnet fault nox off > /dev/null
check 'a message that waits for another comes again after a second' answer '-NAK {"delay": 1000000000}'
check 'a message that is worked on is extended' answer '+WPI'
finish
