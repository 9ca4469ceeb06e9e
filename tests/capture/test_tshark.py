"""Finding tshark: missing, too old, lying."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.capture import standin
from tshark_report.capture import tshark as module
from tshark_report.errors import TsharkFailed, TsharkMissing, TsharkTooOld


def test_missing_says_where_it_looked(env: dict[str, str]) -> None:
    with pytest.raises(TsharkMissing) as caught:
        module.find("/nonexistent/tshark", env)
    assert "/nonexistent/tshark" in caught.value.detail
    assert caught.value.next_step


def test_too_old(tmp_path: Path, env: dict[str, str]) -> None:
    program = standin.make(tmp_path, "", version="TShark (Wireshark) 3.6.2 (Git v3.6.2)")
    with pytest.raises(TsharkTooOld) as caught:
        module.find(program, env)
    assert "3.6.2" in caught.value.what


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("TShark (Wireshark) 4.0.17 (Git v4.0.17).", (4, 0, 17)), ("TShark 3 (Wireshark) 4.6.9.", (4, 6, 9))],
)
def test_version_texts(tmp_path: Path, env: dict[str, str], version: str, numbers: tuple[int, int, int]) -> None:
    assert module.find(standin.make(tmp_path, "", version=version), env).numbers == numbers


def test_something_else_by_that_name(tmp_path: Path, env: dict[str, str]) -> None:
    with pytest.raises(TsharkFailed):
        module.find(standin.make(tmp_path, "", version="hello"), env)


def test_a_file_that_is_no_program(tmp_path: Path, env: dict[str, str]) -> None:
    path = tmp_path / "tshark"
    path.write_text("not a program")
    path.chmod(0o755)
    with pytest.raises(TsharkMissing):
        module.find(str(path), env)


def test_fields_are_asked_once(
    tmp_path: Path, env: dict[str, str], tshark: module.Tshark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wanted = frozenset({"ip.src", "no.such.field"})
    assert module.known_fields(tshark, wanted, env) == {"ip.src"}

    def fail(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(module.process, "run", fail)
    assert module.known_fields(tshark, wanted, env) == {"ip.src"}


def test_clean_configuration(tmp_path: Path) -> None:
    env = module.environment(tmp_path)
    assert Path(env["WIRESHARK_CONFIG_DIR"]).is_dir()
    assert "WIRESHARK_CONFIG_DIR" not in module.environment(tmp_path, own_profile=True)
