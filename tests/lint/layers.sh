#!/bin/sh
# Includes go to the left only: tbl < base < http < auth < conf < net < proxy <
# ctl < cli < main, always with the folder, so that the layer is visible; and
# the stand-in gateway and the judge take nothing from src/, for a judge that
# shares the code proves nothing.  Every build runs this.
#
# usage: layers.sh SOURCE-DIRECTORY
set -eu
cd "$1"

# shellcheck disable=SC2016 # the program is awk's
find src tests/mastio tests/judge -name '*.[ch]' | sort | xargs awk '
BEGIN {
	n = split("tbl base http auth conf net proxy ctl cli main", order, " ")
	for (i = 1; i <= n; i++)
		rank[order[i]] = i
}
function complain(why) {
	printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why
	bad = 1
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	target = quoted[2]
	split(FILENAME, part, "/")
	if (part[1] == "tests") {
		if (target ~ /^\.\.\// || target ~ /^src\// ||
		    (getline line < ("src/" target)) >= 0)
			complain("tests/" part[2] " includes nothing of src/")
		close("src/" target)
		next
	}
	own = part[2] == "main.c" ? "main" : part[2]
	split(target, folder, "/")
	if (!(own in rank))
		complain("src/" own " is not a layer")
	else if (target !~ /\// || !(folder[1] in rank))
		complain("name the folder in the include")
	else if (rank[folder[1]] > rank[own])
		complain(own " may not include " folder[1])
}
END { exit bad }'
