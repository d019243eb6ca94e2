# SPDX-License-Identifier: Apache-2.0
#
# Is there a handler for each row of messages.def, in each role that receives it?  The
# build runs this first, because the linker's message does not say which file to edit.
#
#	awk -f proto/handlers.awk src/ipc/states.h proto/messages.def \
#	    src/front/tls_engine.c src/*/handlers.c
#
# R_TLS has no handlers.c: a thread of the role waits for its only message in tls_engine.c.

# The roles that a sum such as `R_NET | R_KEYS' contains: ` net keys'.
function roles(sum,	f, n, i, all) {
	n = split(sum, f, /[ \t]*[|][ \t]*/)
	for (i = 1; i <= n; i++)
		all = all (f[i] in members ? roles(members[f[i]]) : \
		    " " tolower(substr(f[i], 3)))
	return all
}

function file_of(role) {
	return role == "tls" ? "src/front/tls_engine.c" : \
	    "src/" role "/handlers.c"
}

FNR == 1 {
	n = split(FILENAME, path, "/")
	file = path[n]
	role = file == "tls_engine.c" ? "tls" : path[n - 1]
	is_read[role] = 1
}

# R_CHILDREN = R_NET | R_KEYS, over one line or more
file == "states.h" { states = states $0 }

file == "messages.def" && /^MSG\(/ { is_row = 1; row = "" }
file == "messages.def" && is_row { row = row $0 }
file == "messages.def" && is_row && /\)[ \t]*(\/\*.*)?$/ {
	is_row = 0
	split(substr(row, 5), f, /,[ \t]*/)
	name[++rows] = f[1]
	to[rows] = f[3]
}

file == "handlers.c" && match($0, /^ON\([A-Z_]+\)/) {
	has[role, substr($0, 4, RLENGTH - 4)] = 1
}
file == "tls_engine.c" && match($0, /M_[A-Z_]+/) {
	has[role, substr($0, RSTART + 2, RLENGTH - 2)] = 1
}

END {
	n = split(states, f, /[{},]/)
	for (i = 1; i <= n; i++)
		if (f[i] ~ /R_[A-Z]+[ \t]*=[ \t]*R_/) {
			gsub(/[ \t]/, "", f[i])
			sub(/^.*\*\//, "", f[i])
			split(f[i], equation, "=")
			members[equation[1]] = equation[2]
		}
	for (i = 1; i <= rows; i++) {
		n = split(roles(to[i]), f, " ")
		for (j = 1; j <= n; j++) {
			if ((f[j], name[i]) in has)
				continue
			missing = 1
			if (f[j] in is_read)
				print "messages.def: " name[i] \
				    ": no handler in " file_of(f[j])
			else if (!told[f[j]]++)
				print "proto/build.am: " file_of(f[j]) \
				    " is not in HANDLERS"
		}
	}
	if (rows == 0 || !("R_CHILDREN" in members)) {
		print "handlers.awk: cannot read messages.def or states.h"
		missing = 1
	}
	exit missing
}
