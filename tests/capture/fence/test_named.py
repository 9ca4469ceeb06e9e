"""Which files a command names."""

from __future__ import annotations

from pathlib import Path

from tshark_report.capture.fence import named


def test_only_named_files_are_shown(tmp_path: Path) -> None:
    key, capture = tmp_path / "keys.log", tmp_path / "c.pcap"
    for path in (key, capture):
        path.write_text("x")
    args = [
        "tshark",
        "-r",
        str(capture),
        "-o",
        f"tls.keylog_file:{key}",
        "-Y",
        "/etc/shadow",
        "-z",
        "/etc/passwd",
        "-a",
        "/etc/group",
    ]
    assert named.named(args) == [str(capture), str(key)]
