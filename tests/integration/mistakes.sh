#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Mistakes in the configuration, in the files that it names and on the command line: each
# with the message that explains it and the exit status.  `tee-runnerd -t' finds most;
# some are tried without -t, which must find the same.
. "$(dirname "$0")/lib.sh"

roles=$BUILD/libexec
conf=$dir/conf
is_root() { [ "$(id -u)" = 0 ]; }

# ---- files -----------------------------------------------------------------

# certificate NAME DAYS: NAME.pem and NAME.key
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$2" \
		-subj "/CN=$1" -keyout "$dir/$1.key" -out "$dir/$1.pem" 2> /dev/null
}
umask 077
certificate good 99
certificate other 99
certificate soon 7
openssl req -new -key "$dir/good.key" -subj /CN=old -out "$dir/old.csr"
openssl x509 -req -in "$dir/old.csr" -key "$dir/good.key" -days -1 -out "$dir/old.pem" \
	2> /dev/null
# x509(1) and req(1) have no option for the first day before OpenSSL 3.4.
mkdir "$dir/ca" && : > "$dir/ca/index" && echo 01 > "$dir/ca/serial"
cat > "$dir/ca.cnf" <<-X
	[ca]
	default_ca = here
	[here]
	database = $dir/ca/index
	serial = $dir/ca/serial
	new_certs_dir = $dir/ca
	policy = policy
	default_md = sha256
	unique_subject = no
	[policy]
	commonName = supplied
X
openssl ca -batch -config "$dir/ca.cnf" -selfsign -keyfile "$dir/good.key" -notext \
	-in "$dir/old.csr" -startdate 20990101000000Z -enddate 21000101000000Z \
	-out "$dir/future.pem" 2> /dev/null
openssl ca -batch -config "$dir/ca.cnf" -selfsign -keyfile "$dir/good.key" -notext \
	-in "$dir/old.csr" -startdate "$(date -u -d '1 hour' +%Y%m%d%H%M%SZ)" -enddate 21000101000000Z \
	-out "$dir/near.pem" 2> /dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 99 -subj /CN=rsa -keyout "$dir/rsa.key" \
	-out "$dir/rsa.pem" 2> /dev/null
openssl pkey -in "$dir/good.key" -aes128 -passout pass:x -out "$dir/encrypted.key"
openssl ec -in "$dir/good.key" -aes128 -passout pass:x -out "$dir/encrypted2.key" 2> /dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$dir/p384.key" 2> /dev/null
openssl genpkey -algorithm ED25519 -out "$dir/ed25519.key" 2> /dev/null
openssl x509 -in "$dir/good.pem" -outform DER -out "$dir/der.pem"
openssl pkey -in "$dir/good.key" -outform DER -out "$dir/der.key"
cat "$dir/good.pem" "$dir/good.key" > "$dir/both.pem"
cat "$dir/good.pem" "$dir/rsa.pem" > "$dir/chain.pem"
cat "$dir/other.pem" "$dir/good.pem" > "$dir/reversed.pem"
cat "$dir/good.pem" "$dir/old.pem" "$dir/rsa.pem" "$dir/future.pem" > "$dir/dates.pem"
cat "$dir/good.pem" "$dir/soon.pem" > "$dir/soon-chain.pem"
head -n 4 "$dir/good.pem" > "$dir/half.pem"
head -c 80 "$dir/good.key" > "$dir/half.key"
{ cat "$dir/good.pem"; sed 's/^MII/AAA/' "$dir/other.pem"; } > "$dir/second.pem"
: > "$dir/empty.file"
echo hello > "$dir/text.file"
cp "$dir/good.key" "$dir/group.key" && chmod 640 "$dir/group.key"
cp "$dir/good.key" "$dir/written.key" && chmod 660 "$dir/written.key"
cp "$dir/good.key" "$dir/open.key" && chmod 604 "$dir/open.key"
digits=4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318
echo $digits > "$dir/gas.key"
echo $digits > "$dir/gas-open.key" && chmod 644 "$dir/gas-open.key"
echo "${digits}00" > "$dir/gas-long.key"
echo "x$digits" > "$dir/gas-letter.key"
printf '%064d\n' 0 > "$dir/gas-zero.key"
mkdir "$dir/directory" "$dir/full" "$dir/conf.d" "$dir/nested.d" "$dir/wrong.d"
touch "$dir/full/file"
mkfifo "$dir/pipe"
long=$(printf '%0200d' 0)
echo 'include /etc/*' > "$dir/nested.d/a.conf"
printf '\nworkers 0\n' > "$dir/wrong.d/a.conf"
mkdir "$dir/directory.d" "$dir/directory.d/a.conf"

# What no message may have: a line of a key, or the gas key.
cat "$dir"/*.key | grep -aE '^[0-9a-zA-Z+/=]{16,}$' |
    grep -v '^0*$' > "$dir/secret"
check 'the lines of keys are known' test "$(wc -l < "$dir/secret")" -ge 50

# ---- the table -------------------------------------------------------------

# base: a configuration without faults
base() {
	cat <<-X
		tls-ca $dir/good.pem
		tls-certificate $dir/good.pem
		tls-key $dir/good.key
		chain-id 1
		orchestrator o.example:1
		gateway g.example:1
		registry 0x1111111111111111111111111111111111111111
		registry-endpoint http://a.example/
		tee insecure
		chroot $dir/root
		control-socket $dir/control
		uid-base 61000
	X
}

# explained WHAT STATUS MESSAGE ARGUMENT...: tee-runnerd with these arguments
explained() {
	_what=$1 _status=$2 _message=$3
	shift 3
	timeout 20 tee-runnerd "$@" > "$dir/said" 2>&1
	_got=$?
	if [ $_got != "$_status" ]; then
		flunk "$_what: expected status $_status, got $_got"
	elif [ -n "$_message" ] && ! grep -q -e "$_message" "$dir/said"; then
		flunk "$_what: expected \"$_message\""
	elif grep -qF -f "$dir/secret" "$dir/said"; then
		flunk "$_what: the message has a part of a key"
	else
		pass "$_what"
		return
	fi
	sed 's/^/     > /' "$dir/said"
}

# mistake WHAT MESSAGE [LINE...]: each line is in the place of those of its keyword, or
# is added
mistake() {
	_name=$1 _text=$2
	shift 2
	base > "$conf"
	for _line; do
		_word=${_line%% *}
		case $_word in
		[a-z]*) grep -v "^$_word " "$conf" > "$conf.new"; mv "$conf.new" "$conf" ;;
		esac
	done
	for _line; do printf '%b\n' "$_line"; done >> "$conf"
	explained "$_name" "${status:-2}" "$_text" ${option--t} -f "$conf" -L "$roles"
}

# without KEYWORD MESSAGE
without() {
	base | grep -v "^$1 " > "$conf"
	explained "$1 is missing" 2 "$conf: $1: is missing: $2" -t -f "$conf" -L "$roles"
}

status=0 mistake 'a good configuration has no fault' ''
check 'it has no message' test ! -s "$dir/said"

# ---- keywords and values ---------------------------------------------------

without tls-ca 'expected an absolute path'
without tls-key 'expected an absolute path'
without chain-id 'expected a number'
without registry 'expected an address'
without registry-endpoint 'expected http://host'
without gateway 'expected host:port'
mistake 'a misspelt keyword' ':13: regsitry-depth: .*did you mean registry-depth?' 'regsitry-depth 3'
mistake 'an underscore' 'did you mean http-listen?' 'http_listen 127.0.0.1:1'
mistake 'a capital letter' 'did you mean workers?' 'Workers 3'
mistake 'a colon after the keyword' 'did you mean workers?' 'workers: 3'
mistake 'an equals sign' 'workers: = 3: expected a number' 'workers = 3'
mistake 'a keyword of another program' 'unknown keyword: see tee-runnerd.conf(5)' 'ListenAddress 1'
mistake 'a keyword without value' 'workers: has no value' 'workers'
mistake 'a keyword twice' 'workers: already set in line 13' 'workers 3' 'workers 4'
mistake 'a number that is too large' 'workers: 65: expected a number from 1 to 64' 'workers 65'
mistake 'a time with a wrong unit' 'expected a time from' 'task-timeout 5min'
mistake 'quotes' 'expected an absolute path' "tls-ca \"$dir/good.pem\""
mistake 'a relative path' 'tls-ca: ca.pem: expected an absolute path' 'tls-ca ca.pem'
mistake 'a path that is too long' 'expected at most 127 characters' "tls-ca /$long"
mistake 'a host without port' 'orchestrator: o: expected host:port' 'orchestrator o'
mistake 'a URL for a host' 'expected host:port' 'gateway https://g:1'
mistake 'an IPv6 address without brackets' 'expected host:port' 'gateway ::1:1'
mistake 'an address that is too short' 'registry: 0x11: expected an address' 'registry 0x11'
mistake 'the address of the example' 'registry: 0x0*: is zero' \
	'registry 0x0000000000000000000000000000000000000000'
mistake 'a pin that is zero' 'pin-gateway: 0x0*: is zero' \
	'pin-gateway 0x0000000000000000000000000000000000000000'
mistake 'a pin that is no point' ':13: pin-kms-key: not a point on secp256k1' \
	'pin-kms-key 0x020000000000000000000000000000000000000000000000000000000000000005'
mistake 'an endpoint twice' 'already in the list' 'registry-endpoint http://a/' 'registry-endpoint http://a/'
mistake 'a password in a URL' 'without user name and password' 'registry-endpoint https://u:p@a/'
mistake 'ws:// for an endpoint' 'expected http://host' 'registry-endpoint ws://a/'
mistake 'a quorum of more than all' 'expected at most 1' 'registry-quorum 2'
mistake 'publish without gas-key' 'publish: needs gas-key' 'publish yes'
mistake 'a public address for metrics' 'expected 127.0.0.1:port' 'http-listen 0.0.0.0:9464'
mistake 'a choice that does not exist' 'tee: sgx: expected one of' 'tee sgx'
second='chain-id 2\norchestrator o:1\ngateway g:1\nregistry 0x2222222222222222222222222222222222222222\nregistry-endpoint http://a'
mistake 'one http-listen for two chains' 'http-listen: already used by another chain' \
	"http-listen 127.0.0.1:1\n$second\nhttp-listen 127.0.0.1:1"
mistake 'one control-socket for two chains' 'control-socket: already used by another chain' \
	"control-socket $dir/c\n$second\ncontrol-socket $dir/c"
mistake 'one chain-id for two chains' 'chain-id: already used by another chain' \
	"workers 1\n$(echo "$second" | sed 's/chain-id 2/chain-id 1/')"

# ---- the text of the file --------------------------------------------------

mistake 'a no-break space' ':13: line: has a no-break space' 'workers\0302\02403'
mistake 'a NUL' ':13: line: has a NUL byte' 'workers 3\0000'
mistake 'line ends of old Macs' ':13: line: has a control character' 'workers 3\0015tee tdx'
mistake 'a line that is too long' 'at most 1022 characters' "workers $long$long$long$long$long$long"
mistake 'a key in the place of its path' 'not the key itself' "gas-key $digits"
mistake 'a private key in the configuration' 'line: is PEM' "$(cat "$dir/good.key")"

# file WHAT MESSAGE PATH: as the configuration
file() { explained "the configuration is $1" 2 "$2" -t -f "$3" -L "$roles"; }
{ printf '\357\273\277'; base; } > "$dir/bom"
file 'a file with a byte order mark' ':1: line: has a byte order mark' "$dir/bom"
{ printf '\377\376'; base; } > "$dir/utf16"
file 'UTF-16' ':1: line: is UTF-16' "$dir/utf16"
file 'a private key' ':1: line: is PEM' "$dir/good.key"
file 'a key in DER' 'der.key:1: line: ' "$dir/der.key"
file 'a gas key' 'gas.key:1: line: does not begin with a keyword' "$dir/gas.key"
file 'a directory' 'is a directory: expected a file' "$dir/directory"
file 'a device' 'is a device: expected a file' /dev/zero
file 'missing' "$dir/nowhere: No such file or directory" "$dir/nowhere"
file 'a program' 'line: is a program' "$BUILD/tee-runnerd"
file 'empty' 'tls-ca: is missing' "$dir/empty.file"

# ---- include ---------------------------------------------------------------

status=0 mistake 'no file to include is no fault' '' "include $dir/conf.d/*.conf"
mistake 'an included file has a fault' 'wrong.d/a.conf:2: workers: 0: expected' "include $dir/wrong.d/*.conf"
mistake 'an included file includes' 'a.conf:1: include: not in an included file' "include $dir/nested.d/*.conf"
mistake 'a directory is included' 'a.conf: is a directory' "include $dir/directory.d/*.conf"
mistake 'a relative pattern' 'expected an absolute path' 'include conf.d/*.conf'

# ---- files that it names ---------------------------------------------------

mistake 'a file that is missing' ':12: tls-ca: /nowhere: No such file' 'tls-ca /nowhere'
mistake 'a directory for a file' 'tls-ca: .*: is a directory' "tls-ca $dir/directory"
mistake 'a pipe for a file' 'tls-key: .*: is a pipe' "tls-key $dir/pipe"
mistake 'a device for a file' 'is a device' 'tls-certificate /dev/null'
mistake 'a file that is empty' 'tls-ca: .*: is empty' "tls-ca $dir/empty.file"
mistake 'a CA that is text' 'tls-ca: .*: is not PEM' "tls-ca $dir/text.file"
mistake 'a CA in DER' 'tls-ca: .*: is DER: convert it' "tls-ca $dir/der.pem"
mistake 'a CA that is cut off' 'tls-ca: .*: has a certificate that cannot be parsed' "tls-ca $dir/half.pem"
mistake 'a CA whose second certificate is wrong' 'cannot be parsed' "tls-ca $dir/second.pem"
mistake 'a CA that is a private key' 'has a private key and no certificate' "tls-ca $dir/other.key"
mistake 'a registry-ca that is text' 'registry-ca: .*: is not PEM' "registry-ca $dir/text.file"
mistake 'a certificate that has expired' 'tls-certificate: .*: certificate 1: expired 20.*: renew it' \
	"tls-certificate $dir/old.pem"
mistake 'a certificate that is not valid yet' \
	'tls-certificate: .*: certificate 1: not valid before 2099-01-01: ' \
	"tls-certificate $dir/future.pem"
status=0 mistake 'a certificate that is valid in an hour is a warning' \
	'warning: certificate 1: not valid before 20' "tls-certificate $dir/near.pem"
mistake 'a certificate of a chain that has expired' ': certificate 2: expired 20.*: renew it' \
	"tls-certificate $dir/dates.pem"
check 'the one that is not valid yet is named, too' \
	grep ': certificate 4: not valid before 2099-01-01: ' "$dir/said"
check 'the valid ones are not' not grep 'certificate [13]' "$dir/said"
mistake 'a certificate of a chain that cannot be parsed' ': certificate 2: cannot be parsed' \
	"tls-certificate $dir/second.pem"
status=0 mistake 'a certificate of a chain that expires soon is a warning' \
	'warning: certificate 2: expires 20.*: renew it' "tls-certificate $dir/soon-chain.pem"
status=0 mistake 'a chain has no fault' '' "tls-certificate $dir/chain.pem"
check 'it has no message' test ! -s "$dir/said"
mistake 'a chain in the wrong order' 'the first certificate is for another key than tls-key' \
	"tls-certificate $dir/reversed.pem"
mistake 'a certificate for another key' 'is for another key than tls-key' "tls-certificate $dir/other.pem"
mistake 'a certificate with RSA' 'its key is not on P-256' "tls-certificate $dir/rsa.pem"
mistake 'a certificate that is cut off' 'not a certificate in PEM' "tls-certificate $dir/half.pem"
mistake 'a key in the place of the certificate' 'tls-certificate: .*: has a private key and no certificate' "tls-certificate $dir/good.key"
status=0 mistake 'a certificate that expires soon is a warning' 'warning: certificate 1: expires 20.*: renew it' \
	"tls-certificate $dir/soon.pem" "tls-key $dir/soon.key"
status=0 mistake 'a certificate with its key is a warning' 'warning: has a private key' \
	"tls-certificate $dir/both.pem"
mistake 'a certificate in the place of the key' 'tls-key: .*: is a certificate' "tls-key $dir/good.pem"
mistake 'an encrypted key' 'tls-key: .*: is encrypted: remove the passphrase' "tls-key $dir/encrypted.key"
mistake 'a key that is encrypted the old way' 'is encrypted' "tls-key $dir/encrypted2.key"
mistake 'an RSA key' 'not an unencrypted private key on P-256' "tls-key $dir/rsa.key"
mistake 'a key on P-384' 'not an unencrypted private key on P-256' "tls-key $dir/p384.key"
mistake 'a key on Ed25519' 'not an unencrypted private key on P-256' "tls-key $dir/ed25519.key"
mistake 'a key in DER' 'not an unencrypted private key on P-256' "tls-key $dir/der.key"
mistake 'a key that is cut off' 'not an unencrypted private key on P-256' "tls-key $dir/half.key"
mistake 'a key that others can read' 'tls-key: .*: others can access it: set mode 600' "tls-key $dir/open.key"
mistake 'a key that its group can write' 'others can access it' "tls-key $dir/written.key"
status=0 mistake 'a key that its group can read is no fault' '' "tls-key $dir/group.key"
status=0 mistake 'a good gas key is no fault' '' "gas-key $dir/gas.key"
mistake 'a gas key that others can read' 'gas-key: .*: others can access it' "gas-key $dir/gas-open.key"
mistake 'a gas key that is too long' 'gas-key: .*: expected 64 hex digits' "gas-key $dir/gas-long.key"
mistake 'a gas key with another letter' 'expected 64 hex digits' "gas-key $dir/gas-letter.key"
mistake 'a gas key that is zero' 'not a valid private key on secp256k1' "gas-key $dir/gas-zero.key"

# The lines of a chain with Nox v0, whose wallet is in this file.
nox_chain() {
	sed '/^orchestrator /d; /^gateway /d; /^registry /d' <<-X
		$(base)
		protocol nox-v0
		nats-server n.example:4222
		gateway-url https://g.example
		nox-compute 0x1111111111111111111111111111111111111111
		nox-key $1
	X
}
# nox_mistake WHAT STATUS MESSAGE FILE
nox_mistake() {
	nox_chain "$4" > "$conf"
	explained "$1" "$2" "$3" -t -f "$conf" -L "$roles"
}
nox_mistake 'a good key of a wallet is no fault' 0 '' "$dir/gas.key"
nox_mistake 'a key of a wallet that is missing' 2 'nox-key: .*: No such file' "$dir/none.key"
nox_mistake 'a key of a wallet that others can read' 2 'nox-key: .*: others can access it' "$dir/gas-open.key"
nox_mistake 'a key of a wallet that is too long' 2 'nox-key: .*: expected 64 hex digits' "$dir/gas-long.key"
nox_mistake 'a key of a wallet that is zero' 2 'nox-key: .*: not a valid private key on secp256k1' "$dir/gas-zero.key"
mistake 'a credential without systemd' 'credentials need systemd' 'gas-key credential:gas'

# ---- directories and users -------------------------------------------------

mistake 'a chroot that is not empty' 'chroot: .*: is not empty' "chroot $dir/full"
mistake 'a chroot that is a file' 'chroot: .*: Not a directory' "chroot $dir/text.file"
mistake 'a chroot below a file' 'chroot: .*: Not a directory' "chroot $dir/text.file/x"
mistake 'no directory for the control socket' 'control-socket: directory .*: create it' \
	"control-socket $dir/nowhere/control"
mistake 'a control socket that is a file' 'exists and is not a socket: remove it' \
	"control-socket $dir/text.file"
mistake 'a control socket whose path is too long' 'expected at most 107 characters' \
	"control-socket /tmp/$(printf '%0110d' 0)"
mistake 'user IDs of systemd' 'uid-base: .*dynamic users: choose another' 'uid-base 62000'
mistake 'the user ID of an account' 'the user nobody has it' 'uid-base 65533'
if is_root; then
	mkdir -m 777 "$dir/shared"
	mistake 'a chroot that others can write' 'is writable by group or others' "chroot $dir/shared"
	cp "$dir/good.key" "$dir/foreign.key" && chown 1 "$dir/foreign.key"
	mistake 'a key that root does not own' 'tls-key: .*: Permission denied' "tls-key $dir/foreign.key"
	if ! getent passwd _tee-net > /dev/null; then
		base | grep -v ^uid-base > "$conf"
		explained 'users that do not exist' 2 'no user _tee-net: add the user' -t -f "$conf" -L "$roles"
	fi
fi

# ---- the command line, and without -t --------------------------------------

base > "$conf"
explained 'an option that does not exist' 2 'usage:' -x
explained 'an argument too many' 2 'usage:' -t start
explained 'an option without its argument' 2 'usage:' -f
explained 'no executables for -t' 1 'keys and certificates are not checked' -t -f "$conf" -L "$dir"
explained 'a directory of executables that is missing' 2 "$dir/nowhere: No such file" \
	-d -f "$conf" -L "$dir/nowhere"
explained '-T with a fault' 2 'tls-ca: is missing' -T -f "$dir/empty.file"
for option in -d ''; do
	with=${option:-without -d}
	mistake "a fault of the text: $with" 'did you mean workers?' 'worker 3'
	mistake "an encrypted key: $with" 'is encrypted' "tls-key $dir/encrypted.key"
	mistake "a certificate that has expired: $with" 'expired 20' "tls-certificate $dir/old.pem"
done
finish
