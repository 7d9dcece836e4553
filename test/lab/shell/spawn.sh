#!/bin/sh
# spawn.sh RECORD COMMAND... : writes "PID STARTTIME" of itself to RECORD, then becomes COMMAND.
#
# The process records itself before it is anything: there is no moment at which a lab process exists
# that `down` does not know. `down` first renames the directory of the records, so a process that is
# not recorded by then fails here and never starts.
set -eu
record=$1
shift
read -r stat <"/proc/$$/stat"
# The command name (field 2) may hold blanks: count the fields behind its closing parenthesis.
set_starttime() { shift 19; starttime=$1; }
# shellcheck disable=SC2086 # split on purpose
set_starttime ${stat##*) }
echo "$$ $starttime" >"$record.new"
mv "$record.new" "$record"
exec "$@"
