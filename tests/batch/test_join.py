"""Files of one ring buffer are one recording; everything else stays apart."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.batch.made import START, pcap, question
from tshark_report.batch import discover
from tshark_report.batch.join import Recording, recordings, shape


def _ring(folder: Path, number: int, *, gap: float = 1.0) -> None:
    for i in range(number):
        at = START + i * (1 + gap)
        pcap(folder / f"ring_{i:05}_20250615{i:06}.pcap", question("a.example"), question("b.example"), start=at)


def _joined(folder: Path, gap: float = 60.0, most: int = 10**9) -> tuple[list[discover.Found | Recording], list[str]]:
    return recordings(discover.look([str(folder)]).found, gap=gap, most_bytes=most)


def test_consecutive_files_are_one(tmp_path: Path) -> None:
    _ring(tmp_path, 4)
    found, notes = _joined(tmp_path)
    assert len(found) == 1
    assert isinstance(found[0], Recording)
    assert [Path(f).name[:10] for f in found[0].files] == [f"ring_0000{i}" for i in range(4)]
    assert found[0].name == "ring_00000_20250615000000+3.pcapng"
    assert notes == []


def test_the_gap_is_a_bound(tmp_path: Path) -> None:
    _ring(tmp_path, 3, gap=60.0)
    assert len(_joined(tmp_path, gap=60.0)[0]) == 1
    assert len(_joined(tmp_path, gap=59.0)[0]) == 3


def test_overlap_other_names_and_other_link_types_stay_apart(tmp_path: Path) -> None:
    frame = question("a.example")
    pcap(tmp_path / "x" / "a1.pcap", frame, frame, start=START, step=10)
    pcap(tmp_path / "x" / "a2.pcap", frame, start=START + 5)
    pcap(tmp_path / "y" / "left.pcap", frame, start=START)
    pcap(tmp_path / "y" / "right.pcap", frame, start=START + 1)
    pcap(tmp_path / "z" / "a1.pcap", frame, start=START)
    other = pcap(tmp_path / "z" / "a2.pcap", frame, start=START + 1)
    other.write_bytes(other.read_bytes()[:20] + b"\x71\0\0\0" + other.read_bytes()[24:])
    assert not any(isinstance(f, Recording) for f in _joined(tmp_path)[0])


def test_a_long_recording_is_cut_between_files_and_says_so(tmp_path: Path) -> None:
    _ring(tmp_path, 5)
    size = next(tmp_path.iterdir()).stat().st_size
    found, notes = _joined(tmp_path, most=2 * size)
    assert sorted(len(f.files) if isinstance(f, Recording) else 1 for f in found) == [1, 2, 2]
    assert len(notes) == 1
    assert "3 pieces" in notes[0]


def test_a_file_that_is_cut_short_stands_alone(tmp_path: Path) -> None:
    _ring(tmp_path, 3)
    last = max(tmp_path.iterdir())
    last.write_bytes(last.read_bytes()[:-3])
    assert sorted(len(f.files) if isinstance(f, Recording) else 1 for f in _joined(tmp_path)[0]) == [1, 2]


def test_pcapng_clocks_of_other_resolutions(tmp_path: Path) -> None:
    _ring(tmp_path, 2)
    for path in list(tmp_path.iterdir()):
        subprocess.run(["editcap", "-F", "nsecpcap", path, path.with_suffix(".ns")], check=True, capture_output=True)
        made = path.with_suffix(".pcapng")
        subprocess.run(["editcap", "-F", "pcapng", path.with_suffix(".ns"), made], check=True, capture_output=True)
        path.with_suffix(".ns").unlink()
        path.unlink()
    assert len(_joined(tmp_path)[0]) == 1


def test_shapes() -> None:
    assert shape("/a/x_00001_2026.pcap") == shape("/a/x_00002_2027.pcap")
    assert shape("/a/x.pcap") == shape("/a/x.pcap1") == shape("/a/x.pcap12")
    assert shape("/a/x.pcap") != shape("/b/x.pcap")
    assert shape("/a/x.pcap") != shape("/a/y.pcap")
