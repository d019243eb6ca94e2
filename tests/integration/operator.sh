#!/bin/sh
# Every command of tee-runnerctl that asks a running Runner or steers it: what it prints,
# its JSON, its exit status, and who may use it.
. "$(dirname "$0")/lib.sh"

sock=$dir/runner.sock
ctl() { _c=$1; shift; tee-runnerctl "$_c" -s "$sock" "$@" > "$dir/ctl" 2>&1; }
# shows PATTERN: in the last output.
shows() { grep -q -- "$1" "$dir/ctl" || { cat "$dir/ctl"; false; }; }
first_is() { sed -n 1p "$dir/ctl" | grep -q -- "$1" || { sed -n 1p "$dir/ctl"; false; }; }
# gone, or not begun: exit status 1
fails() { ! "$@"; }

start_devnet --kms 2/3
start_serving

check 'status: exit status 0' ctl status
check 'status: the first line says that it serves, and since when' \
    first_is '^serving since 20..-..-..T..:..:..Z ('
check 'status: insecure evidence is a warning in the first line' first_is 'warning: INSECURE'
check 'status: times are dates' shows '^registration  *sequence 1, ends 20..-..-..T..:..:..Z (in '

a=$(put uint64 40)
check 'a task ends OK' gives OK add "$a" uint64:2
check 'tasks: exit status 0' ctl tasks
is_acknowledged() { ctl tasks && shows ' acknowledged  *OK '; }
check 'tasks: the task is acknowledged' until_ok 10 is_acknowledged
task=$(sed -n 's/^\(0x[0-9a-f]*\) .*/\1/p' "$dir/ctl" | sed -n 1p)
check 'task: by the first digits of its id' ctl task "$task"
for stage in received admitted asked granted verified started computed signed sent acknowledged; do
	check "task: its timeline has $stage" shows "^  $stage  *20.*Z "
done
check 'task: a worker computed it' shows '^  computed .* worker [0-9]'
check 'task: it waits for nothing' shows '^waits for  *-$'
check 'task: it has the Orchestrator'"'"'s traceparent' shows '^traceparent  *00-[0-9a-f]*-[0-9a-f]*-01$'
check 'task: an unknown id is exit status 1' fails ctl task 0123456789
check 'task: a wrong id is exit status 1' fails ctl task xyz
check 'tasks --state open: none' ctl tasks --state open
check 'tasks --state open: says so' shows '^no tasks$'
check 'tasks --state: a wrong one is exit status 1' fails ctl tasks --state odd
check 'tasks --state: and says so' shows 'no such state'
check 'a task of another user fails' gives ACCESS_DENIED --as bob add "$a" uint64:2
check 'tasks: it has its status' ctl tasks
check 'tasks: ... ACCESS_DENIED' shows ' ACCESS_DENIED '
check 'the log names the task, its status and its trace' \
    grep -q 'keys: task [0-9a-f]*: failed: .* \[00-[0-9a-f]*-[0-9a-f]*-01\]$' "$dir/runner.log"

check 'endpoints: exit status 0' ctl endpoints
check 'endpoints: each with its latency and its last answer' shows ' answers  *[0-9.]* ms  *[0-9]* 20..-'
check 'kms: how many nodes answer a task' ctl kms
check 'kms: ... 2 of 3' shows '2 of 3 nodes answer a task'
check 'registration: exit status 0' ctl registration
check 'registration: the next renewal' shows '^next renewal  *20..-.*(in '
check 'evidence: exit status 0' ctl evidence
check 'evidence --save' ctl evidence --save "$dir/quote"
check 'evidence --save: tee-attest knows it' sh -c 'tee-attest show "$1" | grep -q insecure' - "$dir/quote"

# ---- top

# Tasks as long as it looks, however fast the machine is.
work() {
	while [ ! -e "$dir/enough" ]; do
		devnet bench --op transfer --tasks 3000 --batch 16 --json || return
	done
}
work > "$dir/bench" 2>&1 &
bench=$!
others="$others $bench"
computes() { ctl top --count 1 && not grep -q 'tasks/s  *0.0 ok' "$dir/ctl"; }
check 'top --count 1: tasks are counted' until_ok 20 computes
check 'top --count 3: exit status 0' ctl top --count 3
check 'top: each frame counts tasks a second' is 3 "$(grep '^tasks/s' "$dir/ctl" | grep -vc 'tasks/s  *0.0 ok')"
check 'top: the load of each worker' shows '^workers  *[0-9]* % busy:  *[0-9]'
check 'top: how long a stage takes' shows '^computed  *[0-9.]* ms  *[0-9.]* ms'
check 'top: the endpoints' shows '^http://127.* answers '
check 'top: no control characters if it is no terminal' not grep -q "$(printf '\033')" "$dir/ctl"
check 'top: on a terminal it ends with q' sh -c '(sleep 2; printf q) |
    script -qec "tee-runnerctl top -s $1" /dev/null > "$2"' - "$sock" "$dir/ctl"
check 'top: and puts the screen back' grep -q "$(printf '\033\[?1049l')" "$dir/ctl"
touch "$dir/enough"
check 'top: its tasks were computed' wait "$bench"
check 'a later task ends OK' gives OK add "$a" uint64:2
tee-runnerctl tasks -s "$sock" > "$dir/ctl"
task=$(sed -n 's/^\(0x[0-9a-f]*\) .*/\1/p' "$dir/ctl" | sed -n 1p)

# ---- the forecast of the TCB

cat > "$dir/forecast.json" <<END
{ "accepted": true, "tcbStatus": "UpToDate", "acceptedUntil": 1900000000,
  "collateralIssued": 1790000000, "next": { "accepted": false } }
END
check 'evidence: without a forecast it says how to get one' ctl evidence
check 'evidence: ... the timer' shows 'tee-runner-forecast.timer'
check 'forecast: exit status 0' ctl forecast "$dir/forecast.json"
check 'evidence: the forecast is shown' ctl evidence
check 'evidence: ... the end' shows 'until  *2030-03-17T'
check 'status: the forecast is a warning' ctl status
check 'status: ... from when on' shows 'the next set refuses the evidence, from about 2030-03-17 on'
check 'forecast: a file that is none is exit status 1' fails ctl forecast "$dir/tee-runnerd.conf"
echo '{}' > "$dir/none.json"
check 'forecast: JSON of something else is exit status 1' fails ctl forecast "$dir/none.json"

# ---- JSON

if has_jsonschema; then
	for command in status tasks "task $task" endpoints kms registration evidence; do
		check "$command --json is valid against its schema" valid $command -s "$sock"
	done
	for command in primitives policy explain; do
		check "$command --json is valid against its schema" valid $command
	done
	sed 's/"chain_id"/"chain"/' "$src/proto/tee-runnerctl.schema.json" > "$dir/wrong.json"
	check 'a schema that lacks a member is not met' \
	    not valid_by "$dir/wrong.json" status -s "$sock"
else
	echo 'skipped: the JSON Schema: python3-jsonschema is not here'
fi

# ---- an operator steers

sequence() { tee-runnerctl registration --json -s "$sock" | sed -n 's/.*"sequence": \([0-9]*\).*/\1/p'; }
before=$(sequence)
check 'renew: exit status 0' ctl renew
renewed() { [ "$(sequence)" -gt "$before" ]; }
check 'renew: the Registry has another registration' until_ok 20 renewed

check 'drain: exit status 0' ctl drain
check 'drain: status is exit status 1' fails ctl status
check 'drain: the first line says who did it and how to end it' \
    first_is '^NOT SERVING (drained) since .*: drained by an operator: tee-runnerctl resume'
timeout=2
check 'drain: no task is taken' fails gives OK add "$a" uint64:2
timeout=10
check 'resume: exit status 0' ctl resume
check 'resume: it serves' until_ok 10 ctl status
check 'resume: a task ends OK' gives OK add "$a" uint64:2

check 'log-level debug' ctl log-level debug
until_log() { until_ok 10 grep -q "$1" "$dir/runner.log"; }
check 'log-level: the log says so' until_log 'log-level: set'
check 'log-level info' ctl log-level info
check 'log-level: a wrong one is exit status 1' fails ctl log-level loud

if [ "$(id -u)" -eq 0 ]; then
	chmod 666 "$sock"
	other() { setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/tee-runnerctl" "$@" -s "$sock" > "$dir/ctl" 2>&1; }
	chmod 755 "$dir"
	check 'another user may ask, if the socket lets it' other status
	for command in drain resume renew; do
		check "another user may not $command" fails other $command
		check "$command: it is told why" shows 'not permitted'
	done
	check 'another user may not set the log level' fails other log-level debug
	check 'nothing was drained' ctl status
	chmod 660 "$sock"
	check 'without the group there is no answer' fails other status
	check 'and the reason names control-group' shows 'control-group'
fi

# ---- what is not there

stop_runner() { kill "$runner" && wait "$runner"; }
check 'the Runner ends' stop_runner
runner=
for command in status tasks 'task ab' endpoints kms registration evidence top drain resume renew 'log-level info'; do
	check "$command: without a Runner exit status 1" fails ctl $command
	check "$command: and says so" shows 'no tee-runnerd is there'
done

finish
