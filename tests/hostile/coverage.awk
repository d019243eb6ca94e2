# SPDX-License-Identifier: Apache-2.0
# Which rules of the policies were used: from strace -f of a daemon (or, with role=R, of a
# test that loads R's filter alone).  A process is under the monitor's policy from its
# start, and under its own too from seccomp(2) on.  Prints POLICY CALL for each made.

function made(pid, call) {
	if (!(pid in under))
		early[pid] = early[pid] " " call	# its clone(2) has not returned yet
	else if (under[pid] != "") {
		used[under[pid] " " call] = 1
		used["monitor " call] = 1
	}
}
function born(pid, parent,   n, i, calls) {
	is[pid] = is[parent]
	under[pid] = under[parent]
	n = split(early[pid], calls, " ")
	for (i = 1; i <= n; i++)
		made(pid, calls[i])
	delete early[pid]
}
NR == 1 { is[$1] = role == "" ? "monitor" : role; under[$1] = "" }
{ call = $2; sub(/\(.*/, "", call) }
call == "<..." { call = $3 } 
$2 != "<..." && call ~ /^[a-z]/ { made($1, call) }
# The monitor opens each executable at its start; a child duplicates the descriptor
# before it executes it.
call == "openat" && /O_PATH/ && match($0, /libexec\/[a-z]+"/) {
	executable[$NF] = substr($0, RSTART + 8, RLENGTH - 9)
}
call == "fcntl" && match($0, /fcntl\([0-9]+, F_DUPFD_CLOEXEC/) {
	fd = substr($0, RSTART + 6, RLENGTH - 23)
	if (fd in executable)
		next_is[$1] = executable[fd]
}
call == "execveat" { is[$1] = next_is[$1] }
call == "seccomp" && /SECCOMP_SET_MODE_FILTER/ { under[$1] = is[$1] }
call == "clone" && / = [0-9]+$/ { born($NF, $1) }
END { for (u in used) print u }
