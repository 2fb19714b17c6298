#!/bin/sh
# Locks every dependency to a version and its SHA-256 sums, after pyproject.toml has changed. Needs uv.
# The files name no download host: each machine takes the packages from the registry it is set up for.
#
#   runtime.txt   what a recorder in service needs        pip install --require-hashes -r requirements/runtime.txt
#   dev.txt       that, and what builds and tests it      make setup
#   node.txt      Node, where Debian's is too old         make setup, only if it must
#
# "sh requirements/lock.sh --upgrade" takes the newest versions that pyproject.toml allows.
set -e
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .venv/bin/uv)
if ! [ -x "$uv" ]; then
    echo "uv is missing, and only it can lock: .venv/bin/pip install uv" >&2
    exit 1
fi

lock() {
    output=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
        --no-annotate --output-file "requirements/$output" "$@"
    if grep -n '://' "requirements/$output"; then
        echo "requirements/$output names a host: see the lines above" >&2
        exit 1
    fi
}

lock runtime.txt "$@" --group build pyproject.toml
lock dev.txt "$@" --group dev --constraints requirements/runtime.txt pyproject.toml
lock node.txt "$@" --group pyproject.toml:node
