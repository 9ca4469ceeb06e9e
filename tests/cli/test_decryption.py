"""Keys that a user has open a TLS session to the report: by a key log, by secrets in the capture, by a profile."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_report import run

pytestmark = pytest.mark.tshark

DATA = Path(__file__).parent / "data/tls"
"""One HTTP exchange inside TLS 1.3, and its keys; made by make.py there."""
URI = "/report/update.bin"


def _report(folder: Path, capture: Path, *options: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = run("report", capture, "-o", "r.json", *options, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads((folder / "r.json").read_text())
    return made


def _shows_the_download(report: dict[str, Any]) -> bool:
    """Was the program seen that came inside the session?"""
    texts = [f["summary"] for f in report["findings"] if f["code"].startswith("DEL")]
    files = [f["name"] for f in report["files"]]
    assert bool(texts) == ("update.bin" in " ".join(files))
    return any(URI in text and "executable" in text for text in texts)


def test_without_keys_it_stays_closed(tmp_path: Path) -> None:
    assert not _shows_the_download(_report(tmp_path, DATA / "session.pcap"))


def test_key_log(tmp_path: Path) -> None:
    keys = shutil.copy(DATA / "keys.log", tmp_path / "my keys.log")
    report = _report(tmp_path, DATA / "session.pcap", "--keylog", str(keys))
    assert _shows_the_download(report)
    # The path of a key log is nobody else's business; the command says that one is needed.
    commands = " ".join(c["command"] for c in report["commands"])
    assert "my keys" not in commands
    assert "tls.keylog_file:KEYLOG" in commands


def test_secrets_in_the_capture(tmp_path: Path) -> None:
    capture = tmp_path / "embedded.pcapng"
    secrets = ["--inject-secrets", f"tls,{DATA / 'keys.log'}"]
    subprocess.run(["editcap", *secrets, DATA / "session.pcap", capture], check=True, capture_output=True)
    assert _shows_the_download(_report(tmp_path, capture))


def test_profile(tmp_path: Path) -> None:
    home = tmp_path / "home"
    profile = home / ".config/wireshark/profiles/ticket"
    profile.mkdir(parents=True)
    (profile / "disabled_protos").write_text("tls\n")
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    plain = _report(tmp_path, DATA / "session.pcap", env=env)
    with_profile = _report(tmp_path, DATA / "session.pcap", "--profile", "ticket", env=env)
    # The profile switches a protocol off, as its owner did in Wireshark.
    assert "tls" in {row["protocol"] for row in plain["statistics"]["protocol_hierarchy"]}
    assert "tls" not in {row["protocol"] for row in with_profile["statistics"]["protocol_hierarchy"]}
