#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A registration that a registrar refuses, cannot decide on or does not answer is sent again
# and shown with its cause, until the Registry has it.  What a TEE can do wrong is in
# attest.sh.
. "$(dirname "$0")/lib.sh"

shown() { tee-runnerctl status -s "$dir/runner.sock" | grep -q -- "$1"; }
http=
metric() { command -v curl > /dev/null || return 0; curl -s "http://$http/metrics" | grep -qx "tee_runner_$1"; }

start_devnet --kms 2/3
http=$(sed -n 's/^http-listen //p' "$dir/tee-runnerd.conf")

# ---- a verdict ----

check 'the registrar lacks collateral' devnet fault orchestrator undecided
start_runner
check 'the log says that collateral is missing' until_ok 15 logged \
    'registration: refused: verdict 3 of verifier .*: .* lacks collateral'
check 'the status shows it and the next try' until_ok 10 shown \
    '^registration .*last failure .*: .* lacks collateral, next try in [0-9]* s$'
check 'the status warns of it' shown '^warning: .*the newest registration failed: .* lacks collateral'
check 'the Runner is idle' state_is idle
check 'the registrar refuses' devnet fault orchestrator refuse
check 'the registration is sent again, and refused' until_ok 25 logged \
    'registration: refused: verdict 1 of verifier'
check 'the log says that it was sent again' until_ok 10 logged 'registration: not in the Registry: sent again'
check 'the status shows the last verdict' until_ok 10 status_has '"verdict": *1'
check 'a metric counts both' metric 'registration_refused_total 2'
check 'the registrar accepts' devnet fault orchestrator off
check 'the registration is sent again, and the Runner serves' until_ok 45 state_is serving
check 'the status shows the failure without a next try' shown \
    '^registration .*last failure .*refused the evidence$'
check 'the status warns no more' sh -c "! tee-runnerctl status -s '$dir/runner.sock' | grep -q 'newest registration'"
check 'one registration was signed' [ "$(count 'registration: signed')" = 1 ]
check 'a task ends OK' add
check 'SIGTERM: the Runner exits with 0' stop_runner

# ---- silence ----

: > "$dir/runner.log"
check 'nobody relays the registration' devnet fault orchestrator ignore
start_runner
check 'it is sent again' until_ok 35 logged 'registration: not in the Registry: sent again'
check 'the status says since when it is missing' until_ok 10 shown \
    '^registration .*last failure .*: not in the Registry: sent again, next try in [0-9]* s$'
check 'nothing is counted as refused' metric 'registration_refused_total 0'
check 'it is relayed again' devnet fault orchestrator off
check 'the Runner serves' until_ok 45 state_is serving
check 'SIGTERM: the Runner exits with 0' stop_runner
finish
