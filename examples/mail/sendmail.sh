#!/bin/sh
# Takes messages out of a spool folder and delivers them into an mbox file, one after the other, until it is stopped.
#   sendmail.sh FOLDER    messages come from FOLDER/spool, go to FOLDER/mbox
#
# A message is claimed by moving it (atomic within a file system), put into mbox form aside, appended, and only then
# removed. Whatever a killed run had claimed is delivered by the next one: no message is lost, at worst one comes twice.
set -eu

folder=${1:?"usage: sendmail.sh FOLDER"}
spool=$folder/spool
work=$folder/work
mbox=$folder/mbox
mkdir -p "$spool" "$work"

stopping=""
trap 'stopping=yes' TERM INT

# One message as mbox wants it: a From line, the text with its own From lines quoted, an empty line.
mbox_entry() {
  echo "From spool $(LC_ALL=C date -u '+%a %b %e %H:%M:%S %Y')"
  sed 's/^>*From />&/' "$1"
  echo
}

deliver() {
  name=${1##*/}
  claimed=$work/$name
  mv "$1" "$claimed" 2>/dev/null || return 0
  entry=$work/.entry
  mbox_entry "$claimed" >"$entry"
  cat "$entry" >>"$mbox"
  rm -f "$claimed" "$entry"
  echo "delivered $name"
}

for left in "$work"/*; do
  [ -e "$left" ] || continue
  echo "found ${left##*/} from an earlier run"
  mv "$left" "$spool/"
done

echo "waiting for messages in $spool"
while [ -z "$stopping" ]; do
  for message in "$spool"/*; do
    [ -e "$message" ] || continue
    deliver "$message"
    [ -z "$stopping" ] || break
  done
  # In the background, so that the stop signal is acted on at once.
  [ -n "$stopping" ] || { sleep 0.2 & wait $! || true; }
done
echo "stopped"
