"""Nothing that crossed the wire as payload, and no password, is in messages, tracebacks or log lines: of any command.

Every library's logger prints at its most talkative, and warnings are shown. What a command is asked to print is another
matter: that goes to standard output.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tests.bombs import CLIENT, SERVER, START, ip, tcp, udp, write
from tests.capture import standin
from tests.conftest import TOP
from tshark_report.cli import load_commands
from tshark_report.cli.app import app

pytestmark = pytest.mark.tshark

PASSWORD, BODY, FILE, NAME = "Canary-Pa55word", "canary-in-a-body", "canary-file.bin", "canary-user"
SECRETS = (PASSWORD, BODY, FILE, NAME, PASSWORD.encode().hex(), "Q2FuYXJ5LVBhNTV3b3Jk")  # the last: in base64

DRIVER = """
import logging, sys, traceback
logging.basicConfig(level=0, stream=sys.stderr)
from tshark_report.cli import load_commands
from tshark_report.cli.app import app, print_error
from tshark_report.errors import ReportError
load_commands()
for line in sys.stdin.read().split("\\n\\n"):
    sys.stderr.write(f"-- {line.split(chr(10))[0]}\\n")
    try:
        app(line.split("\\n"), standalone_mode=False)
    except ReportError as error:
        print_error(error)
        traceback.print_exc()
    except SystemExit:
        pass
"""


def talk(port: int, *said: tuple[bool, bytes]) -> Iterator[tuple[float, bytes]]:
    """One TCP conversation: (from the client?, bytes)."""
    at, sent = START + port, [1, 1]
    yield at, ip(6, tcp(40_000, port, 0, 0, 0x02))
    yield at + 0.001, ip(6, tcp(port, 40_000, 0, 1, 0x12), source=SERVER, to=CLIENT)
    yield at + 0.002, ip(6, tcp(40_000, port, 1, 1, 0x10))
    for number, (client, data) in enumerate(said):
        mine, other = (0, 1) if client else (1, 0)
        ends = (40_000, port) if client else (port, 40_000)
        addresses = {} if client else {"source": SERVER, "to": CLIENT}
        yield at + 0.01 * (number + 1), ip(6, tcp(*ends, sent[mine], sent[other], 0x18, data), **addresses)
        sent[mine] += len(data)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logins in clear over FTP and HTTP, a form, a file and an odd datagram, each with a canary inside."""
    user, password, body = NAME.encode(), PASSWORD.encode(), BODY.encode()
    ftp = talk(
        21, (False, b"220 ready\r\n"), (True, b"USER " + user + b"\r\n"), (False, b"331 password\r\n"),
        (True, b"PASS " + password + b"\r\n"), (False, b"530 no\r\n"),
    )  # fmt: skip
    form = b"user=" + user + b"&password=" + password + b"&note=" + body
    web = talk(
        80,
        (True, b"POST /login HTTP/1.1\r\nHost: web.example\r\nAuthorization: Basic Q2FuYXJ5LVBhNTV3b3Jk\r\nContent-Type: "
               b"application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(form) + form),
        (False, b"HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=" + FILE.encode()
                + b"\r\nContent-Length: 40\r\n\r\n" + b"MZ" + body.ljust(38, b"x")),
    )  # fmt: skip
    odd = [(START + 200 + n, ip(17, udp(9999, body + b"\xff" * n))) for n in range(3)]
    return write(tmp_path_factory.mktemp("logs") / "capture.pcap", [*ftp, *web, *odd])


def clean(text: str) -> None:
    found = [secret for secret in SECRETS if secret.lower() in text.lower()]
    assert not found, text


def environment(folder: Path) -> dict[str, str]:
    return dict(os.environ) | {
        "PYTHONPATH": str(TOP), "TMPDIR": str(folder), "PYTHONWARNINGS": "default", "PYTHONASYNCIODEBUG": "1",
    }  # fmt: skip


def test_no_command_says_what_it_read(capture: Path, tmp_path: Path) -> None:
    tables, broken = tmp_path / "tables", tmp_path / "broken"
    broken.mkdir()
    dying = standin.dying(broken, BODY.encode(), signal.SIGSEGV)
    commands = [
        ["report", capture, "-o", tmp_path / "r.html", "-o", tmp_path / "r.pdf", "-o", tmp_path / "r.md", "--tables", tables,
         "--keep-files", tmp_path / "kept", "--debug"],
        ["report", capture, "-o", tmp_path / "dying.json", "--tshark", dying, "--debug"],
        ["report", capture, "-o", tmp_path / "none.json", "--filter", f'ftp.request.arg == "{PASSWORD[:6]}" &&', "--debug"],
        ["stats", capture, "--debug"],
        ["carve", capture, "1", "-o", tmp_path / "c.pcapng", "--debug"],
        ["carve", capture, "NOSUCH", "-o", tmp_path / "d.pcapng", "--debug"],
        ["fields", capture, "-e", "ftp.request.arg", "--debug"],
        ["query", tables, "select * from logins", "--debug"],
        ["query", tables, "select * from http", "--debug"],
        ["trends", tables, "--debug"],
        ["baseline", "learn", capture, "-o", tmp_path / "b.json", "--debug"],
        ["baseline", "show", tmp_path / "b.json"],
        ["compare", capture, capture, "-o", tmp_path / "cmp.html", "--debug"],
        ["expect", "init", capture, "-o", tmp_path / "e.toml", "--debug"],
        ["rules"], ["explain", "CLR001"], ["doctor"],
    ]  # fmt: skip
    load_commands()
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert known == {line[0] for line in commands} | {"batch", "watch"}, "each command is here"
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], input="\n\n".join("\n".join(map(str, line)) for line in commands), text=True,
        capture_output=True, env=environment(tmp_path), cwd=tmp_path, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n-- ") == len(commands) - 1
    assert (tmp_path / "r.pdf").exists()
    assert PASSWORD in done.stdout, "the capture holds it, and `fields` was asked for it"
    assert "SIGSEGV" in (tmp_path / "dying.json").read_text(), "the stand-in died on the canary"
    clean(done.stderr)


@pytest.mark.parametrize("command", ["batch", "watch"])
def test_no_log_line_holds_payload(command: str, capture: Path, tmp_path: Path) -> None:
    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    (given / "capture.pcap").write_bytes(capture.read_bytes())
    (given / "damaged.pcap").write_bytes(capture.read_bytes()[:90] + BODY.encode() * 40)
    args = [sys.executable, "-m", "tshark_report", command, str(given), "-o", str(out), "--log-json", "--debug"]
    args += ["--settle", "0.1", "--idle", "0.5"] if command == "watch" else []
    log = tmp_path / "log"
    with log.open("w") as stderr:
        running = subprocess.Popen(
            args, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment(tmp_path), cwd=tmp_path,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        if command == "watch":
            stop = time.monotonic() + 100
            while time.monotonic() < stop and log.read_text().count('"status"') < 2:
                time.sleep(0.1)
            running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=120)
    logged = log.read_text()
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    assert any("capture.pcap" in json.dumps(line) for line in lines), logged
    clean(logged)
    clean(said)
