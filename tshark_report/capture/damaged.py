"""A file that Wireshark's programs cannot read as a capture: what is the matter with it, told from what they said."""

from __future__ import annotations

import re
from pathlib import Path

from tshark_report.capture import framing
from tshark_report.errors import CaptureUnreadable

HEADERS = {"pcap": 24, "pcapng": 28}
"""Bytes of the shortest header in front of the first packet (pcap-savefile(5), draft-ietf-opsawg-pcapng)."""

_LINK_TYPE = re.compile(r"network type (\d+) (?:unknown|not supported)")
_BEFORE = re.compile(r"^(?:[\w.+-]+: )?(?:The file \"[^\"]*\" |\"[^\"]*\" )?")
_AROUND = re.compile(r"^\((?:pcap(?:ng)?: )?|\)$")


def kind(path: Path) -> str:
    """`pcap` or `pcapng` by the first bytes of a file, empty for any other.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    return "pcapng" if magic == framing.PCAPNG_MAGIC else "pcap" if magic in framing.PCAP_MAGICS else ""


def unreadable(shown: Path, path: Path, said: str) -> CaptureUnreadable:
    """The error for a file that capinfos or tshark refused.

    `shown` is what the user named, `path` what was read (the same, or a copy of its content), `said` the last line of
    the complaint.
    """
    try:
        form, size = kind(path), path.stat().st_size
    except OSError:
        form, size = "", 0
    link = _LINK_TYPE.search(said)
    if link:
        return CaptureUnreadable(
            "tshark does not know the link type of this capture",
            detail=f"{shown}: LINKTYPE {link[1]} (see tcpdump.org/linktypes.html)",
            causes=(
                "it was recorded on an interface of a kind that this tshark cannot read, such as a switch's own port",
                "the header of the file is damaged",
            ),
            next_step="record with another link type: tcpdump -i INTERFACE -L lists them, -y NAME takes one; or use a "
            "newer tshark",
        )
    if form and size < HEADERS[form]:
        return CaptureUnreadable(
            "the capture is cut short within its header",
            detail=f"{shown}: {size} bytes, where a {form} file begins with {HEADERS[form]}",
            causes=("a copy or download broke off", "the capturing program was stopped before it wrote a packet"),
            next_step=f"copy it again, and compare the sizes: ls -l {shown}",
        )
    words = _AROUND.sub("", _BEFORE.sub("", said.replace(str(path), str(shown)).strip())).strip()
    if form:
        return CaptureUnreadable(
            "the capture is damaged",
            detail=f"{shown}: a {form} file, but: {words or 'nothing was said about why'}",
            causes=("a copy that changed bytes, such as FTP in text mode", "a disk or memory error"),
            next_step="copy it again, and compare the hashes: sha256sum on both sides",
        )
    return CaptureUnreadable(
        "this is not a capture file",
        detail=f"{shown}: {words or 'no known capture format'}",
        causes=(
            "the file is something else with a capture's name",
            "the download was an error page, or was cut within the first bytes",
        ),
        next_step=f"file {shown}",
    )
