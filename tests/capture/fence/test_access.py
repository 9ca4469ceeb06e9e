"""The scratch folder afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tshark_report.capture import fence

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fence is for Linux")


def test_links_in_the_scratch_folder_are_removed(tmp_path: Path) -> None:
    (tmp_path / "objects" / "http").mkdir(parents=True)
    (tmp_path / "objects" / "http" / "link").symlink_to("/etc/passwd")
    (tmp_path / "objects" / "http" / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    fence.without_links(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == [
        "objects",
        "objects/http",
        "objects/http/file",
    ]
