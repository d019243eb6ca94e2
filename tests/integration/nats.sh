#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The NATS client of src/nox against a real nats-server: publish, subscribe, a pull consumer
# with each answer, a server that restarts, a consumer that is deleted, lame duck mode, a slow
# consumer, a cluster whose leaders change, and TLS with a certificate of the client.  Needs
# no root.
. "$(dirname "$0")/../lib.sh"
PATH=$PATH:/usr/sbin
command -v nats-server > /dev/null || skip 'nats-server is not installed'

events=$dir/events

# ---- the parts

# start_server N [OPTION]...: server N on $port + N, with its store; its pid is $server.
start_server() {
	_i=$1; shift
	nats-server -a 127.0.0.1 -p $((port + _i)) -js -sd "$dir/store$_i" "$@" \
	    > "$dir/server$_i.log" 2>&1 3>&- &
	server=$!
	others="$others $server"
	until_ok 10 grep -q 'Server is ready' "$dir/server$_i.log" &&
	    kill -0 "$server"
}

# A port that is taken makes nats-server end: try others.
start_first() {
	for _try in 1 2 3 4 5; do
		start_server 0 "$@" && return 0
		port=$((port + 10))
	done
	return 1
}

# Its pid is waited for, so that the port is free.
stop_server() { kill "$1"; wait "$1" 2> /dev/null; }

start_client() {
	: > "$events"
	rm -f "$dir/commands"
	mkfifo "$dir/commands" || exit 1
	"$BUILD/tests/integration/natsclient" "$@" < "$dir/commands" \
	    >> "$events" 2>&1 &
	client=$!
	others="$others $client"
	exec 3> "$dir/commands"
}
stop_client() { exec 3>&-; wait "$client"; }

say() { echo "$*" >&3; }
count() { grep -c -- "$1" "$events"; }
has() { [ "$(count "$1")" -ge "${2:-1}" ]; }
# happens EVENT [TIMES [SECONDS]]
happens() { until_ok "${3:-10}" has "$1" "$2"; }

# req SUBJECT JSON: a request to JetStream; it succeeds.
req() {
	_replies=$(count '^reply ')
	say "req \$JS.API.$*"
	happens '^reply ' $((_replies + 1)) || return 1
	not sh -c "grep '^reply ' '$events' | tail -n 1 | grep '\"error\"'"
}
make_stream() {
	req STREAM.CREATE.orders \
	    '{"name":"orders","subjects":["orders.>"],"storage":"file","retention":"limits"}'
}
consumer() {
	_config='"durable_name":"runner","ack_policy":"explicit","deliver_policy":"'$1'"'
	_config=$_config',"ack_wait":2000000000,"max_deliver":4,"max_ack_pending":10'
	req CONSUMER.DURABLE.CREATE.orders.runner \
	    "{\"stream_name\":\"orders\",\"config\":{$_config}}"
}
# consumer_has TEXT: in what the server says of it
consumer_has() {
	req CONSUMER.INFO.orders.runner '{}' &&
	    grep '^reply ' "$events" | tail -n 1 | grep -q -- "$1"
}

# ---- plain

check 'nats-server starts' start_first || finish
first=$server
start_client "$port" $((port + 1))
check 'it connects' happens '^connected' || finish
say 'sub plain.>'
say 'pub plain.a hello'
check 'what it publishes arrives' happens '^message plain.a hello'
say 'req nobody.listens x'
check 'without responders there is an answer' happens '^reply _INBOX'
say 'pull orders runner'
check 'it says that there is no consumer' happens '^failed .*no such consumer'
check 'it makes a stream' make_stream || finish
check 'it makes a consumer' consumer all || finish

say 'pub orders.1 ack-1'
check 'a message is pulled when the consumer exists' \
    happens '^pulled ack-1: orders.1 runner sequence 1 delivered 1 id ack-1$'
for _i in 2 3 4 5 6 7 8 9; do
	say "pub orders.$_i ack-$_i"
done
check '... and more than one batch' happens '^pulled ack-9'
say 'pub orders.10 nak-1'
check 'after -NAK with delay a message comes again' happens '^pulled nak-1.* delivered 2'
say 'pub orders.11 term-1'
check 'a message is pulled' happens '^pulled term-1'
say 'pub orders.12 wpi-1'
check 'a task that takes longer than ack_wait sends +WPI' happens '^worked'
check 'it was delivered once' is 1 "$(count '^pulled wpi-1')"
check 'after +TERM a message does not come again' is 1 "$(count '^pulled term-1')"
check 'all are acknowledged' until_ok 10 consumer_has '"num_ack_pending":0'
say 'pub orders.13 none-1'
check 'without an answer a message comes again after ack_wait' \
    happens '^pulled none-1.* delivered 2'

# ---- what goes wrong

_connected=$(count '^connected')
stop_server "$first"
check 'it says that the server has ended' happens '^lost 127.0.0.1: '
start_server 0
first=$server
check 'it connects again' happens '^connected' $((_connected + 1)) 30
check 'the consumer is still there' until_ok 10 consumer_has '"name":"runner"'
say 'pub orders.14 ack-14'
check 'and messages are pulled' happens '^pulled ack-14'

check 'the consumer is deleted' req CONSUMER.DELETE.orders.runner '{}'
check 'it says so' happens '^failed 409 Consumer Deleted'
check 'and made again' consumer new
say 'pub orders.15 ack-15'
check 'messages are pulled again' happens '^pulled ack-15' 1 20

# ---- lame duck mode

start_server 1
second=$server
_connected=$(count '^connected') _lost=$(count '^lost')
kill -USR2 "$first"
check 'before its server ends it connects to the next' \
    happens '^connected' $((_connected + 1))
check 'without an interruption' is "$_lost" "$(count '^lost')"
say 'pub plain.b there'
check 'it subscribes there' happens '^message plain.b there'
stop_server "$first"
check 'the end of the old server does not matter' is "$_lost" "$(count '^lost')"
check 'the client ends' stop_client
stop_server "$second"

# ---- a slow consumer

# The server ends the connection of a client that does not read; the client comes back.
echo 'max_pending: 2000000
write_deadline: "1s"' > "$dir/slow.conf"
check 'a server starts that waits for no client' start_server 1 -c "$dir/slow.conf"
start_client $((port + 1))
check 'it connects' happens '^connected'
say 'sub plain.>'
say 'pub plain.a hello'
check 'it subscribes' happens '^message plain.a hello'
kill -STOP "$client"
text=$(head -c 500000 /dev/zero | tr '\0' x)
for _i in $(seq 40); do echo "req plain.b $text"; done |
    "$BUILD/tests/integration/natsclient" -w 4 $((port + 1)) > "$dir/other" 2>&1
check 'the server ends the connection' until_ok 20 grep -q 'Slow Consumer' "$dir/server1.log"
kill -CONT "$client"
check 'the client says that it was lost' happens '^lost'
check '... and connects again' happens '^connected' 2
say 'pub plain.c again'
check '... with its subscription' happens '^message plain.c again'
stop_client
stop_server "$server"

# ---- a cluster, in which the leaders change

nodes='4 5 6'
# node N: its route is on $port + N + 3
node() {
	start_server "$1" --name "node-$1" --cluster_name three \
	    --cluster "nats://127.0.0.1:$((port + $1 + 3))" \
	    --routes "nats://127.0.0.1:$((port + 7)),nats://127.0.0.1:$((port + 8)),nats://127.0.0.1:$((port + 9))" &&
	eval "node_$1=$server"
}
leader() { grep '^reply ' "$events" | tail -n 1 | sed -n 's/.*"leader":"node-\([0-9]\)".*/\1/p'; }
# leads WHAT: the node that leads the stream or the consumer, in $leader; fails without one
leads() { req "$1" '{}' && leader=$(leader) && [ -n "$leader" ]; }
consumer_leads() { leads CONSUMER.INFO.orders.runner; }
stream_leads() { leads STREAM.INFO.orders; }
has_changed() { _old=$1; shift; "$@" && [ "$leader" != "$_old" ]; }
# stored TEXT: a message, which the stream has taken
stored() {
	_n=$(count '^reply .*"seq"')
	say "req orders.$1 $1"
	happens '^reply .*"seq"' $((_n + 1)) 2
}
comes() { until_ok 20 stored "$1" && happens "^pulled $1: " 1 30; }

for n in $nodes; do check "node $n starts" node "$n" || finish; done
start_client $((port + 4)) $((port + 5)) $((port + 6))
check 'the client connects' happens '^connected' || finish
make_stream() {
	req STREAM.CREATE.orders '{"name":"orders","subjects":["orders.>"],"storage":"file","retention":"limits","num_replicas":3}'
}
check 'the nodes make a stream' until_ok 30 make_stream || finish
check '... and a consumer' until_ok 20 consumer all || finish
say 'pull orders runner'
check 'a message comes' comes ack-1
check 'the consumer has a leader' until_ok 20 consumer_leads
old=$leader
check '... which steps down' req CONSUMER.LEADER.STEPDOWN.orders.runner '{}'
check 'another is elected' until_ok 20 has_changed "$old" consumer_leads
check 'messages come' comes ack-2
check 'the stream has a leader' until_ok 20 stream_leads
old=$leader
check '... which steps down' req STREAM.LEADER.STEPDOWN.orders '{}'
check 'another is elected' until_ok 20 has_changed "$old" stream_leads
check 'messages come' comes ack-3
until_ok 20 consumer_leads
old=$leader
eval "kill -9 \$node_$leader"
check 'the leader is killed: another is elected' until_ok 30 has_changed "$old" consumer_leads
check 'messages come' comes ack-4
check 'each was acknowledged' until_ok 10 consumer_has '"num_ack_pending":0.*"num_pending":0'
stop_client
kill $node_4 $node_5 $node_6 2> /dev/null

# ---- TLS

# certificate NAME [EXTENSION]: by ca.pem.
certificate() {
	openssl req -newkey rsa:2048 -nodes -keyout "$dir/$1.key" -subj "/CN=$1" \
	    -out "$dir/$1.csr" 2> /dev/null &&
	echo "${2:-basicConstraints=CA:FALSE}" > "$dir/$1.ext" &&
	openssl x509 -req -in "$dir/$1.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
	    -CAcreateserial -days 2 -extfile "$dir/$1.ext" -out "$dir/$1.pem" 2> /dev/null
}
authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/$1.key" -subj "/CN=$1" \
	    -days 2 -out "$dir/$1.pem" 2> /dev/null
}
check 'certificates are made' authority ca
check '... of another authority' authority other
check '... of the server' certificate server subjectAltName=IP:127.0.0.1
check '... of another server' certificate elsewhere subjectAltName=IP:127.0.0.2
check '... of the client' certificate client

# tls_server NAME: with this certificate
tls_server() {
	start_server 2 --tlsverify --tlscacert "$dir/ca.pem" \
	    --tlscert "$dir/$1.pem" --tlskey "$dir/$1.key"
}
# tls_client AUTHORITY CERTIFICATE
tls_client() {
	start_client -t "$dir/$1.pem" "$dir/$2.pem" "$dir/$2.key" $((port + 2))
}

check 'a server with TLS starts' tls_server server
tls_client ca client
check 'with TLS and a certificate it connects' happens '^connected'
say 'sub plain.>'
say 'pub plain.c secret'
check 'what it publishes arrives' happens '^message plain.c secret'
stop_client
tls_client ca other
check 'with a certificate of another authority it is refused' happens '^lost'
check '... always' not has '^connected'
stop_client
tls_client other client
check 'a server of another authority is refused' happens '^lost 127.0.0.1: TLS: '
check '... always' not has '^connected'
stop_client
start_client $((port + 2))
check 'without TLS it does not speak to a server that requires it' \
    happens '^lost 127.0.0.1: the server requires TLS'
stop_client
stop_server "$server"
check 'a server with the certificate of another starts' tls_server elsewhere
tls_client ca client
check 'it is refused' happens '^lost 127.0.0.1: TLS: .*mismatch'
stop_client
stop_server "$server"
check 'a server without TLS starts' start_server 3
start_client -t "$dir/ca.pem" "$dir/client.pem" "$dir/client.key" $((port + 3))
check 'if TLS is configured it does not speak without' happens '^lost 127.0.0.1: '
check '... always' not has '^connected'
stop_client
finish
