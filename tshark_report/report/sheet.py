"""The style sheet of a page and the policy that allows nothing else, for pages that are no report."""

from __future__ import annotations

import base64
import hashlib

from markupsafe import Markup

from tshark_report.report import templates as template_files


def styled() -> dict[str, object]:
    """`css` and `policy` for a template: this one style sheet may take effect, nothing else, and nothing is fetched.

    Raises:
        RenderFailed: the installation lacks its templates.
    """
    css = template_files.source("style.css", None) + template_files.source("brand.css", None)
    css = css.replace("\r\n", "\n").replace("</", "<\\/")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return {
        "css": Markup(css),  # noqa: S704 - our own file
        "policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
        ),
    }
