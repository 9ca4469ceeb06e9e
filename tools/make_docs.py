"""Write the documentation that is made from the code; with --check only say whether it is fresh.

docs/rules/        a page for each rule and an index
docs/cli.md        every command's help
docs/exit-codes.md the table of exit codes
docs/report.schema.json  the JSON Schema of report.json
docs/tables.md     the stored tables and columns, between two marks
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))
# Help texts are wrapped to the terminal: the same one for everybody.
os.environ |= {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}


def rule_pages() -> dict[str, str]:
    """A page for each rule, and their index."""
    from tshark_report.rules import ALL
    from tshark_report.rules.docs import HEADER, index, page

    return {"docs/rules/README.md": index(ALL)} | {f"docs/rules/{r.code}.md": HEADER + page(r) for r in ALL}


def command_line() -> str:
    """The help of every command."""
    import typer.main
    from typer.testing import CliRunner

    from tshark_report.cli import app as app_module
    from tshark_report.cli import load_commands

    load_commands()
    command = typer.main.get_command(app_module.app)
    names = [[], *([name] for name in command.list_commands(None))]  # type: ignore[attr-defined,arg-type]
    parts = ["<!-- Made from the code by `make docs`. -->", "", "# Command line", ""]
    for name in names:
        shown = CliRunner().invoke(app_module.app, [*name, "--help"], prog_name="tshark-report", terminal_width=100)
        title = " ".join(["tshark-report", *name])
        lines = [line.rstrip() for line in shown.output.strip().splitlines()]
        parts += [f"## `{title}`", "", "```text", *lines, "```", ""]
    return "\n".join(parts)


def exit_codes() -> str:
    """The table of exit codes."""
    from tshark_report.errors import EXIT_CODES

    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(
        [
            "<!-- Made from the code by `make docs`. -->",
            "",
            "# Exit codes",
            "",
            "| code | meaning |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def schema() -> str:
    """JSON Schema of report.json."""
    from tshark_report.report.model import schema as made

    return json.dumps(made(), indent=1, sort_keys=True) + "\n"


def tables() -> str:
    """docs/tables.md with the stored tables and columns as they are."""
    from tshark_report.store.documented import page

    return page((TOP / "docs/tables.md").read_text())


def main() -> int:
    """Write or check."""
    pages = rule_pages() | {
        "docs/cli.md": command_line(),
        "docs/exit-codes.md": exit_codes(),
        "docs/report.schema.json": schema(),
        "docs/tables.md": tables(),
    }
    stale = [path for path, text in pages.items() if not (TOP / path).exists() or (TOP / path).read_text() != text]
    extra = [str(p.relative_to(TOP)) for p in (TOP / "docs/rules").glob("*.md") if str(p.relative_to(TOP)) not in pages]
    if "--check" in sys.argv:
        for path in [*stale, *extra]:
            print(f"not fresh: {path} (run `make docs`)")
        return 1 if stale or extra else 0
    for path, text in pages.items():
        (TOP / path).parent.mkdir(parents=True, exist_ok=True)
        (TOP / path).write_text(text)
    for path in extra:
        # A retired rule keeps its page; say so instead of deleting it.
        print(f"no rule makes {path}")
    print(f"{len(stale)} of {len(pages)} pages written anew")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
