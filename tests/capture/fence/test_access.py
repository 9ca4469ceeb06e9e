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


def test_a_link_is_not_read(tmp_path: Path) -> None:
    """What another fenced process may put there in place of a file that one of ours has written."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "made").symlink_to(secret)
    with pytest.raises(OSError):  # noqa: PT011 - its number differs between systems
        fence.plain_bytes(tmp_path / "made")
    assert fence.plain_bytes(secret) == b"x"
