#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the code of a role can reach, by what its objects and its executable
# refer to.  A role's own code must not even name what the role may not do; and
# no library is linked that would do it for the role.  Runs in the build
# directory; BUILD: another one.  With sanitizers the executables hold their
# runtime too, so only the roles' own objects are looked at.

cd "${BUILD:-.}" || exit 1
passed=0 failed=0 allowed=

# Parts of the lists, as extended regular expressions of whole names.
open='(f|fd|fre)?open(at|64|at64)?|openat2|creat(64)?|open_by_handle_at|opendir'
exec='exec(l|le|lp|v|ve|vp|vpe)|fexecve|execveat|posix_spawnp?|system|popen'
fork='v?fork|clone3?|daemon|pthread_create|thrd_create'
socket='socket|socketpair|bind|listen|accept4?|getaddrinfo|gethostbyname.*'
connect='connect'
curve='secp256k1_.*|secp_.*'
cipher='EVP_(Cipher|Decrypt|Encrypt|Open|Seal|AEAD|CIPHER).*|AES_.*|gcm_.*'
symmetric="$cipher|nettle_.*|hkdf.*|ecies_.*|shamir_.*|keccak.*"
private='EVP_PKEY_(sign|decrypt|derive|keygen|get_raw_private|Q_keygen).*'
private="$private|EVP_(Digest)?Sign.*|ECDSA_(do_)?sign.*|RSA_.*|ECDH_.*"
private="$private|EC_KEY_(generate|set_private|get0_private|oct2priv).*"
private="$private|PEM_(read|write).*PrivateKey.*|d2i_.*PrivateKey.*"
private="$private|SSL_CTX_use_.*PrivateKey.*|EVP_PKEY_new_raw_private.*"
crypto="$curve|$symmetric|$private|EVP_.*|RAND_.*|BN_.*|td_.*"
tls='SSL_.*|TLS_.*|X509_.*|BIO_.*|ENGINE_.*'
event='(ev|buffer)?event_.*|ev(buffer|http|util|thread|connlistener|dns)_.*'
parsers='json_.*|protobuf_c_.*|teerunner__.*'
grpc='grpc_.*|gpr_.*'

ok() { passed=$((passed + 1)); echo "ok   $*"; }
bad() { failed=$((failed + 1)); echo "FAIL $*"; }

# never WHAT FORBIDDEN FILE: of the names in FILE none is FORBIDDEN, but those $allowed
never() {
	_found=$(grep -Ex -- "$2" "$3" | grep -Evx -- "$allowed" | tr '\n' ' ')
	if [ -z "$_found" ]; then
		ok "$1"
	else
		bad "$1: $_found"
	fi
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# A fortified call is the call: __open64_2, __fprintf_chk, __isoc99_fscanf.
plain() { sed 's/@.*//; s/^__isoc[0-9]*_//; s/^__\(.*\)_\(chk\|2\)$/\1/' | sort -u; }

# own NAME OBJECT...: what these refer to and do not define themselves
own() {
	_name=$1; shift
	nm -g "$@" 2> /dev/null | awk 'NF == 2 { print $2 }' | plain > "$tmp/used"
	nm -g --defined-only "$@" 2> /dev/null | awk 'NF == 3 { print $3 }' |
	    sort -u > "$tmp/made"
	comm -23 "$tmp/used" "$tmp/made" > "$tmp/$_name"
}

# refers NAME FORBIDDEN WHAT: the objects of src/NAME do not
refers() { never "$1: its own code does not refer to $3" "$2" "$tmp/$1"; }

# linked EXECUTABLE LIBRARIES: to libc and these (an expression), no other
linked() {
	[ -z "$sanitized" ] || return
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p' |
	    grep -Evx "libc|ld-linux.*|libpthread|$2" > "$tmp/needed"
	never "$1: links only libc $2" '.*' "$tmp/needed"
}

# imports EXECUTABLE FORBIDDEN WHAT: with all that is linked in, it does not
imports() {
	[ -z "$sanitized" ] || return
	nm -D --undefined-only "$1" | awk '{ print $2 }' | plain > "$tmp/imports"
	never "$1: does not import $3" "$2" "$tmp/imports"
}

# role NAME EXECUTABLE: is it built?  What its objects refer to is in $tmp/NAME.
role() {
	_exe=$2
	set -- "$1" src/"$1"/*.o
	if [ ! -f "$2" ] || [ ! -f "$_exe" ]; then
		echo "skip $1: not built"
		return 1
	fi
	own "$@"
}

sanitized=
if nm src/common/*.o 2> /dev/null | grep -q '__asan_\|__ubsan_'; then
	sanitized=1
	echo 'skip executables: they hold the runtime of sanitizers'
fi

# ---- the check itself ------------------------------------------------------

# Without these it would pass because it sees nothing.
if role monitor tee-runnerd; then
	for f in open fork fprintf event_new; do
		if grep -qx $f "$tmp/monitor"; then
			ok "it sees that monitor refers to $f"
		else
			bad "it does not see that monitor refers to $f"
		fi
	done
fi

# ---- common, ipc, program: in every role -----------------------------------

# Of a library only what a role needs is linked: only the monitor makes a pair of
# sockets, so that is in a file by itself.
for library in common ipc program; do
	role $library lib$library.a || continue
	refers $library "$crypto|$tls" 'crypto'
	refers $library "$exec" 'exec'
	refers $library "$connect|socket|bind|listen|accept4?" 'sockets'
	refers $library "$open" 'files'
	refers $library "$event|$parsers|$grpc" 'a library beyond libc'
done

# ---- roles -----------------------------------------------------------------

if role monitor tee-runnerd; then
	refers monitor "$crypto|$tls" 'keys or signing'
	refers monitor "$parsers|$grpc" 'parsers of what peers send'
	refers monitor 'bind|listen|accept4?' 'sockets that others connect to'
	# Only the files for dstack's agent and syslogd connect.
	for o in src/monitor/*.o; do
		case $o in *[/-]agent.o|*[/-]logger.o|*[/-]notify.o) continue ;; esac
		own other "$o"
		never "$o: does not connect" "$connect|socket" "$tmp/other"
	done
	linked tee-runnerd 'libevent.*|libcap-ng'
fi

if role front libfront.a; then
	# The key that it gives to OpenSSL has no private part.
	allowed='SSL_CTX_use_PrivateKey'
	refers front "$private" 'private keys'
	allowed=
	refers front "$cipher|$curve" 'decryption'
	# fopen: the certificates, before the sandbox.
	refers front "$(echo "$open" | sed 's/(f|fd|fre)/(fd|fre)/')" \
	    'files, but by fopen(3) at its start'
	refers front "$exec|$fork" 'processes, threads'
	refers front "$parsers|$grpc" 'parsers of what peers send, gRPC'
fi

if role net libexec/net; then
	refers net "$private" 'private keys'
	refers net "$cipher|$curve" 'decryption'
	# fopen: the certificates, and /proc/self/task, before the sandbox.
	refers net "$(echo "$open" | sed 's/(f|fd|fre)/(fd|fre)/')" \
	    'files, but by fopen(3) at its start'
	refers net "$exec|v?fork" 'processes'
	refers net 'json_.*' 'jansson'
	linked libexec/net \
	    'libevent.*|libgrpc|libgpr|libprotobuf-c|libssl|libcrypto'
	imports libexec/net "secp256k1_.*|nettle_.*|$private" 'private keys'
fi

# The library that two roles have for HTTP; its CA file is read through OpenSSL.
if role web libweb.a; then
	refers web "$private|$cipher|$curve" 'private keys, decryption'
	refers web "$open" 'files'
	refers web "$exec|$fork" 'processes, threads'
	refers web "$parsers|$grpc" 'parsers of what peers send'
fi

if role nox libexec/nox; then
	refers nox "$private" 'private keys'
	refers nox "$cipher|$curve|keccak.*|td_.*|nox_(domain|operand_access|value_tag).*" \
	    'decryption, signing'
	refers nox "$open" 'files'
	refers nox "$exec|$fork" 'processes, threads'
	refers nox "protobuf_c_.*|teerunner__.*|$grpc" 'protobuf, gRPC'
	linked libexec/nox 'libevent.*|libjansson|libssl|libcrypto'
	allowed='SSL_CTX_use_PrivateKey'
	imports libexec/nox "secp256k1_.*|nettle_.*|$private" 'private keys'
	imports libexec/nox "$exec|$fork" 'processes, threads'
	allowed=
fi

if role registry libexec/registry; then
	# A hash, and of no secret: it proves what the Registry holds.
	allowed='keccak256|nettle_sha3_permute'
	refers registry "$curve|$symmetric|$private|td_.*" 'src/crypto, or ciphers'
	refers registry "protobuf_c_.*|teerunner__.*|$grpc" 'protobuf, gRPC'
	refers registry "$open" 'files'
	refers registry "$exec|$fork" 'processes, threads'
	linked libexec/registry 'libevent.*|libjansson|libssl|libcrypto|libnettle'
	imports libexec/registry "$curve|$symmetric|$private" 'src/crypto, or ciphers'
	imports libexec/registry "$exec|$fork|$open" 'processes, threads, files'
	allowed=
fi

# keys signs transactions too (tx.c, calldata.c of src/crypto): of the gas account,
# in memory; registry sends them.
if role keys libexec/keys; then
	refers keys "$event|$parsers|$grpc|$tls" \
	    'event loops, TLS, parsers of what peers send'
	refers keys "$connect|$socket" 'the network'
	refers keys "$exec|$fork" 'processes, threads'
	refers keys "$cipher" 'decryption of values'
	refers keys 'seal_key|open_partial|partial_.*|ecies_.*|gcm_.*|hkdf32|secp_mul_.*|secp_sum' \
	    'delegation'
	linked libexec/keys 'libsecp256k1|libcrypto|libnettle'
	imports libexec/keys "$connect|$socket" 'the network'
	imports libexec/keys "$exec|$fork" 'processes, threads'
fi

if role evidence libexec/evidence; then
	refers evidence "$crypto|$tls" 'crypto'
	refers evidence "$connect|$socket" 'the network'
	refers evidence "$exec|$fork" 'processes, threads'
	role provider libprovider.a
	refers provider "$crypto|$tls" 'crypto'
	refers provider "$connect|$socket" 'the network'
	refers provider "$exec|$fork" 'processes, threads'
	for o in src/evidence/*.o src/provider/*.o; do
		case $o in *[/-]sev.o|*[/-]optee.o) continue ;; esac
		own other "$o"
		never "$o: does not refer to ioctl" ioctl "$tmp/other"
	done
	linked libexec/evidence 'nothing else'
	imports libexec/evidence "$connect|$socket|$exec|$fork" \
	    'the network, processes'
fi

if role compute libexec/compute; then
	refers compute "$open" 'files'
	refers compute "$connect|$socket" 'the network'
	refers compute "$exec|$fork" 'processes, threads'
	refers compute "$event|$parsers|$grpc|$tls" \
	    'event loops, TLS, parsers of what peers send'
	refers compute 'secp_sign|secp256k1_ecdsa_sign.*|td_.*' 'signing'
	linked libexec/compute 'libsecp256k1|libcrypto|libnettle'
	imports libexec/compute "$open|$connect|$socket|$exec|$fork" \
	    'files, the network, processes'
fi

# ---- what verifies ---------------------------------------------------------

if role attest libattest.a; then
	own attest src/attest/libattest_a-*.o
	refers attest "curl_.*|$connect|$socket" 'the network'
fi

# ---- includes --------------------------------------------------------------

# The table of doc/architecture.md says which directories each one may include from.  A
# header is looked for in the directory itself first, then in those of its row, as the
# compiler does.
src=${srcdir:-$(dirname "$0")/../..}
allowed_of() { sed -n "s#^| $1 | \(.*\)|\$#\1#p" "$src/doc/architecture.md" | tr -d ','; }
headers() { find "$src/$1" -name '*.h' 2> /dev/null | sed 's#.*/##'; }
made='.*\.pb-c\.h|contract_code\.h|config\.h'	# by the build
rows=0
for d in $(cd "$src" && ls -d src/* src/devnet/*/); do
	d=${d%/}
	grep -q "^| $d | " "$src/doc/architecture.md" || {
		bad "doc/architecture.md: no row for $d"
		continue
	}
	rows=$((rows + 1))
	for from in $d $(allowed_of "$d"); do
		headers "$from"
	done | sort -u > "$tmp/free"
	find "$src/$d" -name '*.[ch]' -exec sed -n 's/^#include "\(.*\)"$/\1/p' {} + |
	    sort -u | comm -23 - "$tmp/free" | grep -Evx "$made|.*\.def" > "$tmp/foreign"
	never "$d: includes what doc/architecture.md allows" '.*' "$tmp/foreign"
done
if [ $rows -ge 16 ]; then
	ok "doc/architecture.md: $rows directories"
else
	bad "doc/architecture.md: only $rows directories are in its table"
fi

# ---- passphrases -----------------------------------------------------------

# OpenSSL asks for one at the terminal, unless each reader of PEM says not to;
# other readers that would ask are not used.
asks='OSSL_STORE_open.*|OSSL_DECODER_.*|UI_.*|d2i_PKCS8PrivateKey.*'
asks="$asks|SSL_(CTX_)?use_(RSA)?PrivateKey_file"
# What readers of PEM in FILE are called with, one call a line.
pem_calls() {
	tr -s '\n\t ' ' ' < "$1" | grep -oE 'PEM_[A-Za-z0-9_]*read[^;]*;'
}
readers=0
for f in $(cd "$src" && grep -rlE 'PEM_[A-Za-z0-9_]*read' src --include='*.[ch]'); do
	readers=$((readers + 1))
	pem_calls "$src/$f" |
	    grep -vE '^PEM_[A-Za-z0-9_]+\([^,()]+, NULL, no_passphrase, NULL\)' \
	    > "$tmp/asking"
	never "$f: reads PEM without asking for a passphrase" '.*' "$tmp/asking"
done
if [ $readers -ge 5 ]; then
	ok "it sees $readers files that read PEM"
else
	bad "it sees only $readers files that read PEM"
fi
grep -rhoE '\<[A-Za-z0-9_]+\(' "$src/src" --include='*.[ch]' | tr -d '(' |
    sort -u > "$tmp/called"
never 'src: calls nothing else that asks for a passphrase' "$asks" "$tmp/called"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
