#!/bin/sh
# Each row of the option table is in the manual page and in the sample file, and
# each subcommand in the manual page.
#
# usage: options.sh SOURCE-DIRECTORY BUILD-DIRECTORY
set -eu
src=$1 build=$2 bad=0

keys=$(sed -n 's/^OPT([a-z_]*, "\([a-z-]*\)".*/\1/p' "$src/src/conf/option_tbl.h")
rows=$(grep -c '^OPT(' "$src/src/conf/option_tbl.h")
[ "$(echo "$keys" | wc -l)" -eq "$rows" ] || {
	echo "option_tbl.h: a row does not begin with OPT(member, \"key\""
	bad=1
}
for key in $keys; do
	grep -q "^\.It Cm $key\$" "$build/doc/cullis-sidecar.conf.5" || {
		echo "cullis-sidecar.conf.5 has no row for $key"
		bad=1
	}
	grep -q "^#$key =" "$build/conf/sidecar.conf.sample" || {
		echo "sidecar.conf.sample has no row for $key"
		bad=1
	}
done
commands=$(sed -n 's/^CMD(\([a-z]*\),.*/\1/p' "$src/src/cli/command_tbl.h")
for name in $commands; do
	grep -q "^\.It Cm $name$" "$src/doc/cullis-sidecar.8" || {
		echo "cullis-sidecar.8 has no row for $name"
		bad=1
	}
done
exit $bad
