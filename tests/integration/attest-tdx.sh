#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A TD end to end: the daemon on a stand-in for the kernel's configfs-tsm, of a TDX
# platform of our own, and on a stand-in for dstack's agent; Intel says that the
# platform is out of date.  As root, with FUSE; exits 77 without.
. "$(dirname "$0")/tsm.sh"
. "$(dirname "$0")/tdx-platform"

into=$dir/evidence		# the registrar's
mkdir -p "$into"
check 'a platform of our own' make_platform
start_tsm
{
	echo "test-root $(platform_digest)"
	printf 'accept mrtd %s\n' "$(printf '4d%.0s' $(seq 48))"
} > "$into/policy"

start_runner
check 'registered: serving' until_ok 20 state_is serving
check 'with a quote of version 4' counterpart_says 'registrar: .*TDX quote v4: accepted: no hardware key proven, TCB status UpToDate'
check 'a task' transfer
check 'status names the TEE' sh -c "tee-runnerctl status --json -s '$dir/runner.sock' | grep -q '\"tdx\"'"

# ---- the Orchestrator wants new evidence, long before it is due ----

devnet fault orchestrator renew
sleep 10
evidence=$(role_pid evidence)
kill -STOP "$evidence"		# a TEE that does not answer
check 'a task, and with it the wish' transfer
check 'on request' logged 'registration: renewing: requested by the Orchestrator'
devnet fault orchestrator off
check 'keys serves on while the TEE is asked: a task' transfer
check 'and there is no answer yet' [ "$(count 'registration: signed: sequence 2')" = 0 ]
kill -CONT "$evidence"
check 'a new quote, signed' until_ok 10 logged 'registration: signed: sequence 2'

# ---- Intel publishes a newer level ----

check 'TCB info in which the platform is out of date' \
    tcb_info 21 "$(level 4 11 UpToDate),$(level 3 11 OutOfDate)"
check 'a refresh at two thirds, refused by name' \
    until_ok 50 counterpart_says 'registrar: .* tcb-status: .*OutOfDate'
check 'the verdict says the status' counterpart_says 'TCB status OutOfDate'
check 'the registration that there is goes on' state_is serving
check 'a task, still' transfer
check 'the alarm, before it ends' until_ok 15 logged 'registration: not renewed: expires in'
check 'until it expires: idle' until_ok 30 state_is idle

# ---- the configured outcome: a policy that takes it, for now ----

echo 'tcb-status UpToDate OutOfDate' >> "$into/policy"
check 'with OutOfDate in the policy it comes back by itself' until_ok 60 state_is serving
check 'and the verdict says what it is' counterpart_says 'accepted: .*TCB status OutOfDate'
check 'a task, again' transfer
check 'SIGTERM: exit 0' stop_runner

# ---- only the agent gives quotes ----

data=$(printf %0128d 7)
"$BUILD/tests/integration/tdxquote" --agent "$dir/agent" "$cpu" &
others="$others $!"
check "dstack's agent" until_ok 5 test -S "$dir/agent"
kill "${others% *}" && wait "${others% *}" 2> /dev/null
umount $report 2> /dev/null
echo "dstack-socket $dir/agent" >> "$dir/tee-runnerd.conf"
start_runner
check 'registered by it: serving' until_ok 20 state_is serving
check 'by a TD' sh -c "tee-runnerctl status --json -s '$dir/runner.sock' | grep -q '\"tdx\"'"
check 'a task' transfer
stop_runner
sed -i "s|^dstack-socket .*|dstack-socket $dir/nothing|" "$dir/tee-runnerd.conf"
start_runner
check 'a socket that is not there is named' until_ok 10 logged "dstack-socket $dir/nothing: No such file"
check 'and asked for again' until_ok 10 logged 'retrying in 10 s'
finish
