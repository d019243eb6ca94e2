#!/bin/sh
# Who may include and link what (README.privsep): the symbols that a role's own
# objects refer to, the libraries that its executable needs, and the headers that
# its sources include.  Run in the build directory.
fail=0
: "${srcdir:=.}"

bad() { echo "FAIL: $*"; fail=1; }

# never DIRECTORY WHY PATTERN: no object of it refers to such a symbol
never() {
	ls src/"$1"/*.o > /dev/null 2>&1 || { bad "$1: no objects"; return; }
	_hits=$(nm -A --undefined-only src/"$1"/*.o | awk '{ print $1 " " $NF }' |
	    grep -E " ($3)(@.*)?\$")
	[ -z "$_hits" ] || bad "$1: $2:
$_hits"
}

# needs EXECUTABLE LIBRARY...: these and libc, no others
needs() {
	_exe=$1; shift
	_have=$(readelf -d "$_exe" | sed -n 's/.*NEEDED.*\[lib\(.*\)\.so.*/\1/p' |
	    grep -v -E '^(c|ld-linux.*|m|pthread)$' | sort | tr '\n' ' ')
	_want=$(printf '%s\n' "$@" | grep . | sort | tr '\n' ' ')
	# A library of the list may be left out, none may be added.
	for _l in $_have; do
		case " $_want " in
		*" $_l "*) ;;
		*) bad "$_exe needs lib$_l" ;;
		esac
	done
}

crypto='(keccak|secp|ecies|gcm|hkdf|shamir|partial|seal|td)_?[a-z0-9_]*'
opens='open|open64|openat|openat64|creat'
runs='exec[a-z]+|posix_spawn.*|system|popen'
spawns="$runs|fork|vfork|clone"
nets='socket|connect|bind|listen|accept4?'
secrets='PEM_read.*PrivateKey.*|d2i_.*PrivateKey.*|EC_KEY_set_private_key|EVP_Decrypt.*|EVP_PKEY_decrypt.*'

never common 'sockets' "$nets"
never common 'executes' "$runs"
never common 'cryptography' "$crypto|EVP_.*|secp256k1_.*"
never monitor 'keys or signatures' "$crypto|EVP_.*|SSL_.*|secp256k1_.*|.*_PrivateKey.*"
never net 'private keys or decryption' "$crypto|$secrets|secp256k1_.*"
never net 'opens files' "$opens"
never net 'executes' "$spawns"
never chain 'src/crypto' "$crypto"
never chain 'protobuf' 'protobuf_c_.*|teerunner__.*'
never chain 'executes' "$spawns"
never keys 'a parser' 'json_.*|protobuf_c_.*|teerunner__.*|grpc_.*|ev(buffer|http|ent)_.*|event_.*'
never keys 'a network' "$nets"
never keys 'executes' "$spawns"
never evidence 'a network' "$nets"
never evidence 'executes' "$spawns"
never evidence 'ioctl' ioctl
never evidence 'cryptography' "$crypto|EVP_.*|secp256k1_.*"
never compute 'opens files' "$opens|fopen(64)?"
never compute 'a network' "$nets|socketpair"
never compute 'executes' "$spawns"

if ! grep -q '^#define TEE_SANITIZERS' config.h; then
	needs tee-runnerd event_core-2.1 event-2.1 cap-ng
	needs libexec/net grpc gpr protobuf-c event_core-2.1 event-2.1 \
	    event_extra-2.1 event_pthreads-2.1 ssl crypto
	needs libexec/chain event_core-2.1 event-2.1 event_extra-2.1 \
	    event_openssl-2.1 jansson ssl crypto
	needs libexec/keys secp256k1 crypto nettle
	needs libexec/evidence
	needs libexec/compute secp256k1 crypto nettle
fi

# No role includes another role's header.
for d in monitor net chain keys evidence compute; do
	for h in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$srcdir/src/$d"/*.[ch] | sort -u); do
		[ -f "$srcdir/src/$d/$h" ] || [ -f "$srcdir/src/common/$h" ] ||
		    [ -f "$srcdir/src/crypto/$h" ] || [ -f "$srcdir/proto/$h" ] && continue
		case $h in
		config.h | teerunner.pb-c.h) ;;
		*) bad "$d includes $h" ;;
		esac
	done
done
exit $fail
