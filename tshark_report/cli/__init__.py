"""The command line: the only part that prints or exits."""

from __future__ import annotations


def load_commands() -> None:
    """Import every command module, so that its commands are on the app."""
    from tshark_report.cli import (  # noqa: F401
        baseline,
        batch,
        carve,
        compare,
        doctor,
        expect,
        fields,
        query,
        report,
        rules,
        stats,
        trends,
        watch,
    )
