#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [SECONDS [NAME]]: every fuzzer, or this one, from its corpus for so long
# (5 seconds), with ASan and UBSan.  Findings are left in the build
# directory.  Ends in `N passed, N failed'; 77 without clang's fuzzer runtime.
src=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=$(cd "${BUILD:-$src/build}" && pwd) || exit 1
seconds=${1:-5} only=$2
passed=0 failed=0
work=$BUILD/tests/fuzz
mkdir -p "$work" && cd "$work" || exit 1

echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
    clang -fsanitize=fuzzer -x c - -o probe 2> /dev/null ||
    { echo 'skipped: clang has no fuzzer runtime here'; exit 77; }

common="src/common/hex.c src/ipc/chan.c src/common/log.c src/common/secret.c src/common/clock.c"
program="src/program/program.c src/program/builder.c src/program/types.c src/program/status.c"
arith="src/compute/u256.c src/compute/exec.c src/compute/arith.c src/compute/bits.c
    src/compute/fixed.c src/compute/token.c src/compute/random.c"
attest="src/common/hex.c src/attest/report.c src/attest/policy.c src/attest/x509.c
    src/attest/dcap.c src/attest/tcb.c src/attest/eventlog.c"
attest_packages='libcrypto jansson libcbor'
crypto="src/crypto/keccak.c src/crypto/secp.c src/crypto/ecies.c"

# fuzz NAME PACKAGES SOURCE...
fuzz() {
	_name=$1 _packages=$2; shift 2
	[ -z "$only" ] || [ "$only" = "$_name" ] || return 0
	_files=
	for _f in "$@"; do
		case $_f in
		/*) _files="$_files $_f" ;;
		*) _files="$_files $src/$_f" ;;
		esac
	done
	printf '%-12s ' "$_name"
	if ! clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -D_GNU_SOURCE -DTEE_SANITIZERS -I"$BUILD" -I"$BUILD/proto" -I"$src/proto" \
	    -I"$src/src/common" -I"$src/src/ipc" -I"$src/src/program" -I"$src/src/crypto" -I"$src/src/nox" -I"$src/src/compute" -I"$src/src/net" \
	    -I"$src/src/registry" -I"$src/src/front" -I"$src/src/web" -I"$src/src/attest" -I"$src/src/provider" -w $(pkg-config --cflags $_packages) \
	    "$src/tests/fuzz/fuzz_$_name.c" $_files $(pkg-config --libs $_packages) \
	    -o "$_name" > "$_name.log" 2>&1; then
		echo "does not build: $work/$_name.log"
		failed=$((failed + 1))
		return
	fi
	mkdir -p "$_name.new"
	if "./$_name" -max_total_time="$seconds" -max_len=8192 -artifact_prefix="$_name-" \
	    "$_name.new" "$src/tests/fuzz/corpus/$_name" > "$_name.log" 2>&1; then
		passed=$((passed + 1))
		sed -n 's/^Done \(.*\)$/\1/p' "$_name.log" | tail -n 1
	else
		failed=$((failed + 1))
		echo "FOUND something: $work/$_name.log"
		grep -E 'ERROR|SUMMARY|Test unit written' "$_name.log"
	fi
}

fuzz program libcrypto $program $arith
fuzz reference 'libcrypto gmp' tests/fuzz/reference.c $program $arith
fuzz job 'libcrypto libsecp256k1 nettle' src/compute/job.c src/compute/work.c src/compute/delegate.c \
    src/compute/keypool.c src/crypto/partial.c src/crypto/shamir.c \
    $program $arith $common $crypto
fuzz wire libprotobuf-c src/net/wire.c $program "$BUILD/proto/teerunner.pb-c.c"
fuzz abi 'libevent libevent_openssl jansson libssl libcrypto' src/registry/abi.c src/registry/rpc.c src/web/web.c src/common/sha256.c src/common/jsondepth.c $common
fuzz nats jansson src/nox/nats_parse.c src/common/jsondepth.c
fuzz nox_message jansson src/nox/nox_message.c src/common/jsondepth.c src/common/hex.c $program
fuzz nox_json 'jansson libevent' src/nox/json.c src/common/jsondepth.c $common
fuzz trie 'libcrypto nettle' src/registry/trie.c src/registry/layout.c src/crypto/rlp.c src/crypto/keccak.c $common
fuzz dcap "$attest_packages" $attest src/attest/dcap_verify.c src/attest/collateral.c
fuzz snp "$attest_packages" $attest src/attest/snp.c src/attest/snp_vek.c src/attest/collateral.c
fuzz cca "$attest_packages" $attest src/attest/cca.c src/attest/strict_cbor.c
fuzz optee "$attest_packages" $attest src/attest/optee.c
fuzz hcl "$attest_packages" $attest src/attest/hcl.c
fuzz collateral "$attest_packages" $attest
fuzz eventlog "$attest_packages" $attest
fuzz blob libcrypto src/provider/blob.c $common
fuzz dstack libcrypto src/provider/dstack.c src/provider/blob.c $common
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
