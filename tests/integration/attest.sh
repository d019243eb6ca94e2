#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Attestation end to end: the daemon on a stand-in for the kernel's configfs-tsm
# (tsmfs, an SEV-SNP guest with a test processor), its registration judged by
# the registrar, a processor whose firmware is out of date.  As root, with FUSE; exits
# 77 without.
. "$(dirname "$0")/tsm.sh"

# ---- a processor: ARK, ASK and VCEK as AMD makes them, with a test root ----

pss='-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48'
of='/OU=Engineering/C=US/L=Santa Clara/ST=CA/O=Advanced Micro Devices/CN='
chip=$(od -An -tx1 -N64 /dev/urandom | tr -d ' \n')

# rsa NAME CN ISSUER: a CA's key and certificate
rsa() {
	openssl req -newkey rsa:4096 -nodes -keyout "$cpu/$1.key" \
	    -out "$cpu/$1.csr" -subj "$of$2" &&
	printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' \
	    > "$cpu/ext" || return 1
	if [ "$1" = "$3" ]; then
		set -- "$1" -signkey "$cpu/$3.key"
	else
		set -- "$1" -CA "$cpu/$3.pem" -CAkey "$cpu/$3.key" -CAcreateserial
	fi
	_n=$1; shift
	openssl x509 -req -in "$cpu/$_n.csr" -out "$cpu/$_n.pem" -days 30 \
	    -extfile "$cpu/ext" $pss "$@" &&
	openssl x509 -in "$cpu/$_n.pem" -outform der -out "$cpu/$_n.der"
}

# vek UCODE: a VCEK for a TCB with this microcode, in hex; the chip reports it
vek() {
	_ucode=$1
	[ $((0x$_ucode)) -lt 128 ] || _ucode=00$1
	_o=1.3.6.1.4.1.3704.1
	cat > "$cpu/ext" <<-X
		$_o.1=DER:020100
		$_o.2=DER:16084d696c616e2d4230
		$_o.3.1=DER:020104
		$_o.3.2=DER:020100
		$_o.3.3=DER:020118
		$_o.3.8=DER:02$(printf %02x $((${#_ucode} / 2)))$_ucode
		$_o.4=DER:$chip
	X
	openssl ecparam -name secp384r1 -genkey -noout -out "$cpu/vek.key" &&
	openssl req -new -key "$cpu/vek.key" -out "$cpu/vek.csr" -subj "${of}SEV-VCEK" &&
	openssl x509 -req -in "$cpu/vek.csr" -CA "$cpu/ask.pem" -CAkey "$cpu/ask.key" \
	    -set_serial 0 -days 30 -extfile "$cpu/ext" $pss -outform der \
	    -out "$cpu/vek.der" &&
	echo "04000000000018$1" > "$cpu/tcb"
}

make_cpu() {
	echo "$chip" > "$cpu/chip"
	rsa ark ARK-Milan ark && rsa ask SEV-Milan ark && vek db
}

# AMD's revocation list of this product, with nothing in it
make_crl() {
	: > "$cpu/index"
	printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s/index\ndefault_md=sha384\n' \
	    "$cpu" > "$cpu/ca.cnf"
	mkdir "$dir/crl" &&
	openssl ca -gencrl -config "$cpu/ca.cnf" -keyfile "$cpu/ark.key" \
	    -cert "$cpu/ark.pem" -crldays 30 -out "$dir/crl/snp.crl"
}

root_digest() {
	openssl x509 -in "$cpu/ark.pem" -noout -pubkey |
	    openssl pkey -pubin -outform der | sha256sum | cut -d ' ' -f 1
}

# ---- helpers ----

# What tee-runnerctl evidence shows of the last failure.
failure_is() {
	tee-runnerctl evidence -s "$dir/runner.sock" | grep -q "^last failure .*: $1\$"
}
# Of the files that evidence has open, the log apart.
only_its_directory() {
	ls -l "/proc/$(role_pid evidence)/fd" |
	    sed -n 's|.* -> /|/|p' | grep -v -e "^$dir/runner.log" -e '^/dev/null' \
	    -e '^/memfd:' > "$dir/files"
	[ "$(wc -l < "$dir/files")" = 1 ] && grep -q '/tee-runner-' "$dir/files"
}
check 'a test processor is made' make_cpu
check 'its revocation list is made' make_crl
start_tsm

# ---- evidence by hand ----

hex=$(od -An -tx1 -N64 /dev/urandom | tr -d ' \n')
by_hand() {
	tee-attest quote --report-data "$hex" > "$dir/evidence.bin" &&
	echo "test-root $(root_digest)" > "$dir/policy" &&
	tee-attest verify --policy "$dir/policy" --collateral "$dir/crl" \
	    --report-data "$hex" "$dir/evidence.bin"
}
check 'tee-attest quotes and verifies the evidence' by_hand
check 'tee-attest leaves no instance' [ "$(ls $report | wc -l)" = 0 ]
check 'the evidence is refused for other report data' sh -c \
    "! tee-attest verify --policy '$dir/policy' --report-data '$(printf %0128d 7)' '$dir/evidence.bin'"

# ---- evidence that nobody should take ----

echo wrong > "$cpu/fault"
start_runner
check 'a report over other report data is caught by the role' \
    until_ok 10 logged 'evidence: tee: sev-snp: refused: a report over other'
check 'the log says that there is no quote' until_ok 10 logged 'evidence: no quote'
echo empty > "$cpu/fault"
check 'it is asked for again after ten seconds: an empty quote is named' \
    until_ok 15 logged 'evidence: no quote: empty quote: retrying in 20 s'
check 'the status names it' until_ok 10 status_has '"error": *"empty quote"'
check 'the reason is no-evidence' status_has '"why_name": *"no-evidence"'
echo busy > "$cpu/fault"
check 'and again: a busy TEE is named' until_ok 40 logged \
    'evidence: no quote: Device or resource busy: retrying in 40 s'
check 'the status shows the next try' until_ok 10 failure_is \
    'Device or resource busy, next try in [0-9]* s'
check 'evidence was not restarted' [ "$(count 'evidence: died')" = 0 ]
rm "$cpu/fault"
check 'evidence is asked for again, and signed' \
    until_ok 45 logged 'registration: signed'
check 'a root that is not of AMD is refused by name' \
    until_ok 10 counterpart_says "registrar: .* vek-chain: .*its root is not one of AMD"
check 'the Runner is not registered and idle' state_is idle
stop_runner

# ---- told to take this root ----

echo "test-root $(root_digest)" >> "$dir/evidence/policy"
echo 'min-spl snp 24 ucode 200' >> "$dir/evidence/policy"
start_runner
check 'without a revocation list the verdict is undecided' \
    until_ok 15 counterpart_says 'registrar: .*: undecided: '
check 'the verdict names the missing list' counterpart_says 'registrar: .* vek-revoked: no CRL'
check 'the Runner is not registered and idle' state_is idle
check 'the status says that collateral is missing' until_ok 10 status_has 'lacks collateral'
cp "$dir/crl/snp.crl" "$dir/evidence/"
check 'with the list the Runner is registered and serves' until_ok 45 state_is serving
check 'the registration has the hash that tee-runnerctl config prints' \
    grep -q "\"configurationHash\": *\"$(tee-runnerctl config --hash \
    -f "$dir/tee-runnerd.conf")\"" "$dir/registry.json"
check "the registrar passes the verifier's warnings on" \
    counterpart_says 'registrar: .*: warning: physical access to the machine'
check 'the verdict says that no hardware is proven' \
    counterpart_says 'registrar: .*accepted: no hardware key proven, debug no'
check 'a task ends OK' transfer
check 'the status names the TEE' status_has 'sev-snp'
check 'the status shows the measurement' status_has '"measurement": *"4d4d4d'
check 'evidence has no file open but its directory' only_its_directory

# ---- the firmware is out of date: at the next refresh it is refused, and what runs
# runs on until its registration is over ----

check 'the processor gets a VCEK of older firmware' vek 70
check 'the refresh at two thirds is refused for its microcode' \
    until_ok 50 counterpart_says 'registrar: .* min-tcb: .*ucode 112, at least 200'
check 'the current registration goes on' state_is serving
check 'a task ends OK meanwhile' transfer
check 'the log warns before the registration expires' until_ok 15 logged 'registration: not renewed: expires in'
check 'the Runner is idle when it has expired' until_ok 30 state_is idle
check 'the log says why it is idle' until_ok 10 logged 'not accepting tasks: .*regist'
check 'the processor gets newer firmware' vek db
check 'the Runner serves again' until_ok 60 state_is serving
check 'a task ends OK again' transfer

check 'SIGTERM: the Runner exits with 0' stop_runner
start_runner
check 'the next start removes the instance that was left' until_ok 15 state_is serving
check 'one instance exists' [ "$(ls $report | wc -l)" = 1 ]
stop_runner

# ---- a request is not cut short: that can cost the guest its key ----

echo slow > "$cpu/fault"
start_runner
sleep 2
check 'SIGTERM while the TEE is asked: the Runner exits with 0' stop_runner
check 'the log says that it waited for the TEE' until_ok 10 logged 'evidence: not stopped yet: waiting at most 90 s for the TEE to answer'
check 'no role was killed' [ "$(count ': killed: ')" = 0 ]

finish
