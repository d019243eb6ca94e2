#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Ten bad days of an operator.  For each: the alarm that fires in a real Prometheus, with
# the rules of contrib/prometheus; what the first line of `tee-runnerctl status' says; what
# `explain' tells to do; and that all is quiet after the cure.  The Registry is a contract on
# an EVM node.  As root, for a disk that can be full; exits 77 without Prometheus or Node.
. "$(dirname "$0")/lib.sh"
own_mounts
rmdir "$dir" 2> /dev/null
. "$(dirname "$0")/anvil.sh"
command -v prometheus > /dev/null || skip 'prometheus is not here'

tls=$dir/tls sock=$dir/runner.sock
prom=$((port + 3))
rpc() {
	curl -s --max-time 5 -H 'Content-Type: application/json' --data \
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$2}" $url > /dev/null
}

# ---- the Runner, three endpoints of which one can lie, a small disk for the log

check 'a node starts' start_node
check 'the Registry is deployed' deploy
node "$src/tests/integration/endpoints.mjs" "$url" "$tls" > "$dir/ports" 2> "$dir/endpoints.log" &
others="$others $!"
until_ok 10 grep -q . "$dir/ports" || { flunk 'the endpoints do not start'; finish; }
read -r https plain < "$dir/ports"
say() { node -e "fetch('http://127.0.0.1:$plain/$1').then(() => 0)"; }
od -An -tx1 -N32 /dev/urandom | tr -d ' \n' > "$dir/gas.key"
chmod 600 "$dir/gas.key"
sed -i '/^registry-refresh/d' "$dir/tee-runnerd.conf"
cat >> "$dir/tee-runnerd.conf" <<END
registry-endpoint https://127.0.0.1:$https/
registry-endpoint http://127.0.0.1:$plain/
registry-quorum 2
registry-ca $tls/ca.pem
registry-refresh 1
gas-key $dir/gas.key
publish yes
publish-interval 1
fetch-timeout 2s
suspect-time 8s
min-time 1
END
metrics=$(sed -n 's/^http-listen 127.0.0.1://p' "$dir/tee-runnerd.conf")
mkdir "$dir/disk"
mount -t tmpfs -o size=512k none "$dir/disk"
stop_disk_too() {
	stop_system
	umount -l "$dir/disk"
}
at_end=stop_disk_too
tee-runnerd -d -L "$BUILD/libexec" -f "$dir/tee-runnerd.conf" >> "$dir/disk/runner.log" 2>&1 &
runner=$!
ln -s disk/runner.log "$dir/runner.log"
until_ok 30 state_is serving || { flunk 'the Runner does not serve'; finish; }
account=$(status | sed -n 's/.*"account": *"\(0x[0-9a-f]*\)".*/\1/p')
rpc anvil_setBalance "[\"$account\",\"0xde0b6b3a7640000\"]"

# ---- Prometheus, with time made short

mkdir "$dir/prometheus"
sed 's/for: .*/for: 0s/; s/\[[0-9]*[mh]\]/[10s]/' \
    "$src/contrib/prometheus/tee-runner.rules.yml" > "$dir/prometheus/rules.yml"
cat > "$dir/prometheus/prometheus.yml" <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ rules.yml ]
scrape_configs:
  - job_name: tee-runner
    static_configs: [ { targets: [ '127.0.0.1:$metrics' ] } ]
END
prometheus --config.file="$dir/prometheus/prometheus.yml" --storage.tsdb.path="$dir/prometheus/data" \
    --web.listen-address=127.0.0.1:$prom > "$dir/prometheus/log" 2>&1 &
others="$others $!"
# query PROMQL: is there such a series now?
query() {
	curl -sG --max-time 5 --data-urlencode "query=$1" http://127.0.0.1:$prom/api/v1/query |
	    grep -q '"result":\[{'
}
fires() { query "ALERTS{alertname=\"$1\",alertstate=\"firing\"}"; }
no_alarm() { query 'tee_runner_serving == 1' && ! query 'ALERTS{alertstate="firing"}'; }
check 'Prometheus scrapes the Runner' until_ok 20 query 'tee_runner_serving == 1'

first_line() { tee-runnerctl status -s "$sock" | sed -n 1p; }
first_says() { first_line | grep -q "$1"; }
# The warnings of a development system are no fault.
is_quiet() {
	first_line | grep -q '^serving since' &&
	    ! tee-runnerctl status -s "$sock" | grep 'warning: ' | grep -qv 'INSECURE:\|warning: no [a-z]*: '
}
all_quiet() { is_quiet && no_alarm; }
until_ok 40 all_quiet || { flunk 'a good day is not quiet'; first_line; finish; }
pass 'on a good day there is no alarm and no warning'

# day WHAT ALARM FIRST_LINE: after it has begun.
day() {
	_start=$(date +%s%N)
	check "$1: the first line of status says it" until_ok 30 first_says "$3"
	first_line | sed 's/^/     > /'
	_ms=$((($(date +%s%N) - _start) / 1000000))
	check "$1: alarm $2 (status: $_ms ms)" until_ok 40 fires "$2"
	check "$1: explain $2 tells what to do" sh -c "tee-runnerctl explain $2 | grep -q '^ *1\\. .'"
	tee-runnerctl explain "$2" | sed 's/^/     > /'
	_warning=$(first_line | sed -n 's/.*: warning: //p')
	[ -z "$_warning" ] ||
	    check "$1: explain takes the warning" tee-runnerctl explain "$_warning"
}
# cured WHAT: all is quiet again.
cured() {
	check "$1: after the cure all is quiet" until_ok "${2:-60}" all_quiet || {
		tee-runnerctl status -s "$sock" | sed -n 1,4p
		curl -s "http://127.0.0.1:$prom/api/v1/alerts"
	}
}
a=$(put uint64 40)
ends_ok() { timeout=10 gives OK add "$a" uint64:2; }
try() { timeout=3 submit add "$a" uint64:2; }

# ---- 1: a KMS node lies

devnet fault kms-1 seal
for _i in 1 2 3; do ends_ok > /dev/null; done
day 'KMS node lies' TeeRunnerKmsNodeFaults 'warning: KMS node 1 or the Gateway answered wrongly'
check 'KMS node lies: kms names it' sh -c "tee-runnerctl kms -s $sock | grep -q '^node 1 is avoided'"
devnet fault kms-1 off
cured 'KMS node lies'

# ---- 2: the Gateway is silent

devnet fault gateway stuck
for _i in 1 2; do try; done
day 'Gateway silent' TeeRunnerGatewayFails 'warning: the last request to the Gateway failed'
check 'Gateway silent: status has its last error' \
    sh -c "tee-runnerctl status -s $sock | grep -q '^gateway  *last error'"
devnet fault gateway off
check 'Gateway silent: a task ends OK after it' ends_ok
cured 'Gateway silent' 75

# ---- 3: an endpoint disagrees

say lie
day 'endpoint disagrees' TeeRunnerEndpointDisagrees "warning: endpoint http://127.0.0.1:$plain disagrees"
check 'endpoint disagrees: endpoints shows which' \
    sh -c "tee-runnerctl endpoints -s $sock | grep -q '$plain  *disagrees'"
say honest
cured 'endpoint disagrees'

# ---- 4: the certificate ends soon

certificate() {
	printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n' > "$dir/ext"
	openssl req -new -key "$tls/runner-1.key" -subj /CN=runner-1 -out "$dir/csr" &&
	    openssl x509 -req -in "$dir/csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" \
	    -set_serial "0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')" -days "$1" \
	    -extfile "$dir/ext" -out "$dir/new.pem" && mv "$dir/new.pem" "$tls/runner-1.pem" &&
	    kill -HUP $runner
} > "$dir/openssl.log" 2>&1
certificate 5
day 'certificate ends' TeeRunnerCertificateEnds 'warning: tls-certificate expires 20'
certificate 400
cured 'certificate ends'

# ---- 5: the next TCB set refuses the platform (attest-tdx.sh has the real forecast)

forecast() {
	echo "{\"accepted\":true,\"tcbStatus\":\"UpToDate\",\"acceptedUntil\":$1,
	    \"collateralIssued\":$(date +%s),\"next\":{\"accepted\":$2}}" |
	    tee-runnerctl forecast - -s "$sock" > /dev/null
}
forecast $(($(date +%s) + 20 * 86400)) false
day 'next TCB set' TeeRunnerTcbNextSet 'warning: TCB: the next set refuses the evidence, from about 20'
check 'next TCB set: less than 30 days are left' until_ok 10 fires TeeRunnerTcbEnds
forecast 0 true
cured 'next TCB set'

# ---- 6: the registration is refused

sed -i.good '/^allow insecure/d' "$dir/evidence/policy"
tee-runnerctl renew -s "$sock" > /dev/null
day 'registration refused' TeeRunnerRegistrationRefused 'warning: .*registration.* refused'
check 'registration refused: the current one is kept' state_is serving
mv "$dir/evidence/policy.good" "$dir/evidence/policy"
cured 'registration refused' 90

# ---- 7: the gas account is empty

rpc anvil_setBalance "[\"$account\",\"0x0\"]"
ends_ok > /dev/null
day 'gas account empty' TeeRunnerGasNoFunds "warning: gas account: insufficient funds: $account"
rpc anvil_setBalance "[\"$account\",\"0xde0b6b3a7640000\"]"
cured 'gas account empty'

# ---- 8: a worker hangs

kill -STOP "$(pgrep -P $runner -x compute | sed -n 1p)"
for _i in 1 2 3; do try & done
day 'worker hangs' TeeRunnerWorkerStuck 'warning: worker [0-9]* has had its task for'
cured 'worker hangs'

# ---- 9: the disk is full

dd if=/dev/zero of="$dir/disk/filler" bs=1k 2> /dev/null
head -c 8192 /dev/zero 2> /dev/null | tr '\0' '\n' 2> /dev/null >> "$dir/disk/runner.log"	# its last page
tee-runnerctl log-level debug -s "$sock" > /dev/null
for _i in 1 2 3; do ends_ok > /dev/null; done
day 'disk full' TeeRunnerLogLinesDropped 'warning: log: lines were dropped'
rm "$dir/disk/filler"
tee-runnerctl log-level info -s "$sock" > /dev/null

# ---- 10: the clock is ahead: tasks of now seem expired

devnet fault orchestrator expired
for _i in 1 2 3 4; do try; done
day 'clock ahead' TeeRunnerClockAhead "NOT SERVING (idle) since .*: the system's clock disagrees"
devnet fault orchestrator off
cured 'disk full, clock ahead' 150
check 'a task ends OK after ten bad days' ends_ok

stop_runner() { kill $runner && wait $runner; }
check 'the Runner ends' stop_runner
finish
