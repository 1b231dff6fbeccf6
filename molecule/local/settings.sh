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

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
die() { printf '\033[31m%s\033[0m\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "this step needs root, and there is no sudo: $*"; fi
}
