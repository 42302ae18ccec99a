#!/bin/sh
# Every way an exchange can end (src/tbl/end.h) has a test that names it, by
# its constant END_CODE or by the token that the access log shows.
#
# usage: ends.sh SOURCE-DIRECTORY
set -eu
cd "$1"
bad=0

rows=$(sed -n 's/^END(\([A-Z0-9_]*\),[^"]*"\([a-z0-9-]*\)".*/\1 \2/p' src/tbl/end.h)
[ "$(echo "$rows" | grep -c .)" -eq "$(grep -c '^END(' src/tbl/end.h)" ] || {
	echo "end.h: a row does not read END(CODE, status, \"token\", ..."
	bad=1
}
while read -r code token; do
	grep -rqE "END_${code}\b|[\"']${token}[\"']" tests/unit tests/it || {
		echo "no test names END_$code or \"$token\""
		bad=1
	}
done <<ROWS
$rows
ROWS
exit $bad
