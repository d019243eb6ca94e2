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
check 'two of three agree, one by TLS' until_ok 30 state_is serving
registered() { grep -q "\"configurationHash\": *\"$1\"" "$dir/registry.json"; }
attested=$(tee-runnerctl config --hash -f "$dir/tee-runnerd.conf")
check 'its registration has the hash that tee-runnerctl config prints' \
    registered "$attested"
check 'all three do' logged 'registry: read at block [0-9]* (3 of 3 endpoints agree)'

say lie
check 'one that lies is named' until_ok 20 logged "disagrees: http://127.0.0.1:$plain"
sleep 5
check 'once' test "$(count "disagrees: http://127.0.0.1:$plain")" -eq 1
check 'and is not believed' state_is serving
say honest
check 'it agrees again' until_ok 20 logged "agrees again: http://127.0.0.1:$plain"

for what in rubbish huge deep silent chain; do
	say $what
	n=$(count "fails: http://127.0.0.1:$plain")
	until_ok 20 test "$(count "fails: http://127.0.0.1:$plain")" -gt 0
	sleep 3
	check "an endpoint that answers $what: the Runner serves on" state_is serving
	say honest
	sleep 4
done
check 'each was named' test "$(count "fails: http://127.0.0.1:$plain")" -ge 4

registry=$(role_pid registry)
kill $endpoints; wait $endpoints 2> /dev/null
before=$(ticks "$registry")
sleep 5
check 'two of three are gone: no spinning' test $(($(ticks "$registry") - before)) -le 10
check 'and no quorum' until_ok 20 logged 'no quorum: 1 endpoints'
check 'registry lived through all of it' test "$(role_pid registry)" = "$registry"

cp "$dir/tls/ca.pem" "$dir/ca.pem"
echo >> "$dir/tls/ca.pem"
kill -9 "$registry"
check 'authorities that were replaced are not those that are attested: refused' \
    until_ok 10 logged 'registry-ca .*: not the attested file'
cp "$dir/ca.pem" "$dir/tls/ca.pem"
n=$(count 'no quorum: 1 endpoints')
is_back() { [ "$(count 'no quorum: 1 endpoints')" -gt "$n" ]; }
check 'with the attested file registry comes back' until_ok 30 is_back
stop_runner

# A certificate that no one vouches for is no endpoint.
sed -i "s|^registry-ca .*|registry-ca /etc/ssl/certs/ca-certificates.crt|; s|^registry-quorum .*|registry-quorum 1|" "$dir/tee-runnerd.conf"
[ -f /etc/ssl/certs/ca-certificates.crt ] || cp "$dir/tls/runner-1.pem" "$dir/tls/other.pem"
[ -f /etc/ssl/certs/ca-certificates.crt ] || sed -i "s|^registry-ca .*|registry-ca $dir/tls/other.pem|" "$dir/tee-runnerd.conf"
node "$(dirname "$0")/endpoints.mjs" "$registry" "$dir/tls" $https $plain > "$dir/ports" 2>> "$dir/endpoints.log" &
endpoints=$! others=$!
until_ok 10 grep -q . "$dir/ports"
start_runner
check 'an https endpoint without a trusted certificate fails' until_ok 20 logged "fails: https://127.0.0.1:$https"
kill $endpoints; wait $endpoints 2> /dev/null
finish
