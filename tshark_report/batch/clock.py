"""The time that is printed on what a batch makes."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> datetime:
    """The time now; SOURCE_DATE_EPOCH, where it is set, makes runs comparable."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)
