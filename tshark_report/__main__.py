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
    try:
        from tshark_report.cli.app import run

        run()
    except KeyboardInterrupt:  # while the libraries load: our own handlers of signals do not stand yet
        sys.stderr.write("tshark-report: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
