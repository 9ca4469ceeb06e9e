"""The style sheet of a page and the policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from tshark_report.report import templates as template_files


def styled(own: Path | None = None, *more: str, added: str = "") -> dict[str, object]:
    """`css` and `policy` for a template: this one style sheet may take effect, nothing else, and nothing is fetched.

    Args:
        own: a folder with templates and style sheets that take the place of ours.
        more: further style sheets of ours, such as `index.css`.
        added: rules of the user's, such as the colours of a brand.

    Raises:
        RenderFailed: the installation lacks its templates.
        UsageError: `own` is not a folder.
    """
    css = "".join(template_files.source(name, own) for name in ("style.css", "brand.css", *more)) + added
    css = css.replace("\r\n", "\n").replace("</", "<\\/")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return {
        "css": Markup(css),  # noqa: S704 - our own file, or the user's
        # A `<style>` or `style=` from anywhere else is ignored.
        "policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
        ),
    }
