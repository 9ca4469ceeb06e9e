"""Hold what is pinned against published advisories, by pip-audit: audit.py [LOCK...].

Exit 0: all pins were checked and no hole is known. 1: holes are known. 2: some or all could not be checked, which
pip-audit alone takes for "no known vulnerabilities".
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
SECONDS = 600


def judged(answer: dict[str, Any], lock: str) -> tuple[int, list[str]]:
    """Exit code and sentences for what pip-audit answered about one lock file."""
    packages: list[dict[str, Any]] = answer.get("dependencies", [])
    skipped = [each for each in packages if "skip_reason" in each]
    said = [
        f"{lock}: {each['name']} {each['version']}: {hole['id']}"
        + (f" ({', '.join(hole['aliases'])})" if hole.get("aliases") else "")
        + f", mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for each in packages
        for hole in each.get("vulns", [])
    ]
    if said:
        return 1, said
    if skipped or not packages:
        return 2, [
            f"{lock}: NOT CHECKED: {len(skipped)} of {len(packages)} packages are unknown to the advisory service "
            f"({skipped[0]['skip_reason'] if skipped else 'nothing was answered'})",
            "  likely cause: there is no way from here to pypi.org, or packages come from a mirror without advisories",
            "  next: run make audit where pypi.org can be reached",
        ]
    return 0, [f"{lock}: {len(packages)} packages, no known hole"]


def asked(lock: str) -> tuple[int, list[str]]:
    """What pip-audit says about one lock file."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(TOP / lock), "--no-deps", "--disable-pip"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True, check=False,
            timeout=SECONDS,
        )  # fmt: skip
        return judged(json.loads(done.stdout), lock)
    except subprocess.TimeoutExpired:
        last = f"no answer within {SECONDS} s"
    except ValueError:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        last = lines[-1].strip() if lines else f"pip-audit ended with exit code {done.returncode}"
    return 2, [
        f"{lock}: NOT CHECKED: the advisory service was not reached ({last[:200]})",
        "  next: run make audit where pypi.org can be reached",
    ]


def main() -> int:
    """Audit the lock files and say how it went."""
    answers = [asked(lock) for lock in sys.argv[1:] or LOCKS]
    for _, said in answers:
        print("\n".join(said))
    codes = [code for code, _ in answers]
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
