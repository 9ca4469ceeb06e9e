"""Captures and output on real servers on loopback: an OpenSSH server for sftp://, moto's S3 for s3://."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.batch.made import job, pcap, question, several
from tshark_report.batch import discover, place, remote
from tshark_report.batch.run import Result, Wanted, run
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import RenderFailed, UsageError

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


class Sshd:
    """An OpenSSH server of our own, and a home folder whose keys it accepts."""

    def __init__(self, folder: Path) -> None:
        self.home, self.data = folder / "home", folder / "data"
        ssh = self.home / ".ssh"
        ssh.mkdir(parents=True, mode=0o700)
        self.data.mkdir()
        for key in (ssh / "id_ed25519", folder / "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        shutil.copy(ssh / "id_ed25519.pub", folder / "authorized")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        (folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\nStrictModes no\n"
            f"AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
            "Subsystem sftp internal-sftp\n"
        )
        self.known_hosts = ssh / "known_hosts"
        kind, key_text, *_ = (folder / "host_key.pub").read_text().split()
        self.host_line = f"[127.0.0.1]:{self.port} {kind} {key_text}\n"
        self.known_hosts.write_text(self.host_line)
        self.process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("sshd did not start")

    def url(self, name: str) -> str:
        """A folder of the server's."""
        return f"sftp://127.0.0.1:{self.port}{self.data}/{name}"

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A server, and a home that it knows."""
    pytest.importorskip("paramiko", reason="the sftp extra is not installed")
    if not Path(SSHD).exists() or shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's server is not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where the server of root wants to lock itself in
    made = Sshd(tmp_path / "server")
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield made
    made.end()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An S3 server with a bucket `evidence`, as boto3's client of it."""
    s3fs = pytest.importorskip("s3fs", reason="the s3 extra is not installed")
    s3fs.S3FileSystem.clear_instance_cache()  # it holds the server of the test before
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    made = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    made.start()
    address = "http://{}:{}".format(*made.get_host_and_port())
    for name, value in {
        "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import boto3

    client = boto3.client("s3")
    client.create_bucket(Bucket="evidence")
    yield client
    client.close()
    made.stop()


def _run(root: str, out: str, tshark: Tshark, **more: object) -> Result:
    return run(
        Wanted((root,), out, job(tshark.version, formats=("json",), **more), jobs=1, index_pdf=False),
        lambda _told: None,
    )


def test_captures_and_output_by_sftp(sshd: Sshd, tshark: Tshark) -> None:
    several(sshd.data / "in", 2)
    (sshd.data / "in" / "notes.txt").write_text("no capture")
    root, out = sshd.url("in"), sshd.url("in/reports of today")
    first = _run(root, out, tshark, tables=True)
    assert (first.reported, first.failed) == (2, 0)
    there = sshd.data / "in" / "reports of today"
    made = json.loads((there / "index.json").read_text())
    assert [r["path"] for r in made["captures"]] == [f"{root}/c00.pcap", f"{root}/c01.pcap"], "whole URLs, with host"
    for row in made["captures"]:
        assert json.loads((there / row["report"]).read_text())["capture"]["sha256"] == row["sha256"]
    assert len(list(there.glob("tables/capture=*/packets.parquet"))) == 2
    again = _run(root, out, tshark, tables=True)
    assert (again.reported, again.kept) == (0, 2)
    pcap(sshd.data / "in" / "c00.pcap", question("changed.example"))
    third = _run(root, out, tshark, tables=True)
    assert (third.reported, third.kept) == (1, 1), "what has changed is read again"


def test_a_server_that_is_not_known(sshd: Sshd) -> None:
    several(sshd.data / "in", 1)
    root = sshd.url("in")
    sshd.known_hosts.write_text("")
    with pytest.raises(UsageError, match="storage cannot be read") as error:
        discover.look([root])
    assert "is not known" in error.value.detail
    name, kind, _ = sshd.host_line.split()
    other = sshd.data / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    sshd.known_hosts.write_text(f"{name} {kind} {other.with_suffix('.pub').read_text().split()[1]}\n")
    with pytest.raises(UsageError) as error:
        discover.look([root])
    assert "another ssh-ed25519 key" in error.value.detail
    sshd.known_hosts.write_text(sshd.host_line)
    assert [f.path for f in discover.look([root]).found] == [f"{root}/c00.pcap"]


def test_captures_and_output_in_s3(bucket: Any, tshark: Tshark, tmp_path: Path) -> None:
    for path in several(tmp_path, 2):
        bucket.upload_file(str(path), "evidence", f"caps/{path.name}")
    bucket.put_object(Bucket="evidence", Key="caps/notes.txt", Body=b"no capture")
    root, out = "s3://evidence/caps", "s3://evidence/caps/out"
    first = _run(root, out, tshark, tables=True)
    assert (first.reported, first.failed) == (2, 0)

    def read(name: str) -> Any:
        return json.loads(bucket.get_object(Bucket="evidence", Key=f"caps/out/{name}")["Body"].read())

    rows = read("index.json")["captures"]
    assert [r["path"] for r in rows] == [f"{root}/c00.pcap", f"{root}/c01.pcap"]
    for row in rows:
        assert read(row["report"])["capture"]["sha256"] == row["sha256"]
    keys = [o["Key"] for o in bucket.list_objects_v2(Bucket="evidence", Prefix="caps/out/tables/")["Contents"]]
    assert sum(key.endswith("/packets.parquet") for key in keys) == 2
    again = _run(root, out, tshark, tables=True)
    assert (again.reported, again.kept) == (0, 2), "by ETag: nothing was fetched"
    bucket.put_object(
        Bucket="evidence", Key="caps/c00.pcap", Body=pcap(tmp_path / "c.pcap", question("b.example")).read_bytes()
    )
    third = _run(root, out, tshark, tables=True)
    assert (third.reported, third.kept) == (1, 1)
    with pytest.raises(UsageError, match="storage cannot be read"):
        discover.look(["s3://no-such-bucket/caps"])


def test_refusals_of_storage_are_told(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    import s3fs

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with pytest.raises(UsageError, match="storage cannot be read"):
        discover.look(["s3://elsewhere/caps"])
    with pytest.raises(RenderFailed, match="output cannot be read or written"):
        place.of("s3://elsewhere/out").write("index.json", b"{}")


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as error:
        remote.opened("sftp://me:hunter2@host/captures")
    assert "hunter2" not in str(error.value.detail)
