"""`python -m tshark_report` and the `tshark-report` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Start the command line."""
    # --version needs none of the libraries that the commands load.
    if sys.argv[1:] in (["--version"], ["-V"]):
        from tshark_report import __version__

        sys.stdout.write(f"tshark-report {__version__}\n")
        return
    from tshark_report.cli.app import run

    run()


if __name__ == "__main__":
    main()
