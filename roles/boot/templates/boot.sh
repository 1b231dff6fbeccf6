#!/bin/bash
# Brings the stack up after a boot: waits for Docker, starts what does not run, waits until it is healthy. What exists is
# started as it is, so an update that was cut off by the boot is not finished here. Containers that were stopped by hand are
# started, too.
# Tells how it went in logs/boot.log, in DSM's system log and in metrics/boot.prom. Exit code 0 when the stack is healthy.
set -uo pipefail
export PATH=/sbin:/bin:/usr/sbin:/usr/bin
# What boot.conf sets.
root='' docker='' project='' engine_timeout=0 stack_timeout=0 attempts=0
# shellcheck disable=SC1091 # the role writes it beside this script
. "$(dirname "$(readlink -f "$0")")/boot.conf"
started=$(date +%s)

exec 9> "$root/bin/.boot.lock"
flock -n 9 || { echo "another run is under way" >&2; exit 1; }
# The last runs are enough.
[ ! -s "$root/logs/boot.log" ] || { tail -n 500 "$root/logs/boot.log" > "$root/logs/boot.log.new" && mv "$root/logs/boot.log.new" "$root/logs/boot.log"; }
exec >> "$root/logs/boot.log" 2>&1
chmod 0640 "$root/logs/boot.log"

say() { echo "$(date '+%Y-%m-%d %H:%M:%S') $*"; }

# report 1|0 MESSAGE: leave the outcome where Prometheus and an operator find it.
report() {
  local now
  now=$(date +%s)
  say "$2"
  # The log and the metric tell it as well, should this DSM have no logger.
  logger -t kbju-boot "$2" 2> /dev/null || true
  cat > "$root/metrics/boot.prom.new" << METRICS
# HELP kbju_boot_success Whether the stack was healthy after the last boot.
# TYPE kbju_boot_success gauge
kbju_boot_success $1
# HELP kbju_boot_finished_timestamp_seconds When the boot script ended.
# TYPE kbju_boot_finished_timestamp_seconds gauge
kbju_boot_finished_timestamp_seconds $now
# HELP kbju_boot_duration_seconds How long the stack took to come up after the boot.
# TYPE kbju_boot_duration_seconds gauge
kbju_boot_duration_seconds $((now - started))
METRICS
  chmod 0644 "$root/metrics/boot.prom.new"
  mv "$root/metrics/boot.prom.new" "$root/metrics/boot.prom"
}

say "the NAS has booted, waiting for Docker"
until timeout 30 "$docker" info > /dev/null 2>&1; do
  if [ $(($(date +%s) - started)) -ge $engine_timeout ]; then
    report 0 "FAILED: Docker does not answer after $engine_timeout s. Is Container Manager running? Then run $root/bin/boot"
    exit 1
  fi
  sleep 2
done

# Also what an update that the boot has cut off was doing: the release that served before serves again.
if [ -x "$root/bin/release" ] && ! said=$("$root/bin/release" --who boot recover 2>&1); then
  say "an update that was cut off could not be put right: $said"
fi
for attempt in $(seq "$attempts"); do
  say "starting the stack, attempt $attempt of $attempts"
  if said=$(timeout $((stack_timeout + 120)) "$docker" compose --project-directory "$root" up --detach --no-recreate --wait --wait-timeout "$stack_timeout" 2>&1); then
    report 1 "the stack is up and healthy"
    exit 0
  fi
  echo "$said"
  # What fails at once, as networks do while the firewall is loaded, may work a moment later.
  [ "$attempt" = "$attempts" ] || sleep 20
done
of_project=label=com.docker.compose.project=$project
for id in $("$docker" ps --all --quiet --filter "$of_project" --filter health=unhealthy) \
  $("$docker" ps --all --quiet --filter "$of_project" --filter status=exited --filter status=restarting); do
  echo "== $("$docker" inspect --format '{{.Name}}' "$id"), its last lines:"
  "$docker" logs --tail 20 "$id" 2>&1
done
report 0 "FAILED: the stack did not come up: $(tail -n 1 <<< "$said"). Look into $root/logs/boot.log, mend it, then run $root/bin/boot"
exit 1
