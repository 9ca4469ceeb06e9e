#!/usr/bin/env bash
# Install Debian packages that are missing; on other systems say what to install.
set -euo pipefail

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "$@"; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing+=("$package")
  done
  if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then missing+=(python3-venv); fi
  [ ${#missing[@]} -eq 0 ] && exit 0
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      {
        echo "system packages are missing, and installing them needs root; there is no sudo"
        echo "  missing: ${missing[*]}"
        echo "  next, as root: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
      } >&2
      exit 3
    fi
    as_root=(sudo)
  fi
  # tshark asks whether everybody may capture; reading files needs no such right.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null' sh "${missing[@]}"
elif [ "$(uname)" = Darwin ]; then
  command -v tshark >/dev/null || [ -x /Applications/Wireshark.app/Contents/MacOS/tshark ] || {
    echo "install with: brew install --cask wireshark && brew install pango" >&2
    exit 3
  }
else
  command -v tshark >/dev/null || {
    echo "install tshark 4.0 or newer and Pango with your system's packages (Fedora: dnf install wireshark-cli pango)" >&2
    exit 3
  }
fi
