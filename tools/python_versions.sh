#!/bin/sh
# Run the tests with each Python that is here, each in an environment of its own from the lock files.
#
#   tools/python_versions.sh RESULTS PYTHON...
#
# RESULTS  folder for RESULTS/python-X.Y, which tools/tshark_versions.py puts into docs/tshark-versions.md
# PYTHON   names or paths; one that is not here is said and passed over
#
# TESTS is an expression for pytest -m. Browser tests are left out: what runs in a browser does not depend on Python.
set -u
mkdir -p "$1" && RESULTS=$(cd "$1" && pwd) TOP=$(cd "$(dirname "$0")/.." && pwd) TESTS=${TESTS:-not chromium}
shift
failed=0
for python; do
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "$python: not here, or older than 3.11"
    continue
  fi
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  scratch=$(mktemp -d)
  chmod 755 "$scratch"
  if "$python" -m venv "$scratch/venv" &&
    "$scratch/venv/bin/pip" install --quiet --disable-pip-version-check -r "$TOP/requirements.lock" \
      -r "$TOP/requirements-dev.lock"; then
    mkdir "$scratch/tmp"
    (cd "$TOP" && TMPDIR=$scratch/tmp TZ=UTC LC_ALL=C.UTF-8 PYTHONPATH=$TOP PYTHONDONTWRITEBYTECODE=1 \
      "$scratch/venv/bin/python" -m pytest -n auto -m "$TESTS" -p no:cacheprovider) > "$scratch/said" 2>&1 || failed=1
    left=$(find "$scratch/tmp" -mindepth 1 -maxdepth 1 ! -name 'pytest-of-*' | wc -l)
    { "$scratch/venv/bin/python" -c 'import platform; print(platform.python_version())'
      echo "$TESTS"
      tail -n 1 "$scratch/said"
      echo "$left"; } > "$RESULTS/python-$version"
    cat "$RESULTS/python-$version"
    grep -E '^(FAILED|ERROR)' "$scratch/said"
  else
    echo "$python: its packages could not be installed"
    failed=1
  fi
  rm -rf "$scratch"
done
exit $failed
