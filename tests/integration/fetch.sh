#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tee-attest fetch-collateral against fetchd, which gives what Intel and AMD once
# gave, and what nobody should take.  Needs no network and no root.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tdx-platform"

samples=$src/tests/vectors/evidence
set=$samples/tdx/sets/tdx-v5-uptodate
c=$dir/c
crlf=$(printf '\r\n.') crlf=${crlf%.}

# server DIR: a fetchd there; its URL is $url
server() {
	mkdir "$1"
	"$BUILD/tests/integration/fetchd" "$1" > "$dir/port" &
	others="$others $!"
	until_ok 10 test -s "$dir/port" || { flunk fetchd; finish; }
	www=$1 url=http://127.0.0.1:$(cat "$dir/port")
	rm "$dir/port"
}

# ---- what it has ----

name() { printf %s "$1" | tr -c 'A-Za-z0-9.-' _; }
# reply TARGET STATUS FILE [HEADER]: what it says there
reply() {
	{
		printf 'HTTP/1.1 %s X\r\nContent-Length: %d\r\n' "$2" "$(wc -c < "$3")"
		printf 'Connection: close\r\n%s\r\n' "${4:+$4$crlf}"
		cat "$3"
	} > "$www/$(name "$1")"
}
# once N TARGET STATUS [HEADER]: the Nth time it says only that
once() {
	_file=$www/$(name "$2")
	cp "$_file" "$dir/kept"
	reply "$2" "$3" /dev/null "$4"
	mv "$_file" "$_file.$1"
	mv "$dir/kept" "$_file"
}
hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
escaped() { hex "$1" | sed 's/../%&/g'; }
# A document with its signature, as Intel gives it.
document() {
	printf '{"%s":' "$3"; cat "$1/$2.json"
	printf ',"signature":"%s"}' "$(tr -d '\n' < "$1/$2.sig.hex")"
}

# serve_intel SET TEE FMSPC CA
serve_intel() {
	rm -f "$www"/_*
	tcb="/$2/certification/v4/tcb?fmspc=$3"
	qe=/$2/certification/v4/qe/identity
	pck="/sgx/certification/v4/pckcrl?ca=$4&encoding=der"
	root=/sgx/certification/v4/rootcacrl
	document "$1" tcb_info tcbInfo > "$dir/tcb"
	document "$1" qe_identity enclaveIdentity > "$dir/qe"
	hex "$1/root_ca.crl" > "$dir/root"
	tcb_chain="tcb-info-issuer-chain: $(escaped "$1/tcb_info_chain.pem")"
	reply "$tcb" 200 "$dir/tcb" "$tcb_chain"
	reply "$qe" 200 "$dir/qe" \
	    "SGX-Enclave-Identity-Issuer-Chain: $(escaped "$1/qe_identity_chain.pem")"
	reply "$pck" 200 "$1/pck.crl"
	reply $root 200 "$dir/root"
}
serve_tdx() { serve_intel "$set" tdx 90c06f000000 platform; }

# ---- what is asked ----

# fetch STATUS TEXT OPTION...: it ends so, and says this
fetch() {
	_status=$1 _text=$2; shift 2
	timeout 150 tee-attest fetch-collateral --collateral "$c" --url "$url" "$@" \
	    > "$dir/said" 2>&1
	_r=$?
	cat "$dir/said"
	[ $_r = "$_status" ] && grep -q -e "$_text" "$dir/said"
}
verify() { tee-attest verify --collateral "$c" "$@"; }
requests() { cat "$www/requests" 2> /dev/null | wc -l; }
# asks N COMMAND...: with so many requests
asks() {
	_n=$(($(requests) + $1)); shift
	"$@" && [ "$(requests)" = $_n ]
}
# takes SECONDS COMMAND...: or a little more
takes() {
	_from=$(date +%s) _least=$1; shift
	"$@" && _took=$(($(date +%s) - _from)) &&
	    [ $_took -ge "$_least" ] && [ $_took -le $((_least + 8)) ]
}
contents() { (cd "$c" && ls -A && sha256sum -- * .[!.]* 2> /dev/null); }
# spares COMMAND...: the files are as they were, and there are no others
spares() {
	contents > "$dir/before"
	"$@" && contents | cmp - "$dir/before"
}
said() { grep -q -e "$1" "$dir/said"; }
asked() { grep -qxF -e "$1" "$www/requests"; }

# In the background, for it takes as long as a request may: a minute.
server "$dir/slow"
serve_tdx
: > "$www/$(name "$tcb").slow"
tee-attest fetch-collateral --collateral "$dir/slow-c" --url "$url" --at 2026-02-25 \
    --fmspc 90c06f000000 > "$dir/slow-said" 2>&1 &
slow=$! slow_from=$(date +%s)

# ---- Intel's ----

at='--at 2026-02-25'
of="$at --fmspc 90C06F000000"
server "$dir/www"
serve_tdx
check 'all collateral of a platform is fetched into a new directory' asks 4 fetch 0 'fetched tcb info: 4268 bytes, valid until 2026-03-03T14:49:26Z' $of
check 'a quote verifies with it' verify $at "$set/quote.bin"
check 'documents are stored byte for byte' cmp "$dir/tcb" "$c/tcb_info.json"
check 'a revocation list that came as hex is stored as DER' cmp "$set/root_ca.crl" "$c/root_ca.crl"
check 'the directory has no other files' [ "$(ls -A "$c" | wc -l)" = 6 ]
check 'the second time nothing is asked for' spares asks 0 fetch 0 'kept tcb info: valid until 2026-03-03T14:49:26Z' $of
check 'with --refresh everything is asked for' asks 4 fetch 0 'fetched pck crl' $of --refresh
check 'what has expired is asked for, and an expired answer is refused' spares asks 4 fetch 1 'tcb info: .*out of its window: valid until 2026-03-03' --at 2027-01-01 --fmspc 90c06f000000
rm "$c/pck.crl"
check 'only a missing file is asked for' asks 1 fetch 0 'fetched pck crl' $of
check 'a quote gives FMSPC, CA and TEE' asks 0 fetch 0 'kept tcb info' $at --quote "$set/quote.bin"
check '--update is in the request for the identity' fetch 1 'qe/identity?update=early: HTTP status 404' $of --update early --refresh
check '--update is in the request for the TCB info' asked "$tcb&update=early"
tee-attest fetch-collateral --json --collateral "$c" --url "$url/" $of --refresh > "$dir/json" 2> "$dir/err"
check '--json prints a summary' grep -q '"validUntil": "2026-03-03T14:49:26Z"' "$dir/json"
check '--json prints a line for each document on standard error' [ "$(grep -c '^fetched ' "$dir/err")" = 4 ]

rm -r "$c"
serve_intel "$samples/sgx" sgx 00a067110000 processor
check 'SGX collateral is fetched for a quote' fetch 0 'fetched tcb info' --at 2025-06-25 --quote "$samples/sgx/quote.bin"
check 'the processor CA was asked' asked "$pck"
printf 'tcb-status ConfigurationAndSWHardeningNeeded\n' > "$dir/policy"
check 'an SGX quote verifies with it' verify --policy "$dir/policy" --at 2025-06-25 "$samples/sgx/quote.bin"
check 'SGX collateral is fetched by --fmspc, --tee and --ca' asks 4 fetch 0 'fetched qe identity' --at 2025-06-25 --fmspc "${tcb#*=}" --tee sgx --ca processor --refresh

# ---- what must not be taken ----

rm -r "$c"
serve_tdx
check 'a directory is filled' fetch 0 fetched $of
# wrong TEXT: all of it once more, and one item says this
wrong() { spares fetch 1 "tee-attest: $1" $of --refresh; }

sed -i 's/"90c06f000000"/"90c06f000001"/' "$dir/tcb"
reply "$tcb" 200 "$dir/tcb" "$tcb_chain"
check 'a document that was changed is refused' wrong 'tcb info: .*not signed by Intel'
document "$samples/tdx/sets/tdx-v4-emr-uptodate" tcb_info tcbInfo > "$dir/tcb"
reply "$tcb" 200 "$dir/tcb" "tcb-info-issuer-chain: $(escaped "$samples/tdx/sets/tdx-v4-emr-uptodate/tcb_info_chain.pem")"
check 'TCB info of another FMSPC is refused' wrong 'tcb info: .*of another FMSPC: b0c06f000000'
document "$samples/sgx" tcb_info tcbInfo > "$dir/tcb"
reply "$tcb" 200 "$dir/tcb" "$tcb_chain"
check 'TCB info of another TEE is refused' wrong 'tcb info: .*it is of SGX, not TDX'
document "$set" tcb_info tcbInfo > "$dir/tcb"
reply "$tcb" 200 "$dir/tcb"
check 'TCB info without its chain is refused' wrong 'tcb info: .*came without its chain'
reply "$tcb" 200 "$dir/tcb" "tcb-info-issuer-chain: %00$(escaped "$set/tcb_info_chain.pem")"
check 'a chain with a NUL is refused' wrong 'tcb info: .*came without its chain'
echo '<html><body>Sign in</body></html>' > "$dir/html"
reply "$tcb" 200 "$dir/html" "$tcb_chain"
check 'HTML is refused as TCB info' wrong 'tcb info: .*tcb_info.json: line 1:'
reply "$pck" 200 "$dir/html"
check 'HTML is refused as a revocation list' wrong 'pck crl: .*no revocation list'
reply "$pck" 200 "$set/root_ca.crl"
check 'a revocation list of another CA is refused' wrong 'pck crl: .*not of the issuer Intel SGX PCK Platform CA'
head -c 200 "$set/root_ca.crl" > "$dir/part"
reply $root 200 "$dir/part"
check 'half a revocation list is refused' wrong 'root ca crl: .*no revocation list'

serve_tdx
printf 'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nConnection: close\r\n%s\r\n\r\n%s' \
    "$tcb_chain" "$(cat "$dir/tcb")" > "$www/$(name "$tcb")"
check 'an answer that ends too early is refused' wrong 'tcb info: .*transfer closed'
{ cat "$dir/tcb"; head -c 1100000 /dev/zero | tr '\0' ' '; } > "$dir/large"
reply "$tcb" 200 "$dir/large" "$tcb_chain"
check 'an answer that is too large is refused' wrong 'tcb info: .*larger than 1048576 bytes'
reply "$tcb" 200 "$dir/tcb" "$tcb_chain$crlf$(head -c 70000 /dev/zero | tr '\0' 'x' | fold -w 700 | sed "s/^/X: /;s/\$/$(printf '\r')/")"
check 'a header that is too large is refused' wrong 'tcb info: .*header is larger than 65536'
reply "$tcb" 500 "$dir/tcb" "$tcb_chain"
check 'HTTP status 500 is refused' wrong 'tcb info: .*HTTP status 500'
rm "$www/$(name "$tcb")"
check 'HTTP status 404 is refused' wrong 'tcb info: .*HTTP status 404'
check 'the other documents are fetched after a failure' said '^fetched qe identity'

# ---- redirects ----

serve_tdx
to() { reply "$tcb" 302 /dev/null "Location: $1"; }
reply /elsewhere 200 "$dir/tcb" "$tcb_chain"
to /elsewhere
check 'a redirect is followed' fetch 0 'fetched tcb info' $of --refresh
to "$tcb"
check 'a fourth redirect is refused' asks 7 wrong 'tcb info: .*more redirects'
to http://192.0.2.1/
check 'a redirect to another machine without TLS is refused' wrong 'tcb info: .*http is for this machine alone'
to http://127.0.0.1.example/
check 'a redirect to a name that begins with 127.0.0.1 is refused' wrong 'tcb info: .*http is for this machine alone'
to https://127.0.0.1:1/
check 'a redirect to another scheme is refused' wrong 'tcb info: .*another scheme'
to "file://$set/tcb_info.json"
check 'a redirect to a file is refused' wrong 'tcb info: .*another scheme'

# ---- come again later ----

serve_tdx
once 1 "$tcb" 429 'Retry-After: 2'
once 2 "$tcb" 503 "Retry-After: $(LC_ALL=C date -u -d '4 seconds' '+%a, %d %b %Y %H:%M:%S GMT')"
check 'after 429 and 503 it waits as long as Retry-After says' takes 3 asks 6 fetch 0 'fetched tcb info' $of --refresh
once 1 "$tcb" 429 'Retry-After: 1'
once 2 "$tcb" 429 'Retry-After: 120'
check 'more than two minutes in all gives exit status 3' spares takes 1 asks 5 fetch 3 'tcb info: .*HTTP status 429: try again after 20' $of --refresh
reply "$tcb" 503 /dev/null "Retry-After: $(LC_ALL=C date -u -d '1 hour' '+%a, %d %b %Y %H:%M:%S GMT')"
check 'a date that is too far away gives exit status 3' spares takes 0 fetch 3 "try again after $(date -u -d '1 hour' +%Y-%m-%dT%H)" $of --refresh
reply "$tcb" 429 /dev/null 'Retry-After: 2147483647'
check 'a number that is too large gives exit status 3' spares takes 0 fetch 3 'try again after' $of --refresh

# ---- TLS, and when it may be left out ----

plain() { url=$1 spares fetch 2 "$2" $of --refresh; }
check 'http to another machine is refused' plain http://192.0.2.1 'http is for this machine alone'
check 'http to a name is refused' plain http://localhost.example 'http is for this machine alone'
check 'http to another machine with a user name is refused' plain http://127.0.0.1@192.0.2.1 'http is for this machine alone'
check 'another scheme is refused' plain ftp://127.0.0.1 'neither https nor http'
check 'an address that is no URL is refused' plain 127.0.0.1 'it is no URL'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/key" -out "$dir/cert" -days 2 \
    -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2> /dev/null
mkdir -p "$dir/https${tcb%/*}"
reply "$tcb" 200 "$dir/tcb" "$tcb_chain"
cp "$www/$(name "$tcb")" "$dir/https$tcb"
(cd "$dir/https" && exec openssl s_server -HTTP -accept 127.0.0.1:0 -key "$dir/key" \
    -cert "$dir/cert") > "$dir/tls" 2>&1 &
others="$others $!"
until_ok 10 grep -q '^ACCEPT' "$dir/tls"
port=$(sed -n 's/^ACCEPT .*://p' "$dir/tls")
untrusted() {
	url=https://127.0.0.1:$port spares fetch 1 'tcb info: .*SSL certificate problem' \
	    $of --refresh
}
# trusted HOST TEXT: as if the system trusted that certificate; it has only the TCB info
trusted() {
	unshare -m sh -c 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"' \
	    "$dir/cert" tee-attest fetch-collateral --collateral "$c" \
	    --url "https://$1:$port" $of --refresh > "$dir/said" 2>&1
	cat "$dir/said"
	said "$2"
}
check 'a certificate that nobody signed is refused' untrusted
if [ "$(id -u)" = 0 ] && [ -f /etc/ssl/certs/ca-certificates.crt ] &&
    unshare -m true 2> /dev/null; then
	check 'a certificate that the system trusts is accepted' trusted 127.0.0.1 '^fetched tcb info'
	check 'a certificate of another host is refused' trusted localhost 'tcb info: .*target host name .localhost'
else
	echo 'skip a certificate that is trusted: needs root, ca-certificates, a mount namespace'
fi

# ---- AMD's ----

rm -r "$c"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/ark.key" -out "$dir/ark.crt" -days 2 \
    -subj '/OU=Engineering/C=US/L=Santa Clara/ST=CA/O=Advanced Micro Devices/CN=ARK-Genoa' 2> /dev/null
: > "$dir/index"
printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s/index\ndefault_md=sha256\n' "$dir" > "$dir/ca.cnf"
openssl ca -gencrl -config "$dir/ca.cnf" -keyfile "$dir/ark.key" -cert "$dir/ark.crt" -crldays 30 \
    2> "$dir/err" | openssl crl -outform der -out "$dir/crl"

# serve_snp SET KEY PRODUCT [TARGET]
serve_snp() {
	rm -f "$www"/_*
	chain=/$2/v1/$3/cert_chain crl=/$2/v1/$3/crl vcek=$4
	cat "$1/ask.pem" "$1/ark.pem" > "$dir/chain"
	openssl x509 -in "$1/vek.pem" -outform der -out "$dir/vcek"
	reply "$chain" 200 "$dir/chain"
	reply "$crl" 200 "$dir/crl"
	[ -z "$4" ] || reply "$4" 200 "$dir/vcek"
}
# Of a report: bytes as hex, and a number.
bytes() { od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n'; }
spl() { printf %02d "0x$(bytes "$1" $((0x180 + $2)) 1)"; }
vcek_of() { echo "/vcek/v1/$2/$(bytes "$1" $((0x1a0)) 64)?blSPL=$(spl "$1" 0)&teeSPL=$(spl "$1" 1)&snpSPL=$(spl "$1" 6)&ucodeSPL=$(spl "$1" 7)"; }

genoa=$samples/snp/snp-genoa-v3-azure milan=$samples/snp/snp-milan-v2-virtee
vlek=$samples/snp/snp-milan-v3-aws-vlek
at='--at 2025-06-01' crl_policy="--policy $samples/snp/policy"
serve_snp "$genoa" vcek Genoa "$(vcek_of "$genoa/report.bin" Genoa)"
check 'all collateral of an AMD report is fetched' asks 3 fetch 0 'fetched vcek: .*valid until 2032' $at --vcek "$genoa/report.bin"
check 'a revocation list that AMD did not sign is found by verify' sh -c "tee-attest verify --collateral $c $at $genoa/report.bin | grep '^fail *vek-revoked .*not signed by AMD'"
rm "$c/snp.crl"
check 'without a revocation list the verdict is undecided' sh -c "tee-attest verify --collateral $c $at $genoa/report.bin | grep '^missing *vek-revoked'"
check 'without a revocation list the report verifies if the policy allows it' verify $at $crl_policy "$genoa/report.bin"
check 'the second time only the list is asked for' asks 1 fetch 0 'kept vcek' $at --vcek "$genoa/report.bin"
# wrong_snp TEXT
wrong_snp() { spares fetch 1 "tee-attest: $1" $at --vcek "$genoa/report.bin" --refresh; }
openssl x509 -in "$milan/vek.pem" -outform der -out "$dir/vcek"
reply "$vcek" 200 "$dir/vcek"
check 'a VCEK of another product is refused' wrong_snp 'vcek: .*it is of Milan'
reply "$vcek" 200 "$genoa/ask.pem"
check 'a certificate that is no VCEK is refused' wrong_snp 'vcek: .*it is no VCEK'
reply "$vcek" 200 "$dir/html"
check 'HTML is refused as a certificate' wrong_snp 'vcek: .*it is no certificate'
cat "$milan/ask.pem" "$milan/ark.pem" > "$dir/chain"
reply "$chain" 200 "$dir/chain"
check 'a chain of another product is refused' wrong_snp 'certificate chain: .*no SEV-Genoa that AMD'
reply "$chain" 200 "$genoa/ark.pem"
check 'a chain without its middle is refused' wrong_snp 'certificate chain: .*no SEV-Genoa that AMD'
reply "$crl" 200 "$set/root_ca.crl"
check 'a list of another maker is refused' wrong_snp 'amd crl: .*not of the issuer ARK-Genoa'

rm -r "$c"
serve_snp "$milan" vcek Milan "$(vcek_of "$milan/report.bin" Milan)"
rm "$www/$(name "$crl")"
check 'a report of version 2 needs --product' asks 0 fetch 2 'give --product Milan' --vcek "$milan/report.bin"
check 'with --product the rest is fetched when the list is not there' fetch 1 'amd crl: .*HTTP status 404' $at --vcek "$milan/report.bin" --product Milan
check 'a report of version 2 verifies with it' verify $at $crl_policy "$milan/report.bin"
other=$samples/snp/snp-milan-v2-debug-policy
reply "$(vcek_of "$other/report.bin" Milan)" 200 "$dir/vcek"
check 'a VCEK of another chip is refused' spares fetch 1 'vcek: .*of another chip' $at --vcek "$other/report.bin" --product Milan
cp "$milan/report.bin" "$dir/report"
printf '\001' | dd of="$dir/report" bs=1 seek=$((0x186)) conv=notrunc 2> /dev/null
reply "$(vcek_of "$dir/report" Milan)" 200 "$dir/vcek"
check 'a VCEK of another TCB is refused' spares fetch 1 'vcek: .*of another TCB' $at --vcek "$dir/report" --product Milan
check 'a product that differs from the report is refused' fetch 2 'the report is of Genoa' --vcek "$genoa/report.bin" --product Milan

rm -r "$c"
serve_snp "$vlek" vlek Milan
rm "$www/$(name "$crl")"
check 'for a VLEK only the chain and the list are asked for' asks 2 fetch 1 "no certificate of the vlek itself: .*get it from the host" $at --vcek "$vlek/report.bin"
cp "$vlek/vek.pem" "$c/"
check 'a VLEK report verifies with its certificate' verify $at $crl_policy "$vlek/report.bin"

# No report of Turin is public: Genoa's, with the CPUID of one.
cp "$genoa/report.bin" "$dir/report"
printf '\032\002\001' | dd of="$dir/report" bs=1 seek=$((0x188)) conv=notrunc 2> /dev/null
printf '\004\001\002\003\000\000\000\113' | dd of="$dir/report" bs=1 seek=$((0x180)) conv=notrunc 2> /dev/null
check 'a Turin report is asked for' fetch 1 'status 404' $at --vcek "$dir/report"
check 'the request for Turin has eight bytes of chip, and fmcSPL' asked "/vcek/v1/Turin/$(bytes "$dir/report" $((0x1a0)) 8)?fmcSPL=04&blSPL=01&teeSPL=02&snpSPL=03&ucodeSPL=75"

# ---- forecast: two channels, several sources ----

# serve_channel CHANNEL DIR: what both documents say there
serve_channel() {
	document "$2" tcb_info tcbInfo > "$dir/tcb"
	document "$2" qe_identity enclaveIdentity > "$dir/qe"
	reply "$tcb&update=$1" 200 "$dir/tcb" \
	    "TCB-Info-Issuer-Chain: $(escaped "$2/tcb_info_chain.pem")"
	reply "$qe?update=$1" 200 "$dir/qe" \
	    "SGX-Enclave-Identity-Issuer-Chain: $(escaped "$2/qe_identity_chain.pem")"
}
# tcb_sets DATE: set 21 began then, set 20 two years ago
tcb_sets() {
	printf '{"id":"TDX","version":1,"issueDate":"%s","nextUpdate":"%s","tcbEvalNumbers":[{"tcbEvaluationDataNumber":21,"tcbRecoveryEventDate":"%s","tcbDate":"%s"},{"tcbEvaluationDataNumber":20,"tcbRecoveryEventDate":"%s","tcbDate":"%s"}]}' \
	    "$(_now '-1 day')" "$(_now '+29 days')" "$(_now "$1")" "$(_now "$1")" \
	    "$(_now '-2 years')" "$(_now '-2 years')" > "$cpu/tcb_evaluation.json" &&
	sign_document tcb_evaluation
}
# A platform that is up to date in the standard set, number 20, and not in the early
# one, number 21.
serve_platform() {
	serve_intel "$dir/standard" tdx 90c06f000000 platform
	sets=/tdx/certification/v4/tcbevaluationdatanumbers
	serve_channel standard "$dir/standard"
	serve_channel early "$dir/early"
	document "$dir/early" tcb_evaluation tcbEvaluationDataNumbers > "$dir/sets"
	reply $sets 200 "$dir/sets" \
	    "TCB-Evaluation-Data-Numbers-Issuer-Chain: $(escaped "$dir/early/tcb_evaluation_chain.pem")"
}
make_sets() {
	cpu=$dir/cpu into=$dir/standard
	mkdir "$cpu" "$into" && make_platform && cp -r "$into" "$dir/early" &&
	into=$dir/early &&
	tcb_info 21 "$(level 4 11 UpToDate),$(level 3 11 OutOfDate)" && qe_identity 21 &&
	tcb_sets '-355 days' &&
	"$BUILD/tests/integration/tdxquote" "$cpu" "$(printf %0128d 0)" > "$dir/quote" &&
	echo "test-root $(platform_digest)" > "$dir/policy"
}
# forecast STATUS TEXT OPTION...: it ends so, and says this
forecast() {
	_status=$1 _text=$2; shift 2
	timeout 150 tee-attest forecast --collateral "$c" --policy "$dir/policy" "$@" \
	    "$dir/quote" > "$dir/said" 2>&1
	_r=$?
	cat "$dir/said"
	[ $_r = "$_status" ] && grep -q -e "$_text" "$dir/said"
}

rm -r "$c"
check 'a platform with two sets is made' make_sets
serve_platform
until=$(date -u -d '+10 days' +%F)
check 'without collateral the status is 3' forecast 3 '^unknown: collateral is missing: tcb-info: no tcb_info.json' --offline
check 'without collateral nothing is written' [ ! -e "$c" ]
check 'both sets are fetched, and the next refuses the platform' asks 9 forecast 1 "^accepted until about $until: sgxtcbcomp01 is below the next TCB set" --url "$url"
check 'the standard channel was asked' asked "$tcb&update=standard"
check 'the early channel was asked' asked "$qe?update=early"
check 'the component has what it needs' said 'sgxtcbcomp01: have 3, need 4 (early, since 2026-01-01)'
check 'the estimate says of what it is one' said 'is an estimate: the TCB recovery event of set 21 was on'
check 'the second time nothing is asked for' asks 0 forecast 1 "^accepted until about $until" --url "$url"
check '--offline gives the same' asks 0 forecast 1 "^accepted until about $until" --offline
touch -d '2 days ago' "$c/standard/tcb_info.json" "$c/early/pck.crl"
check '--offline asks for nothing that is old' asks 0 forecast 1 "^accepted until" --offline
check 'a file older than a day is asked for' asks 2 forecast 1 "^accepted until" --url "$url"
check '--json has the names of other commands' sh -c "tee-attest forecast --json --offline --collateral $c --policy $dir/policy $dir/quote |
    tr -d ' \n' | grep '\"acceptedUntil\":[0-9]*,\"isEstimate\":true,.*\"next\":{\"tcbStatus\":\"OutOfDate\",\"accepted\":false,\"evaluation\":21,.*\"component\":\"sgxtcbcomp01\",\"name\":\"\",\"have\":3,\"need\":4,\"set\":\"early\"'"

first=$url
server "$dir/second"
serve_platform
www=$dir/www
reply "$tcb&update=standard" 503 /dev/null
rm "$www/$(name $sets)" "$www/$(name "$qe?update=early")"
rm -r "$c"
check 'of a source that fails the next gives the rest' takes 0 forecast 1 "^accepted until about $until" --url "$first" --url "$url"
check 'the source that was busy is named' said "^source $first: tcb_info.json: HTTP status 503"
check 'the source that lacks a file is named' said "^source $first: tcb_evaluation.json: HTTP status 404"
check 'the second source is not named' [ "$(grep -c '^source ' "$dir/said")" = 3 ]
www=$dir/second
check 'the second source was asked for the rest only' [ "$(requests)" = 3 ]
touch -d '2 days ago' "$c"/standard/* "$c"/early/*
check 'valid files stay if no source answers' forecast 1 "^accepted until about $until" --url http://127.0.0.1:1
check 'each file of that source is named' [ "$(grep -c '^source http://127.0.0.1:1: ' "$dir/said")" = 9 ]
echo '<html><body>Sign in</body></html>' > "$dir/html"
reply "$tcb&update=early" 200 "$dir/html"
check 'what is not signed does not replace it' forecast 1 "^accepted until about $until" --url "$url"
check 'that source is named' said "^source $url: tcb_info.json: tcb_info.json: line 1"

cp "$dir/standard/"* "$dir/early/"
serve_platform
rm "$www/$(name $sets)"
rm -r "$c"
check 'a platform that both sets accept has status 0' forecast 0 '^accepted now and by the next TCB set; its certificate ends on' --url "$url"
check 'a source without a list of sets is named' said "^source $url: tcb_evaluation.json"
echo 'min-tcb-date 2026-06-01' >> "$dir/policy"
check 'a platform that is refused now has status 1' forecast 1 '^refused now: min-tcb-date' --offline
sed -i '$d' "$dir/policy"
check 'a source that is no URL is refused' forecast 2 'it is no URL' --url 127.0.0.1
check 'nine sources are refused' forecast 2 'too many' --url a --url b --url c --url d --url e --url f --url g --url h --url i

rm -r "$c"
cp "$genoa/report.bin" "$dir/quote"
cp "$samples/snp/policy" "$dir/policy"
serve_snp "$genoa" vcek Genoa "$(vcek_of "$genoa/report.bin" Genoa)"
rm "$www/$(name "$crl")"
check 'collateral of AMD is fetched' asks 3 forecast 0 '^accepted now; its certificate ends on 2032-' --at 2025-06-01 --url "$url"
check 'the source without a list is named' said "^source $url: snp.crl: HTTP status 404"
check 'AMD has no early channel' said 'AMD has no early channel'
echo 'min-spl ucode 85' >> "$dir/policy"
check 'a component below min-spl is named' forecast 1 'ucode: have 84, need 85 (policy)' --at 2025-06-01 --offline

# ---- usage ----

check 'no target is refused' fetch 2 'one of --fmspc HEX, --quote FILE and --vcek FILE'
check 'two targets are refused' fetch 2 'one of --fmspc' --fmspc 90c06f000000 --quote "$set/quote.bin"
check 'a short FMSPC is refused' fetch 2 'not 6 bytes as hex' --fmspc 90c06f
check 'an FMSPC that is not hex is refused' fetch 2 'not 6 bytes as hex' --fmspc 90c06f00000g
check 'an unknown CA is refused' fetch 2 '\-\-ca: no such: both' $of --ca both
check 'an option of another form is refused' fetch 2 '\-\-ca is not of this form' --ca platform --quote "$set/quote.bin"
check 'a report in place of a quote is refused' fetch 2 'no TDX or SGX quote' --quote "$genoa/report.bin"
check 'a quote in place of a report is refused' fetch 2 'no SEV-SNP report' --vcek "$set/quote.bin"
check 'a file too many is refused' fetch 2 'usage:' $of file
c=$dir/none/c
check 'a directory that cannot be made is refused' fetch 2 'No such file' $of

# ---- the manual page's examples ----

c=$dir/c
cd "$samples" || finish
serve_tdx
sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/p' "$src/man/tee-attest.1" |
    sed -e :a -e '/\\e$/N; s/\\e\n *//; ta' |
    sed -n 's/^\$ tee-attest fetch-collateral //p' > "$dir/examples"
check 'the manual page has examples' [ -s "$dir/examples" ]
while read -r line; do
	check "the example works: $line" fetch 0 fetched --at 2026-02-25 \
	    $(echo "$line" | sed "s|--collateral [^ ]*|--collateral $c|")
done < "$dir/examples"

serve_channel standard "$set"
serve_channel early "$set"
: > "$dir/policy"
line=$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/p' "$src/man/tee-attest.1" |
    sed -e :a -e '/\\e$/N; s/\\e\n *//; ta' | sed -n 's/^\$ tee-attest forecast //p')
check 'the manual page has an example of forecast' [ -n "$line" ]
check "the example works: $line" sh -c "tee-attest forecast --at 2026-02-25 $(echo "$line" |
    sed "s|--collateral [^ ]*|--collateral $dir/example|; s|--url https:[^ ]*|--url $url|g") |
    grep '^accepted now and by the next TCB set'"

wait "$slow"
check 'a request that takes more than a minute fails' \
    [ $? = 1 -a $(($(date +%s) - slow_from)) -ge 60 ]
check 'the error says that it timed out' grep -q 'tcb info: .*timed out after 6[0-9]* milliseconds' "$dir/slow-said"
check 'the other documents came all the same' grep -q '^fetched root ca crl' "$dir/slow-said"

finish
