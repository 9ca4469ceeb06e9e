#!/bin/sh
# Run the sweep and the grading with each tshark that Debian has, each in a root of its own.
#
#   tools/tshark_versions.sh ROOTS SHARED [SUITE...]      (root; debootstrap; suites: bookworm trixie sid)
#
# ROOTS    folder for the roots, a gigabyte each; a root that is there already is used as it is
# SHARED   folder with captures/robust, captures/cases and eval/grade.py
#
# Results land in ROOTS/results; tools/tshark_versions.py writes docs/tshark-versions.md from them.
set -eu
ROOTS=$(mkdir -p "$1" && cd "$1" && pwd) SHARED=$(cd "$2" && pwd) TOP=$(cd "$(dirname "$0")/.." && pwd)
shift 2
[ $# -gt 0 ] || set -- bookworm trixie sid
mkdir -p "$ROOTS/results"

inside() { # inside ROOT COMMAND...: a command in a root, with the project and the captures mounted read-only
  root=$1; shift
  unshare --mount sh -c '
    root=$1 top=$2 shared=$3 results=$4; shift 4
    mount --make-rprivate /
    for each in /proc /dev /sys; do mount --rbind "$each" "$root$each"; done
    mkdir -p "$root/project" "$root/shared" "$root/results"
    mount --rbind "$top" "$root/project" && mount -o remount,bind,ro "$root/project"
    mount --rbind "$shared" "$root/shared" && mount -o remount,bind,ro "$root/shared"
    mount --bind "$results" "$root/results"
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TZ=UTC \
      PYTHONPATH=/project PYTHONDONTWRITEBYTECODE=1 "$@"' sh "$root" "$TOP" "$SHARED" "$ROOTS/results" "$@"
}

for suite; do
  root=$ROOTS/$suite
  if [ ! -x "$root/usr/bin/tshark" ]; then
    # A package that cannot be configured (as happens in sid) does not matter as long as tshark runs.
    debootstrap --variant=minbase \
      --include=tshark,python3,python3-venv,libpango-1.0-0,libpangoft2-1.0-0,libharfbuzz-subset0,fonts-dejavu-core \
      "$suite" "$root" || [ -x "$root/usr/bin/tshark" ]
  fi
  # A root that is used again gets what is pinned now.
  if ! cmp -s "$TOP/requirements.lock" "$root/venv/requirements.lock"; then
    # pip as it is set up on this machine
    mkdir -p "$root/etc/ssl/certs"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    for config in /etc/pip.conf "$HOME/.config/pip/pip.conf"; do [ ! -f "$config" ] || cp "$config" "$root/etc/pip.conf"; done
    inside "$root" sh -c '[ -x /venv/bin/python ] || python3 -m venv /venv
      /venv/bin/pip install --quiet -r /project/requirements.lock && cp /project/requirements.lock /venv/'
  fi
  inside "$root" sh -c 'tshark --version 2>/dev/null | head -n 1; /venv/bin/python --version' > "$ROOTS/results/$suite.versions"
  inside "$root" /venv/bin/python /project/tools/sweep.py --out "/results/$suite.json" /shared/captures/robust \
    > "$ROOTS/results/$suite.sweep" 2>&1 || echo "sweep: not clean in $suite"
  inside "$root" /venv/bin/python /shared/eval/grade.py --captures /shared/captures/cases \
    --command "/venv/bin/python -m tshark_report" > "$ROOTS/results/$suite.grade" 2>&1 || echo "grade: not clean in $suite"
  tail -n 1 "$ROOTS/results/$suite.sweep" "$ROOTS/results/$suite.grade"
done
