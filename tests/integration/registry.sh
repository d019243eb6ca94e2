#!/bin/sh
# registry against several endpoints of which one is TLS, one lies, one is slow and
# one goes away: two of three decide, and each that differs is named once.
. "$(dirname "$0")/lib.sh"

command -v node > /dev/null || skip 'node is not here'

start_devnet --kms 2/3
registry=$(sed -n 's/^registry-endpoint //p' "$dir/tee-runnerd.conf")
node "$(dirname "$0")/endpoints.mjs" "$registry" "$dir/tls" > "$dir/ports" 2> "$dir/endpoints.log" &
endpoints=$! others=$!
until_ok 10 grep -q . "$dir/ports" || { flunk 'the endpoints do not start'; finish; }
read -r https plain < "$dir/ports"
cat >> "$dir/tee-runnerd.conf" <<END
registry-endpoint https://127.0.0.1:$https/
registry-endpoint http://127.0.0.1:$plain/
registry-quorum 2
registry-ca $dir/tls/ca.pem
END
say() { node -e "fetch('http://127.0.0.1:$plain/$1').then(() => 0)"; }

start_runner
check 'the Runner serves when two of three endpoints agree, one of them by TLS' until_ok 30 state_is serving
registered() { grep -q "\"configurationHash\": *\"$1\"" "$dir/registry.json"; }
attested=$(tee-runnerctl config --hash -f "$dir/tee-runnerd.conf")
check 'the registration has the hash that tee-runnerctl config prints' \
    registered "$attested"
check 'the log says that all three agree' until_ok 10 logged 'registry: read at block [0-9]* (3 of 3 endpoints agree)'

say lie
check 'the log names an endpoint that lies' until_ok 20 logged "endpoint http://127.0.0.1:$plain: disagrees"
sleep 5
check 'it is named once' test "$(count "endpoint http://127.0.0.1:$plain: disagrees")" -eq 1
check 'the Runner serves on' state_is serving
say honest
check 'the log says that it agrees again' until_ok 20 logged "endpoint http://127.0.0.1:$plain: agrees again"

for what in rubbish huge deep silent chain; do
	say $what
	n=$(count "endpoint http://127.0.0.1:$plain: fails")
	until_ok 20 test "$(count "endpoint http://127.0.0.1:$plain: fails")" -gt 0
	sleep 3
	check "an endpoint that answers $what: the Runner serves on" state_is serving
	say honest
	sleep 4
done
check 'the log names the endpoint each time' test "$(count "endpoint http://127.0.0.1:$plain: fails")" -ge 4

registry=$(role_pid registry)
kill $endpoints; wait $endpoints 2> /dev/null
before=$(ticks "$registry")
sleep 5
check 'registry does not spin when two of three endpoints are gone' test $(($(ticks "$registry") - before)) -le 10
check 'the log says that there is no quorum' until_ok 20 logged 'no quorum: 1 endpoints'
check 'registry did not restart' test "$(role_pid registry)" = "$registry"

cp "$dir/tls/ca.pem" "$dir/ca.pem"
echo >> "$dir/tls/ca.pem"
kill -9 "$registry"
check 'a registry-ca file that was replaced is refused' \
    until_ok 10 logged 'registry-ca .*: not the attested file'
cp "$dir/ca.pem" "$dir/tls/ca.pem"
n=$(count 'no quorum: 1 endpoints')
is_back() { [ "$(count 'no quorum: 1 endpoints')" -gt "$n" ]; }
check 'registry starts again with the attested file' until_ok 30 is_back
stop_runner

# A certificate that no one vouches for is no endpoint.
sed -i "s|^registry-ca .*|registry-ca /etc/ssl/certs/ca-certificates.crt|; s|^registry-quorum .*|registry-quorum 1|" "$dir/tee-runnerd.conf"
[ -f /etc/ssl/certs/ca-certificates.crt ] || cp "$dir/tls/runner-1.pem" "$dir/tls/other.pem"
[ -f /etc/ssl/certs/ca-certificates.crt ] || sed -i "s|^registry-ca .*|registry-ca $dir/tls/other.pem|" "$dir/tee-runnerd.conf"
node "$(dirname "$0")/endpoints.mjs" "$registry" "$dir/tls" $https $plain > "$dir/ports" 2>> "$dir/endpoints.log" &
endpoints=$! others=$!
until_ok 10 grep -q . "$dir/ports"
start_runner
check 'an https endpoint without a trusted certificate fails' until_ok 20 logged "endpoint https://127.0.0.1:$https/\?: fails"
kill $endpoints; wait $endpoints 2> /dev/null
finish
