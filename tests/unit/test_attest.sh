#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tee-attest from outside: each example of its manual page, its exit statuses, its
# errors.
src=$(cd "${srcdir:-..}" && pwd)
tool=$PWD/tee-attest
samples=$src/tests/vectors/evidence
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# is STATUS TEXT ARGUMENT...: it ends so, and says this.
is() {
	_status=$1 _text=$2; shift 2
	"$tool" "$@" > "$dir/out" 2>&1 < "$samples/sgx/quote.bin"
	_r=$?
	if [ $_r = "$_status" ] && grep -q -e "$_text" "$dir/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL tee-attest $*: status $_r, not $_status; or no \`$_text':"
		tail -n 5 "$dir/out" | sed 's/^/	/'
	fi
}

cd "$samples" || exit 1
# The manual page's examples, a continued line made one; tests/integration/fetch.sh
# has those that need a server.
sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/p' "$src/man/tee-attest.1" |
    sed -e :a -e '/\\e$/N; s/\\e\n *//; ta' |
    sed -n 's/^\$ tee-attest //p' | grep -v -e '^fetch-collateral' -e '^forecast' > "$dir/examples"
[ "$(grep -c . "$dir/examples")" -ge 4 ] || { echo 'FAIL: no examples'; exit 1; }
while read -r line; do
	cp cca/cpak.json "$dir/"
	is 0 . $line
done < "$dir/examples"

set=tdx/sets/tdx-v5-uptodate
is 0 'accepted: genuine hardware key, TCB status UpToDate, debug no, physical custody not proven' \
    verify --collateral $set --at 2026-02-25T00:00:00Z $set/quote.bin
is 3 'undecided: ' verify --collateral $set --at 2026-04-10 $set/quote.bin
is 3 '^missing *tcb-info .*no tcb_info.json' verify --at 2026-02-25 $set/quote.bin
is 0 '"accepted": true' verify --json --collateral $set --at 2026-02-25 $set/quote.bin
is 1 '^fail *tcb-status.*OutOfDate, TCB of 2024-03-13' \
    verify --collateral tdx/sets/tdx-v5-alibaba-2026-outofdate --at 2026-02-25 \
    tdx/sets/tdx-v5-alibaba-2026-outofdate/quote.bin
is 1 '^advisory INTEL-SA-01036' \
    verify --collateral tdx/sets/tdx-v5-alibaba-2026-outofdate --at 2026-02-25 \
    tdx/sets/tdx-v5-alibaba-2026-outofdate/quote.bin
is 1 '^fail *debug' verify --collateral snp/snp-milan-v2-debug-policy \
    --at 2025-06-01 snp/snp-milan-v2-debug-policy/report.bin
snp="--at 2025-06-01 --collateral snp/snp-genoa-v3-azure snp/snp-genoa-v3-azure/report.bin"
is 3 '^missing *vek-revoked .*give snp.crl' verify $snp
is 0 "^warning *no CRL of AMD's was given" verify --policy snp/policy $snp
echo 'allow missing-crls' > "$dir/policy"
is 2 'policy: line 1: allow: one of' verify --policy "$dir/policy" $snp
echo allow > "$dir/policy"
is 2 'policy: line 1: allow: one of' verify --policy "$dir/policy" $snp
is 0 'SGX quote v3' show -
is 2 'usage:' show
is 2 'usage:' verify --wrong x
is 0 'usage:' --help
is 0 'accepted' verify --seen "$dir/seen" --collateral $set --at 2026-02-25 $set/quote.bin
is 0 'accepted' verify --seen "$dir/seen" --collateral $set --at 2026-02-25 $set/quote.bin
is 1 '^fail *tcb-evaluation .*17, at least 18' verify --seen "$dir/seen" --at 2025-06-25 \
    --collateral tdx/sets/tdx-v4-emr-uptodate tdx/sets/tdx-v4-emr-uptodate/quote.bin
cp sgx/pck.crl "$dir/other"
is 2 'holds no number' verify --seen "$dir/other" --collateral $set --at 2026-02-25 $set/quote.bin
is 2 'no such command' look sgx/quote.bin
is 2 'usage:' quote file
is 2 'report-data is missing' quote
for d in standard early; do mkdir -p "$dir/sets" && cp -r $set "$dir/sets/$d"; done
is 0 '^accepted now and by the next TCB set; its certificate ends on 2033-01-27' \
    forecast --offline --collateral "$dir/sets" --at 2026-02-25 $set/quote.bin
is 0 '"acceptedUntil": 1990449387' \
    forecast --offline --json --collateral "$dir/sets" --at 2026-02-25 $set/quote.bin
is 3 'collateral is missing' forecast --offline --collateral "$dir/none" $set/quote.bin
is 2 'publishes no TCB sets' forecast --offline cca/cca-token-01.cbor
is 2 'usage:' forecast
[ -e /sys/kernel/config/tsm/report ] || [ -e /dev/sev-guest ] ||
    is 1 'no TEE found: looked for' quote --report-data "$(printf %0128d 7)"
is 2 'cannot read' show "$dir/none"
is 2 'not a time' verify --at yesterday sgx/quote.bin
is 2 '64 bytes' verify --report-data 00 sgx/quote.bin
is 2 'cannot be read' verify --collateral "$dir/none" sgx/quote.bin
is 2 'no evidence of a format' show sgx/pck.crl
set=tdx/sets/tdx-v4-dstack-eventlog-uptodate
is 0 'event-3  *compose-hash 3763bc34552c' show tdx/dstack/full.json
is 0 '"form": "CCEL"' show --json tdx/ccel/ccel.bin
is 1 '^fail *event-log .*an event log is not signed' verify tdx/ccel/ccel.bin
is 0 '^pass *event-log' verify --event-log tdx/dstack/full.json --at 2026-02-25 \
    --collateral $set $set/quote.bin
is 0 '^n/a *event-log' verify --at 2026-02-25 --collateral $set $set/quote.bin
is 1 '^fail *event-log .*rtmr0 is 2e38.*by the log 3fa2' verify --event-log tdx/ccel/ccel.bin \
    --at 2026-02-25 --collateral $set $set/quote.bin
is 1 '^fail *event-log .*no JSON' verify --event-log $set/quote.bin --at 2026-02-25 \
    --collateral $set $set/quote.bin
is 1 '^fail *event-log .*not a TDX quote' verify --event-log tdx/ccel/ccel.bin sgx/quote.bin
is 2 'cannot read' verify --event-log "$dir/none" sgx/quote.bin
echo 'event-log required' > "$dir/policy"
is 1 '^fail *event-log .*no event log' verify --policy "$dir/policy" --at 2026-02-25 \
    --collateral $set $set/quote.bin
echo 'tcb-status Fine' > "$dir/policy"
is 2 'policy: line 1: tcb-status' verify --policy "$dir/policy" sgx/quote.bin
echo 'tcb-status ConfigurationAndSWHardeningNeeded' > "$dir/policy"
is 0 'accepted' verify --policy "$dir/policy" --collateral sgx --at 2025-06-25 sgx/quote.bin
printf 'INSECURE: NOT EVIDENCE OF ANYTHING\n%064d' 0 > "$dir/insecure"
is 1 '^fail *insecure' verify "$dir/insecure"
echo 'allow insecure' > "$dir/policy"
is 0 'no hardware key proven' verify --policy "$dir/policy" "$dir/insecure"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
