#!/bin/bash
# Makes the database's accounts and their rights: accounts.sh DATABASE NAME:KIND…, with KIND one of owner, runtime and
# monitor. Runs inside the container, as often as wanted, and prints a line starting with "changed" for what it had to
# change. Passwords come from the files /run/secrets/NAME and reach no argument list and no log.
set -euo pipefail

admin() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --username postgres "$@"; }

# account NAME: the role exists, may log in, and has the password of its file.
account() {
  local name=$1 file=/run/secrets/$1
  if [ -z "$(admin --dbname postgres --command "SELECT 1 FROM pg_roles WHERE rolname = '$name'")" ]; then
    admin --dbname postgres --command "CREATE ROLE $name LOGIN"
    echo "changed: role $name made"
  fi
  # Asked over TCP, where the password counts; a login that works leaves nothing to do.
  if ! PGPASSWORD=$(<"$file") psql --no-psqlrc --quiet --host 127.0.0.1 --username "$name" --dbname postgres \
    --command '' 2>/dev/null; then
    admin --dbname postgres <<SQL
      SET log_statement = 'none';
      SET log_min_duration_statement = -1;
      SET log_min_error_statement = 'panic';
      SET password_encryption = 'scram-sha-256';
      \set password \`cat $file\`
      ALTER ROLE $name PASSWORD :'password';
SQL
    echo "changed: password of $name set"
  fi
}

# of_kind KIND NAME:KIND…: the names of that kind.
of_kind() {
  local kind=$1 entry
  shift
  for entry in "$@"; do
    if [ "${entry#*:}" = "$kind" ]; then echo "${entry%%:*}"; fi
  done
}

database=$1
shift
for entry in "$@"; do account "${entry%%:*}"; done
owner=$(of_kind owner "$@")

{
  # Its notices would only repeat what is so already.
  echo "SET client_min_messages = warning;"
  echo "REVOKE CONNECT ON DATABASE $database FROM PUBLIC;"
  echo "ALTER DATABASE $database OWNER TO $owner;"
  echo "ALTER SCHEMA public OWNER TO $owner;"
  echo "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
  # Rows, not the schema; tables that the owner makes later are covered too.
  for name in $(of_kind runtime "$@"); do
    echo "GRANT CONNECT ON DATABASE $database TO $name;"
    echo "GRANT USAGE ON SCHEMA public TO $name;"
    echo "ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA public"
    echo "  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO $name;"
    echo "ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO $name;"
  done
  for name in $(of_kind monitor "$@"); do
    echo "GRANT CONNECT ON DATABASE $database TO $name;"
    # Statistics of all sessions, without which nobody sees long transactions, and nothing else that was ever granted: of
    # pg_monitor neither the server's files nor functions that lock tables are needed.
    echo "GRANT pg_read_all_stats TO $name;"
    echo "SELECT format('REVOKE %s FROM $name', roleid::regrole) FROM pg_auth_members"
    echo "  WHERE member = '$name'::regrole AND roleid <> 'pg_read_all_stats'::regrole \\gexec"
    # Watching must not cost what it watches.
    echo "ALTER ROLE $name CONNECTION LIMIT 4;"
    echo "ALTER ROLE $name SET statement_timeout = '8s';"
    echo "ALTER ROLE $name SET default_transaction_read_only = on;"
  done
} | admin --dbname "$database"
