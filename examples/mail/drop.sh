#!/bin/sh
# Puts the message on standard input into the spool folder, under a name nobody else has.
# It is written under a hidden name first, so that sendmail.sh never sees half of it.
set -eu
spool=${1:-$(dirname "$0")/var}/spool
mkdir -p "$spool"
hidden=$(mktemp "$spool/.message.XXXXXX")
cat >"$hidden"
name=${hidden##*/.}
mv "$hidden" "$spool/$name"
echo "dropped $name"
