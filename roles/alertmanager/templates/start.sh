#!/bin/sh
# Starts Alertmanager in its container, and takes the bot's token out of what it logs: the Bot API has it in its addresses,
# which Alertmanager writes into its log whenever Telegram can't be reached. For the image's busybox.
set -u
lines=/tmp/log
# Left over where the container was only restarted.
rm -f "$lines"
mkfifo -m 600 "$lines" || exit 1

# Each line at once. Where this ended first, Alertmanager would end with its next line, and nothing gets past it.
awk '{ gsub(/bot[0-9]+:[^\/"\\[:space:]]+/, "bot(token)"); print; fflush() }' < "$lines" &
filter=$!
/bin/alertmanager "$@" > "$lines" 2>&1 &
alertmanager=$!

# The shell stays, so that what Alertmanager says last is written too: with the first process the container ends.
# shellcheck disable=SC2329  # by the traps
pass_on() {
  signalled=yes
  kill -s "$1" "$alertmanager" 2> /dev/null
}
trap 'pass_on TERM' TERM INT
trap 'pass_on HUP' HUP
# A signal ends the wait, not Alertmanager.
signalled=yes
while [ "$signalled" ]; do
  signalled=
  wait "$alertmanager"
  code=$?
done
wait "$filter"
exit "$code"
