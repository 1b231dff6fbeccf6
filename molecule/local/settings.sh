# Settings of the local stack; sourced by the scripts beside it. Each can be set in the environment.
# shellcheck shell=bash
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$repository" || exit 1

# The instance's name prefixes its containers, its network and its volume, and names its folder below .state.
export KBJU_INSTANCE=${KBJU_INSTANCE:-kbju-nas}
# Ports on this machine's loopback.
export KBJU_HTTP_PORT=${KBJU_HTTP_PORT:-8080}
export KBJU_HTTPS_PORT=${KBJU_HTTPS_PORT:-8443}
export KBJU_TELEGRAM_PORT=${KBJU_TELEGRAM_PORT:-8081}
export KBJU_SSH_PORT=${KBJU_SSH_PORT:-2222}
# webhook or polling
export KBJU_BOT_MODE=${KBJU_BOT_MODE:-webhook}

export PATH=$repository/.venv/bin:$PATH
export ANSIBLE_CONFIG=$repository/ansible.cfg
# shellcheck disable=SC2034  # for the scripts that source this
state=$repository/.state/$KBJU_INSTANCE

# Tests that need no image; CI runs them while the images are made.
# shellcheck disable=SC2034
without_images=(tests/dsm tests/plugins tests/repository)

# Where things are on the NAS.
# shellcheck disable=SC2034
nas_docker=/var/packages/ContainerManager/target/usr/bin/docker nas_root=/volume1/docker/kbju-bot-prod

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
die() { printf '\033[31m%s\033[0m\n' "$*" >&2; exit 1; }

# Docker and the making of images are root's business: whoever may not use the engine directly goes on through sudo, with
# the settings that matter. A script that needs no engine says so before it sources this.
if [ "${needs_engine:-yes}" = yes ] && [ "$(id -u)" != 0 ] && ! docker info >/dev/null 2>&1; then
  command -v sudo >/dev/null || die "this needs root or a Docker engine that you may use, and there is no sudo"
  mapfile -t kept < <(env | grep -E '^(KBJU_|PIP_|DOCKER_|[A-Za-z_]*_proxy=|[A-Z_]*(CERT|CA_BUNDLE)[A-Z_]*=)')
  say "Going on through sudo: this user has no access to a Docker engine"
  exec sudo env "${kept[@]}" "$0" "$@"
fi
