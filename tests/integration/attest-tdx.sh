#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A TD end to end: the daemon on a stand-in for the kernel's configfs-tsm, of a TDX
# test platform, and on a stand-in for dstack's agent; Intel says that the
# platform is out of date.  As root, with FUSE; exits 77 without.
. "$(dirname "$0")/tsm.sh"
. "$(dirname "$0")/tdx-platform"

into=$dir/evidence		# the registrar's
mkdir -p "$into"
check 'a test platform is made' make_platform
start_tsm
{
	echo "test-root $(platform_digest)"
	printf 'accept mrtd %s\n' "$(printf '4d%.0s' $(seq 48))"
} > "$into/policy"

start_runner
check 'the Runner is registered and serves' until_ok 20 state_is serving
check 'the registrar accepted a quote of version 4' counterpart_says 'registrar: .*TDX quote v4: accepted: no hardware key proven, TCB status UpToDate'
check 'a task ends OK' transfer
check 'the status names the TEE' status_has '"tdx"'

# ---- the Orchestrator wants new evidence, long before it is due ----

devnet fault orchestrator renew
sleep 10
evidence=$(role_pid evidence)
kill -STOP "$evidence"		# a TEE that does not answer
check 'a task ends OK when the Orchestrator wants new evidence' transfer
check 'the log says that the registration is renewed on request' until_ok 10 logged 'registration: renewing in 0 s: requested by the Orchestrator'
devnet fault orchestrator off
check 'a task ends OK while the TEE is asked' transfer
check 'the TEE has not answered yet' [ "$(count 'registration: signed: sequence 2')" = 0 ]
kill -CONT "$evidence"
check 'the new quote is signed' until_ok 10 logged 'registration: signed: sequence 2'

# ---- Intel announces a newer level: the operator is warned before it counts ----

mkdir "$dir/forecast"
cp -r "$into" "$dir/forecast/standard"
cp -r "$into" "$dir/forecast/early"
registrar=$into into=$dir/forecast/early
check 'the next set says that the platform is out of date' \
    tcb_info 22 "$(level 4 11 UpToDate),$(level 3 11 OutOfDate)"
into=$registrar
check 'the current evidence is saved' \
    tee-runnerctl evidence --save "$dir/quote" -s "$dir/runner.sock"
forecast() {
	tee-attest forecast --offline --collateral "$dir/forecast" \
	    --policy "$into/policy" "$@" "$dir/quote"
}
exits_1() { forecast "$@" > "$dir/forecast.json"; [ $? -eq 1 ]; }
check 'tee-attest forecast: exit status 1' exits_1 --json
check 'it names a component' grep -q '"component": "sgxtcbcomp' "$dir/forecast.json"
check 'tee-runnerctl takes it' tee-runnerctl forecast "$dir/forecast.json" -s "$dir/runner.sock"
check 'the status warns' status_has 'TCB: the next set refuses the evidence, from about 20'
check 'evidence shows it' sh -c 'tee-runnerctl evidence -s "$1" | grep -q "by the next set NOT"' - "$dir/runner.sock"
check 'the Runner serves' state_is serving

# ---- Intel publishes a newer level ----

check 'new TCB info says that the platform is out of date' \
    tcb_info 21 "$(level 4 11 UpToDate),$(level 3 11 OutOfDate)"
check 'the refresh at two thirds is refused for its TCB status' \
    until_ok 50 counterpart_says 'registrar: .* tcb-status: .*OutOfDate'
check 'the verdict shows the TCB status' counterpart_says 'TCB status OutOfDate'
check 'the current registration goes on' state_is serving
check 'a task ends OK meanwhile' transfer
check 'the log warns before the registration expires' until_ok 15 logged 'registration: not renewed: expires in'
check 'the Runner is idle when it has expired' until_ok 30 state_is idle

# ---- the configured outcome: a policy that takes it, for now ----

echo 'tcb-status UpToDate OutOfDate' >> "$into/policy"
check 'with OutOfDate in the policy the Runner serves again' until_ok 60 state_is serving
check 'the verdict accepts the status OutOfDate' counterpart_says 'accepted: .*TCB status OutOfDate'
check 'a task ends OK again' transfer
check 'SIGTERM: the Runner exits with 0' stop_runner

# ---- only the agent gives quotes ----

"$BUILD/tests/integration/tdxquote" --agent "$dir/agent" "$cpu" &
others="$others $!"
check "a dstack agent starts" until_ok 10 test -S "$dir/agent"
kill "${others% *}" && wait "${others% *}" 2> /dev/null
umount $report 2> /dev/null
echo "dstack-socket $dir/agent" >> "$dir/tee-runnerd.conf"
start_runner
check 'the Runner is registered by a quote of the agent and serves' until_ok 20 state_is serving
check 'the status names TDX' status_has '"tdx"'
check 'a task ends OK' transfer
stop_runner
sed -i "s|^dstack-socket .*|dstack-socket $dir/nothing|" "$dir/tee-runnerd.conf"
start_runner
check 'the log names a dstack-socket that does not exist' until_ok 10 logged "dstack-socket $dir/nothing: No such file"
check 'the log says that it retries in 10 s' until_ok 10 logged 'retrying in 10 s'
finish
