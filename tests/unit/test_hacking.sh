#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What doc/hacking.md asks of a change is there.  Each check prints a line for each thing
# that is missing: what needs it, and the file to edit.  Then each check is run on a copy
# of the files with one mistake, and must print exactly the line for that mistake.

src=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
build=$PWD
passed=0 failed=0
export LC_ALL=C
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

ok() { passed=$((passed + 1)); echo "ok   $*"; }
bad() { failed=$((failed + 1)); echo "FAIL $*"; }

# ---- the checks, in the directory of a tree --------------------------------

# names: what the check is about, from standard input
names() { sort -u > "$tmp/names"; }

# each KIND WHAT: each of the names is on standard input, or `KIND name: WHAT'
each() { sort -u | comm -23 "$tmp/names" - | sed "s#.*#$1 &: $2#"; }

# no_other FILE KIND: all on standard input is a name, or `FILE: no such KIND: ...'
no_other() { sort -u | comm -13 "$tmp/names" - | sed "s#.*#$1: no such $2: &#"; }

# A file of C on one line, strings that follow each other joined.
joined() { tr -s '\n\t ' ' ' < "$1" | sed 's/\([^\\]\)" "/\1/g'; }

# primitive_names EXPRESSION: of the rows that match it
primitive_names() {
	grep "^PRIM($1" proto/primitives.def |
	    sed 's/^PRIM(0x[0-9a-f]*, *\([A-Za-z0-9]*\),.*/\1/'
}

primitives() {
	vectors=tests/vectors/primitives.txt
	manual=man/tee-primitives.7
	primitive_names '' | names
	{ primitive_names '.*/[*] random [*]/'; sed 's/ .*//' $vectors; } |
	    each primitive "no vector in $vectors"
	grep -oE '(ref_|COMPARE\()[A-Za-z0-9]+' tests/fuzz/reference.c |
	    sed 's/ref_//; s/COMPARE(//' |
	    each primitive 'no reference in tests/fuzz/reference.c'
	# evm.mjs adds the functions for wrap and for casts.
	{ primitive_names '.*/[*] random [*]/'
	grep -ohE '(^ +|text [+]= `)function [A-Za-z0-9]+' \
	    tests/interop/Primitives.sol tests/interop/evm.mjs |
	    sed 's/.*function //'; } |
	    each primitive 'no function in tests/interop/Primitives.sol'
	sed -n 's/^PRIM(\(0x[0-9a-f]*\), *\([A-Za-z0-9]*\),.*/\2 (\1)/p' \
	    proto/primitives.def | names
	sed -n 's/^\.It \(0x[0-9a-f]*\) Cm \([A-Za-z0-9]*\) .*/\2 (\1)/p' \
	    $manual > "$tmp/listed"
	each primitive "no row in $manual" < "$tmp/listed"
	no_other $manual primitive < "$tmp/listed"
}

keywords() {
	manual=man/tee-runnerd.conf.5
	sample=contrib/tee-runnerd.conf
	joined src/common/keywords.c |
	    grep -oE '[{] ?"[a-z0-9-]+", (HASHED|MACHINE)' | cut -d '"' -f 2 |
	    names
	sed -n 's/^\.It Ic \([a-z0-9-]*\) .*/\1/p' $manual > "$tmp/listed"
	each keyword "no paragraph in $manual" < "$tmp/listed"
	no_other $manual keyword < "$tmp/listed"
	sed -n 's/^#\{0,1\}\([a-z0-9-][a-z0-9-]*\)[	 ].*/\1/p' $sample \
	    > "$tmp/listed"
	each keyword "no line in $sample" < "$tmp/listed"
	no_other $sample keyword < "$tmp/listed"
	sed 's/\\n/ /g' tests/unit/test_conf.c | grep -oE '[a-z0-9-]+' |
	    each keyword 'no case in tests/unit/test_conf.c'
}

# The exhaustive test of the table in test_chan.c names messages, too, but says nothing
# about what their receivers do.
messages() {
	${AWK:-awk} -f proto/handlers.awk src/ipc/states.h proto/messages.def \
	    src/front/tls_engine.c src/*/handlers.c
	sed -n 's/^MSG(\([A-Z_]*\),.*/\1/p' proto/messages.def | names
	find tests/hostile tests/unit -name 'test_*.c' ! -name test_chan.c \
	    -exec grep -ohE '\<M_[A-Z_]+' {} + | sed 's/^M_//' |
	    each message 'no hostile test: tests/hostile/test_*.c, tests/unit/test_*.c'
}

# The rows of proto/status.def in the form that proto/SESSION.md has.
status_rows() {
	awk '
	/^STATUS\(/ { is_row = 1; row = "" }
	is_row { row = row $0 }
	is_row && /\)$/ {
		is_row = 0
		sub(/^STATUS\(/, "", row)
		split(row, f, /,[ \t]*/)
		to = ""
		if (f[4] ~ /REFUSAL_/)
			to = to ", Refusal"
		if (f[4] ~ /RESULT_/)
			to = to ", TaskResult"
		if (f[4] ~ /RESULT_GATEWAY/)
			to = to ", OperandGrant"
		if (f[4] ~ /STORE_/)
			to = to ", StoreOutcome"
		printf "| %s | %s | %s | %s |\n", f[1], f[2], tolower(f[3]),
		    substr(to, 3)
	}' proto/status.def
}

statuses() {
	status_rows | names
	grep '^| [0-9]* | [A-Z_]* |' proto/SESSION.md > "$tmp/listed"
	each status 'no such row in proto/SESSION.md' < "$tmp/listed"
	no_other proto/SESSION.md status < "$tmp/listed"
}

# A name that two objects of the status have needs two paragraphs: the second is NAME#2.
numbered() { awk '{ print $0 (n[$0]++ ? "#" n[$0] : "") }'; }

metric_names() {
	joined src/front/metrics.c | grep -oE '(metric(_ms)?|family)\( *out, "[a-z_]+' |
	    sed 's/.*"/tee_runner_/'
	sed -n 's/^#define METRIC.*"\(tee_runner_[a-z_]*\)"/\1/p' src/front/*.c
}

# The rows of METRICS: each on one line, its name first.
metric_rows() {
	sed -n '/^\.Sh METRICS/,/^\.El/p' man/tee-runnerd.8 |
	    awk '/^\.It Cm / { printf "\n%s", $3; next } { printf " %s", $0 }
		END { print "" }' | sort
}

# Each alert and the metrics of its expression: `ALERT METRIC'
alert_metrics() {
	awk '
	/^ *- alert: / { alert = $3; is_expr = 0 }
	/^ *expr: / { is_expr = 1 }
	/^ *for: / { is_expr = 0 }
	is_expr {
		while (match($0, /tee_runner_[a-z_]+|up\{/)) {
			name = substr($0, RSTART, RLENGTH)
			sub(/_bucket$|\{$/, "", name)
			print alert, name
			$0 = substr($0, RSTART + RLENGTH)
		}
	}' contrib/prometheus/tee-runner.rules.yml | sort -u
}

alarms() {
	rules=contrib/prometheus/tee-runner.rules.yml
	{ metric_names; echo up; } | sort -u > "$tmp/metrics"
	names < "$tmp/metrics"
	alert_metrics | sed 's/.* //' | no_other $rules metric
	grep -oE 'tee_runner_[a-z_]+' contrib/grafana/tee-runner.json |
	    sed 's/_bucket$//' | no_other contrib/grafana/tee-runner.json metric
	alert_metrics | while read -r alert metric; do
		! grep -qx "$metric" "$tmp/metrics" || echo "$metric $alert"
	done | names
	metric_rows | awk '{
		for (i = 2; i <= NF; i++)
			if ($i ~ /^TeeRunner/)
				print $1, $i
	}' > "$tmp/listed"
	each 'metric and alert' 'not in a row of man/tee-runnerd.8' < "$tmp/listed"
	no_other man/tee-runnerd.8 'alert of a metric' < "$tmp/listed"
	sed -n 's/^ *- alert: //p' $rules | names
	grep -oE 'TeeRunner[A-Za-z]+' doc/operators.md | in_file doc/operators.md alert
	sed -n 's/^ *- alert: //p' $rules | explained alert ALERT
}

operators() {
	manual=man/tee-runnerctl.8
	joined src/front/status.c > "$tmp/status"
	grep -oE 'json(w_(object|array|number|string|hex)|_foreign)\( *&?j, "[a-z_]+' "$tmp/status" |
	    sed 's/.*"//' | numbered | names
	sed -n '/^\.Sh STATUS/,/^\.Ss/s/^\.It Cm \(.*\) Pq .*/\1/p' $manual |
	    tr -s ' ,' '\n' | numbered > "$tmp/listed"
	each 'member of the status' "no paragraph in $manual" < "$tmp/listed"
	no_other $manual 'member of the status' < "$tmp/listed"
	manual=man/tee-runnerd.8
	metric_names | names
	sed -n 's/^\.It Cm \(tee_runner_[a-z_]*\).*/\1/p' $manual > "$tmp/listed"
	each metric "no row in $manual" < "$tmp/listed"
	no_other $manual metric < "$tmp/listed"
	metric_rows | sed -n 's/^\(tee_runner_[a-z_]*\) .*Alarm: .*Look at: .*/\1/p' |
	    comm -23 "$tmp/names" - | sort > "$tmp/bare"
	sort -u "$tmp/listed" | comm -12 - "$tmp/bare" |
	    sed "s#.*#metric &: no alarm, or nothing to look at, in $manual#"
}

# kind KIND: the words of src/ctl/explain.def of this kind
kind() {
	joined src/ctl/explain.def | grep -oE 'EXPLAIN[(]"[^"]*", '"$1," |
	    cut -d '"' -f 2
}

# The subjects of log lines; those that are a role's name are in `kind LOG' alone.  A
# subject ends at the first colon or the first value; a row explains all subjects that
# begin with its words.
subjects() {
	find src/* -name '*.c' ! -path 'src/devnet/*' ! -path 'src/attest/*' \
	    ! -path 'src/ctl/*' ! -path 'src/tools/*' | sort |
	    while read -r file; do
		joined "$file" | grep -oE '\<log_(err|warn|info)[(] ?"[^"]*:'
	done | sed 's/^[^"]*"//; s/^%s\([A-Za-z]\)/\1/; s/[:%].*//; s/ *$//
	    /^$/d' | sort -u
}

# The warnings of the status, up to their first value.
warnings() {
	awk '/^(warn_|json_warnings)/ { on = 1 } on; /^}/ { on = 0 }' src/front/status.c > "$tmp/warn"
	joined "$tmp/warn" | grep -oE 'j, NULL, "[A-Za-z][^"]*' |
	    sed 's/.*"//; s/[:%].*//; s/ *$//' | sort -u
}

# explained WHAT KIND: the names on standard input have a row of this kind
explained() {
	names
	kind "$2" > "$tmp/listed"
	each "$1" 'no row in src/ctl/explain.def' < "$tmp/listed"
	no_other src/ctl/explain.def "$1" < "$tmp/listed"
}

explanations() {
	sed -n 's/^STATUS([0-9]*, \([A-Z_]*\),.*/\1/p' proto/status.def |
	    explained status STATUS
	joined src/program/status.c | grep -oE '\[WHY_[A-Z_]*\] = [{] "[^"]*' |
	    sed 's/.*"//' | explained reason REASON
	joined src/program/status.c | grep -oE '\[GAS_[A-Z_]*\] = "[^"]*' |
	    sed 's/.*"//' | explained 'state of the gas account' GAS
	joined src/front/status.c | grep -oE '\[ENDPOINT_[A-Z_]*\] = "[^"]*' |
	    sed 's/.*"//' | explained 'state of an endpoint' ENDPOINT
	joined src/front/timeline.c |
	    grep -oE '\[STAGE_[A-Z_]*\] = [{] "[^"]*|LINE_[A-Z]* [?] "[^"]*' |
	    sed 's/.*"//' | explained stage STAGE
	joined src/ctl/explain.def | grep -oE 'tee-runnerctl [a-z][a-z-]*' |
	    sed 's/.* //' | names
	command_names |
	    each command 'src/ctl/explain.def names it, tee-runnerctl has none'
	{ kind LOG; kind WARNING; } | sort -u > "$tmp/listed"
	{ subjects; warnings; } | awk -v rows="$tmp/listed" '
	BEGIN { while ((getline row < rows) > 0) is_row[tolower(row)] = row }
	{
		subject = $0
		for (word = tolower(subject); !(word in is_row); )
			if (!sub(/ [^ ]*$/, "", word))
				break
		print word in is_row ? is_row[word] : subject
	}' | names
	each 'subject of the log' 'no row in src/ctl/explain.def' < "$tmp/listed"
}

# The commands of tee-runnerctl; with their options: `COMMAND OPTION'
command_names() { sed -n 's/^	{ "\([a-z-]*\)", command_.*/\1/p' src/ctl/tee-runnerctl.c; }
command_options() {
	awk -F '"' '
	/^\t\t\{ "[a-z-]+", (no|required)_argument/ {
		split($0, f, "\047")
		long[f[2]] = $2
	}
	/^\t\{ "[a-z-]+", command_/ { letters[$2] = $4 }
	END {
		for (c in letters)
			for (i = 1; i <= length(letters[c]); i++) {
				l = substr(letters[c], i, 1)
				print c, l in long ? "--" long[l] : "-" l
			}
	}' src/ctl/tee-runnerctl.c
}

synopsis_options() {
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' man/tee-runnerctl.8 | awk '
	/^\.Nm/ { n = 0 }
	/^\.Cm/ { gsub(/[|]/, " "); n = split($0, c, " ") }
	{
		while (match($0, /Fl [a-z-]+/)) {
			for (i = 2; i <= n; i++)
				print c[i], "-" substr($0, RSTART + 3, RLENGTH - 3)
			$0 = substr($0, RSTART + RLENGTH)
		}
	}'
}

bash_options() {
	bash -c '. contrib/completion/tee-runnerctl.bash
	for c; do
		_tee_runnerctl_words $c | tr -s "\n\t " "\n" | sed -n "s/^-/$c &/p"
	done' - $(command_names) 2> /dev/null
}

zsh_options() {
	sed -n 's/\$json/'"'--json/g; s/\$timeout/'--timeout/g; s/\$socket/'-s/g; s/\$file/'-f/g
	    /^case/,/^esac/p"'' contrib/completion/_tee-runnerctl | awk '
	match($0, /^[a-z|-]+\)/) { n = split(substr($0, 1, RLENGTH - 1), c, "|") }
	{
		while (match($0, /\047-[a-z-]+/)) {
			for (i = 1; i <= n; i++)
				print c[i], substr($0, RSTART + 1, RLENGTH - 1)
			$0 = substr($0, RSTART + RLENGTH)
		}
	}'
}

fish_options() {
	sed -n "s/^complete .*__tee_runnerctl_is \([a-z -]*\)' -\([sl]\) \([a-z-]*\) .*/\2 \3 \1/p" \
	    contrib/completion/tee-runnerctl.fish | awk '{
		for (i = 3; i <= NF; i++)
			print $i, ($1 == "l" ? "--" : "-") $2
	}'
}

# in_file FILE KIND: standard input has all of the names, and no others
in_file() {
	sort -u > "$tmp/listed"
	each "$2" "not in $1" < "$tmp/listed"
	no_other "$1" "$2" < "$tmp/listed"
}

commands() {
	completion=contrib/completion
	command_names | names
	sed -n 's/^    "  \([a-z][a-z-]*\(, [a-z-]*\)*\) .*/\1/p' src/ctl/tee-runnerctl.c |
	    tr -s ', ' '\n' | in_file 'the usage text' command
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm //p' man/tee-runnerctl.8 |
	    tr -s '| ' '\n' | in_file man/tee-runnerctl.8 command
	bash -c '. $1 && COMP_WORDS=(tee-runnerctl "") COMP_CWORD=1 && _tee_runnerctl &&
	    printf "%s\n" "${COMPREPLY[@]}"' - $completion/tee-runnerctl.bash |
	    grep -v '^-' | in_file $completion/tee-runnerctl.bash command
	sed -n "s/^		'\([a-z-]*\):.*/\1/p" $completion/_tee-runnerctl |
	    in_file $completion/_tee-runnerctl command
	sed -n 's/.* __fish_use_subcommand -a \([a-z-]*\) .*/\1/p' \
	    $completion/tee-runnerctl.fish |
	    in_file $completion/tee-runnerctl.fish command
	command_options | names
	synopsis_options | in_file man/tee-runnerctl.8 option
	bash_options | in_file $completion/tee-runnerctl.bash option
	zsh_options | in_file $completion/_tee-runnerctl option
	fish_options | in_file $completion/tee-runnerctl.fish option
}

states() {
	joined src/front/timeline.c |
	    grep -oE '\[STAGE_[A-Z_]*\] = [{] "[^"]*|LINE_[A-Z]* [?] "[^"]*|state, "[a-z]*' |
	    sed 's/.*"//' | names
	for file in contrib/completion/*tee-runnerctl*; do
		joined "$file" | grep -oE '(open|received)( [a-z]+){12,13}' |
		    tr ' ' '\n' | in_file "$file" state
	done
}

# in_tests PATTERN: some test has it
in_tests() { grep -rqE -- "$1" tests/unit tests/hostile tests/integration; }

# Each status that a Runner gives, and each reason for not serving, is reached by a test:
# by its name, its constant or the beginning of its text.
reached() {
	joined proto/status.def | grep -oE 'STATUS\([0-9]+, [A-Z_]+, [A-Z]+, [A-Z_| ]*(REFUSAL|RESULT)_' |
	    sed 's/^[^,]*, \([A-Z_]*\),.*/\1/' > "$tmp/statuses"
	joined src/program/status.c | grep -oE '\[WHY_[A-Z_]*\] = [{] "[^"]*", "[^"]+' |
	    grep -v '\[WHY_NONE' | sed 's/^\[\([A-Z_]*\)[^"]*"\([^"]*\)", "\(.\{30\}\|.*\).*/\1 \2 \3/' > "$tmp/reasons"
	{ cat "$tmp/statuses"; cut -d ' ' -f 2 "$tmp/reasons"; } | names
	{
		while read -r name; do
			! in_tests "\\<(ST_)?$name\\>" || echo "$name"
		done < "$tmp/statuses"
		while read -r constant name text; do
			! in_tests "\\<$constant\\>|\"$name\"|$(echo "$text" | sed "s/[^A-Za-z -]/./g")" ||
			    echo "$name"
		done < "$tmp/reasons"
	} | each 'status or reason' 'no test reaches it: tests/unit, hostile, integration'
}

# ---- this tree -------------------------------------------------------------

# holds CHECK LEAST: nothing is missing, and the check sees so many names at least
holds() {
	(cd "$src" && "$1") > "$tmp/missing" 2>&1
	while read -r line; do
		bad "$line"
	done < "$tmp/missing"
	if [ "$(wc -l < "$tmp/names")" -lt "$2" ]; then
		bad "$1: only $(wc -l < "$tmp/names") names are seen"
	elif [ ! -s "$tmp/missing" ]; then
		ok "$1: $(wc -l < "$tmp/names") names"
	fi
}

holds primitives 60
holds keywords 40
holds messages 40
holds statuses 30
holds operators 30
holds explanations 30
holds alarms 25
holds reached 45
holds commands 35
holds states 13

# Each line of the sample is right, also those that are commented out; what its user has
# to create does not exist here, and the address of the Registry is to be replaced.  A
# chain has the keywords of one protocol.
nox='protocol|nats-[a-z-]+|gateway-url|nox-compute|nox-max-age'
ours='protocol|orchestrator|gateway|registry|registry-trusted-block|registration|publish|'
ours="${ours}publish-interval|gas-max-fee|pin-orchestrator"
sample() {
	sed 's/^#\([a-z]\)/\1/; /\.\.\./d; s/0x0*$/0x1234567812345678123456781234567812345678/' \
	    "$src/contrib/tee-runnerd.conf" | grep -vE "^($2)[	 ]" > "$tmp/conf"
	[ "$1" = tee-runner ] || echo "protocol $1" >> "$tmp/conf"
	wrong=$("$build/tee-runnerd" -t -f "$tmp/conf" 2>&1 |
	    grep -v ': /etc/tee-runner/.*: No such file or directory$')
	if [ -z "$wrong" ]; then
		ok "contrib/tee-runnerd.conf: each line can be used with protocol $1"
	else
		bad "contrib/tee-runnerd.conf, protocol $1: $wrong"
	fi
}
if [ -x "$build/tee-runnerd" ]; then
	sample tee-runner "$nox"
	sample nox-v0 "$ours"
else
	echo 'skip contrib/tee-runnerd.conf: tee-runnerd is not built'
fi

# A mistake of the tree would also be in the copy, and change every line below.
if [ $failed -ne 0 ]; then
	echo "$passed passed, $failed failed"
	exit 1
fi

# ---- what it would say -----------------------------------------------------

copy=$tmp/copy
mkdir "$copy"
(cd "$src" && tar cf - proto/*.def proto/SESSION.md proto/handlers.awk \
    man/*.[1-9] contrib/tee-runnerd.conf src/common/keywords.c src/ipc/states.h \
    src/front/status.c src/front/metrics.c src/front/timeline.c src/front/tls_engine.c src/*/handlers.c \
    src/program/status.c src/ctl/explain.def src/ctl/tee-runnerctl.c \
    src/keys/registration.c contrib/prometheus/tee-runner.rules.yml \
    contrib/grafana/tee-runner.json \
    contrib/completion doc/operators.md \
    tests/vectors/primitives.txt tests/fuzz/reference.c \
    tests/interop/Primitives.sol tests/interop/evm.mjs \
    tests/hostile tests/unit tests/integration) | (cd "$copy" && tar xf -)

# says CHECK LINE FILE EDIT [FILE...]: after this edit with sed(1) of the FILEs
says() {
	check=$1 want=$2 edit=$3
	shift 3
	for f; do
		cp "$copy/$f" "$tmp/kept.$(basename "$f")"
		sed "$edit" "$tmp/kept.$(basename "$f")" > "$copy/$f"
	done
	got=$(cd "$copy" && "$check" 2>&1)
	for f; do
		cp "$tmp/kept.$(basename "$f")" "$copy/$f"
	done
	if [ "$got" = "$want" ]; then
		ok "it says: $want"
	else
		bad "expected \"$want\", got \"$got\""
	fi
}

says reached 'status or reason EXPIRED: no test reaches it: tests/unit, hostile, integration' \
    's/EXPIRED/EXPIRE_D/g' $(cd "$copy" && grep -rlw '\(ST_\)*EXPIRED' tests/unit tests/hostile tests/integration)
says primitives 'primitive add: no vector in tests/vectors/primitives.txt' \
    '/^add /d' tests/vectors/primitives.txt
says primitives 'primitive add: no reference in tests/fuzz/reference.c' \
    '/ref_add(/d' tests/fuzz/reference.c
says primitives 'primitive add: no function in tests/interop/Primitives.sol' \
    '/function add(/d' tests/interop/Primitives.sol
says primitives 'primitive add (0x10): no row in man/tee-primitives.7' \
    '/^\.It 0x10 Cm add /d' man/tee-primitives.7
says primitives 'man/tee-primitives.7: no such primitive: add (0x10)' \
    '/^PRIM(0x10/d' proto/primitives.def

says keywords 'keyword workers: no paragraph in man/tee-runnerd.conf.5' \
    '/^\.It Ic workers /d' man/tee-runnerd.conf.5
says keywords 'man/tee-runnerd.conf.5: no such keyword: labourers' \
    's/^\.It Ic workers .*/&\
.It Ic labourers Ar number/' man/tee-runnerd.conf.5
says keywords 'keyword workers: no line in contrib/tee-runnerd.conf' \
    '/^#workers/d' contrib/tee-runnerd.conf
says keywords 'contrib/tee-runnerd.conf: no such keyword: labourers' \
    's/^#workers.*/&\
#labourers	4/' contrib/tee-runnerd.conf
says keywords 'keyword uid-base: no case in tests/unit/test_conf.c' \
    's/uid-base//g' tests/unit/test_conf.c

says messages 'messages.def: PING: no handler in src/keys/handlers.c' \
    '/^ON(PING)/d' src/keys/handlers.c
says messages 'messages.def: TLS_SIGNED: no handler in src/front/tls_engine.c' \
    's/M_TLS_SIGNED/0/' src/front/tls_engine.c
says messages 'proto/build.am: src/lost/handlers.c is not in HANDLERS' \
    's/R_CHILDREN	= /&R_LOST | /' src/ipc/states.h
says messages 'message CUT: no hostile test: tests/hostile/test_*.c, tests/unit/test_*.c' \
    's/M_CUT/0/' tests/unit/test_children.c

says statuses 'status | 110 | BATCH_SPOILED | retryable | Refusal |: no such row in proto/SESSION.md' \
    '/ BATCH_SPOILED /d' proto/SESSION.md
says statuses 'proto/SESSION.md: no such status: | 999 | LOST | terminal | Refusal |' \
    's/^| 110 |.*/&\
| 999 | LOST | terminal | Refusal |/' proto/SESSION.md

says operators 'member of the status credit: no paragraph in man/tee-runnerctl.8' \
    '/^\.It Cm credit Pq/d' man/tee-runnerctl.8
says operators 'member of the status age_seconds#2: no paragraph in man/tee-runnerctl.8' \
    '/^\.It Cm evidence Pq/,/^\.El/{
/^\.It Cm age_seconds/d
}' man/tee-runnerctl.8
says operators 'man/tee-runnerctl.8: no such member of the status: credit' \
    '/jsonw_number(&j, "credit"/d' src/front/status.c
says operators 'metric tee_runner_credit: no row in man/tee-runnerd.8' \
    '/^\.It Cm tee_runner_credit/d' man/tee-runnerd.8
says operators 'metric tee_runner_credit: no alarm, or nothing to look at, in man/tee-runnerd.8' \
    '/^\.It Cm tee_runner_credit/,/^Look at/{
/^Look at/d
}' man/tee-runnerd.8
says operators 'man/tee-runnerd.8: no such metric: tee_runner_lost' \
    's/^\.It Cm tee_runner_credit/.It Cm tee_runner_lost\
&/' man/tee-runnerd.8

says alarms 'contrib/prometheus/tee-runner.rules.yml: no such metric: tee_runner_lost' \
    's/gas_no_funds == 1/gas_no_funds == 1 or tee_runner_lost/' \
    contrib/prometheus/tee-runner.rules.yml
says alarms 'contrib/grafana/tee-runner.json: no such metric: tee_runner_lost' \
    's/tee_runner_gas_no_funds/tee_runner_lost/' contrib/grafana/tee-runner.json
says alarms 'metric and alert tee_runner_gas_no_funds TeeRunnerGasNoFunds: not in a row of man/tee-runnerd.8' \
    '/^\.Cm TeeRunnerGasNoFunds/d' man/tee-runnerd.8
says alarms 'man/tee-runnerd.8: no such alert of a metric: tee_runner_credit TeeRunnerLost' \
    's/^\.It Cm tee_runner_credit/&\
.Cm TeeRunnerLost/' man/tee-runnerd.8
says alarms 'alert TeeRunnerGasNoFunds: no row in src/ctl/explain.def' \
    's/EXPLAIN("TeeRunnerGasNoFunds", /("/' src/ctl/explain.def

says alarms 'alert TeeRunnerStageSlow: not in doc/operators.md' \
    's/TeeRunnerStageSlow/none/' doc/operators.md

says explanations 'status BUSY: no row in src/ctl/explain.def' \
    's/EXPLAIN("BUSY", /("/' src/ctl/explain.def
says explanations 'reason pin: no row in src/ctl/explain.def' \
    's/EXPLAIN("pin", /("/' src/ctl/explain.def
says explanations 'state of an endpoint behind: no row in src/ctl/explain.def' \
    's/EXPLAIN("behind", /("/' src/ctl/explain.def
says explanations 'state of the gas account ready: no row in src/ctl/explain.def' \
    's/EXPLAIN("ready", /("/' src/ctl/explain.def
says explanations 'stage lost: no row in src/ctl/explain.def' \
    's/EXPLAIN("lost", /("/' src/ctl/explain.def
says explanations 'src/ctl/explain.def: no such stage: begun' \
    's/EXPLAIN("lost", /EXPLAIN("begun", STAGE, "", "")&/' src/ctl/explain.def
says explanations 'subject of the log registration: no row in src/ctl/explain.def' \
    's/EXPLAIN("registration", /("/' src/ctl/explain.def
says explanations 'command renew: src/ctl/explain.def names it, tee-runnerctl has none' \
    '/{ "renew", command_renew/d' src/ctl/tee-runnerctl.c

says commands 'command renew: not in the usage text' \
    's/drain, resume, renew/drain, resume/; /^    "  renew /d' src/ctl/tee-runnerctl.c
says commands 'option top --count: not in man/tee-runnerctl.8' \
    '/^\.Op Fl -count /d' man/tee-runnerctl.8
says commands 'command kms: not in contrib/completion/tee-runnerctl.bash' \
    's/ kms registration evidence$/ registration evidence/' contrib/completion/tee-runnerctl.bash
says commands 'contrib/completion/tee-runnerctl.bash: no such option: wait --count' \
    's/--timeout -s/--count &/' contrib/completion/tee-runnerctl.bash
says commands 'option wait --timeout: not in contrib/completion/_tee-runnerctl' \
    's/^wait.*_arguments .timeout/wait) _arguments/' contrib/completion/_tee-runnerctl
says commands 'option config --hash: not in contrib/completion/tee-runnerctl.fish' \
    '/ -l hash /d' contrib/completion/tee-runnerctl.fish
says states 'state lost: not in contrib/completion/tee-runnerctl.fish' \
    's/ refused lost/ refused/' contrib/completion/tee-runnerctl.fish

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
