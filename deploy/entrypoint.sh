#!/bin/sh
# Secrets are files, and Dagster's own programs know only the variable: DAGSTER_POSTGRES_URL_FILE in place of
# DAGSTER_POSTGRES_URL. Every other secret is read by ai_usage itself, in the processes that need it.
set -eu
umask 077
if [ -n "${DAGSTER_POSTGRES_URL_FILE:-}" ]; then
  DAGSTER_POSTGRES_URL=$(cat "$DAGSTER_POSTGRES_URL_FILE")
  export DAGSTER_POSTGRES_URL
  unset DAGSTER_POSTGRES_URL_FILE
fi
exec "$@"
