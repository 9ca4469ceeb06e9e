#!/usr/bin/env bash
# Make the virtual environment with a Python that is new enough.
set -euo pipefail

python=$1 venv=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Python 3.11 or newer is needed; $python is $("$python" --version 2>&1)" >&2
  exit 3
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
