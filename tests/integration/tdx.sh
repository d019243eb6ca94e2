#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cases that real TDX quotes do not have: a test platform (tdx-platform) whose quotes,
# certificates and collateral go wrong one at a time, each refused by its own check and by no
# other.  BUILD is the build directory.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tdx-platform"

cpu=$dir/cpu into=$dir/collateral
mkdir "$cpu" "$into"
data=$(od -An -tx1 -N64 /dev/urandom | tr -d ' \n')
quote() { "$BUILD/tests/integration/tdxquote" "$cpu" "$data" > "$dir/quote"; }

# The checks that fail, in one line, and the TCB's status.
judged() {
	tee-attest verify --policy "$dir/policy" --collateral "$into" \
	    --report-data "$data" "$dir/quote" > "$dir/judged"
	sed -n 's/^fail *\([a-z0-9-]*\) .*/\1/p' "$dir/judged" | tr '\n' ' '
	sed -n '$s/.*TCB status \([A-Za-z]*\),.*/\1/p' "$dir/judged"
}
# judge WHAT JUDGED: as it stands now
judge() {
	_is=$(judged)
	check "$1: $2" [ "$_is" = "$2" ]
	[ "$_is" = "$2" ] || { echo "but: $_is"; cat "$dir/judged"; }
}
# Put right again what was put wrong.
restore() { rm -rf "$cpu" "$into"; cp -r "$dir/good/cpu" "$dir/good/collateral" "$dir"; }

check 'a test platform is made' make_platform
mkdir "$dir/good" && cp -r "$cpu" "$into" "$dir/good"
: > "$dir/policy"
check 'it makes a quote of version 4' quote

_hang='pck-chain tcb-info qe-identity '
judge 'no root in the policy' "$_hang"
check 'the reason is that its root is not that of Intel' grep -q "pck-chain .*its root is not Intel's" "$dir/judged"
echo "test-root $(platform_digest)" > "$dir/policy"
judge 'its root in the policy' UpToDate
check 'the verdict says that no hardware is proven' grep -q '^accepted: no hardware key proven, TCB status UpToDate' "$dir/judged"
echo "test-root $(printf %064d 1)" > "$dir/policy"
judge 'another root in the policy' "$_hang"
echo "test-root $(platform_digest)" > "$dir/policy"

echo 07010300000000000000000000000000 > "$cpu/svn2"
quote
judge 'a quote of version 5' UpToDate

# ---- what is out of date ----

tcb_info 21 "$(level 4 11 UpToDate),$(level 3 11 OutOfDate)"
judge 'the platform has an older level' 'tcb-status OutOfDate'
check 'the verdict names the component that is too old' grep -q 'component 1: 3 of 4' "$dir/judged"
check 'the verdict names the advisory' grep -q '^advisory INTEL-SA-00001' "$dir/judged"
echo 'tcb-status UpToDate OutOfDate' >> "$dir/policy"
judge 'the policy accepts an older level' OutOfDate
sed -i '$d' "$dir/policy"
tcb_info 21 "$(level 3 11 Revoked)"
judge 'its level is revoked' 'tcb-status Revoked'
tcb_info 21 "$(level 3 12 UpToDate)"
judge 'PCESVN 11 of 12' 'tcb-status NotSupported'
tcb_info 21 "$(level 200 11 UpToDate),$(level 3 11 OutOfDate)"
judge 'component 2 is 200, the others are not' 'tcb-status OutOfDate'
restore

quote
tcb_info 21 "$(level 3 11 UpToDate)" OutOfDate
judge 'the module is as old as when it was launched' 'tcb-status OutOfDate'
echo 07010300000000000000000000000000 > "$cpu/svn2"
quote
judge 'the module runs on as a newer one' 'tcb-status TDRelaunchAdvised'
tcb_info 21 "$(level 3 11 ConfigurationNeeded)" OutOfDate
judge 'the module runs on as a newer one and needs configuration' 'tcb-status TDRelaunchAdvisedConfigurationNeeded'
restore
qe_identity 21 OutOfDate
judge 'the quoting enclave is older' 'tcb-status OutOfDate'
qe_identity 21 Revoked
judge 'the quoting enclave is revoked' 'tcb-status Revoked'
restore

# ---- collateral that is not its own ----

tcb_info 21 '' '' 50806f000000
judge 'TCB info of another FMSPC' 'tcb-platform '
restore
qe_identity 21 '' QE
judge "SGX's quoting enclave" 'qe-identity '
restore
mv "$into/root_ca.crl" "$dir/crl" && mv "$into/pck.crl" "$into/root_ca.crl" && mv "$dir/crl" "$into/pck.crl"
judge 'the lists have changed places' 'root-crl pck-crl UpToDate'
restore
sed -i 's/"tcbEvaluationDataNumber":20/"tcbEvaluationDataNumber":29/' "$into/tcb_info.json"
judge 'a number in TCB info was changed' 'tcb-info '
restore
openssl ecparam -name prime256v1 -genkey -noout -out "$cpu/signer.key"
tcb_info 21
judge "TCB info signed by another key" 'tcb-info '
restore

# ---- revoked ----

revocations platform "$into/pck.crl" pck
judge 'the PCK certificate is revoked' 'not-revoked UpToDate'
restore
revocations root "$into/root_ca.crl" platform
judge 'the CA of the PCK is revoked' 'not-revoked UpToDate'
restore
revocations root "$into/root_ca.crl" signer
judge 'the signer of TCB info is revoked' 'not-revoked UpToDate'
restore

# ---- another TD ----

rm -f "$cpu/svn2"
echo 0100001000000000 > "$cpu/attributes" && quote
judge 'a TD under debug' 'debug UpToDate'
restore
echo 06090300000000000000000000000000 > "$cpu/svn" && quote
judge 'a module that Intel does not know' 'tdx-module tcb-status NotSupported'
restore
pck 255 && quote
judge 'a component of 255' UpToDate
restore
openssl ecparam -name prime256v1 -genkey -noout -out "$cpu/pck.key" && quote
judge 'a quote signed by another key than the PCK' 'qe-report-signature UpToDate'
restore
quote
printf 'accept mrtd %s\n' "$(printf '4d%.0s' $(seq 48))" >> "$dir/policy"
judge 'its MRTD in the policy' UpToDate
printf '4e%.0s' $(seq 48) > "$cpu/mrtd" && quote
judge 'another MRTD' 'policy-mrtd UpToDate'

finish
