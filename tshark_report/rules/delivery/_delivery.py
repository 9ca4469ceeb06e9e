"""One file on the wire: what it is, who sent it to whom, and how it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tshark_report.capture import filetypes
from tshark_report.capture.filetypes import ending
from tshark_report.knowledge import load

CARRIER_ENDINGS = frozenset(load("downloads")["endings"]["carrier"])
"""What makes an archive worth a look: something in it runs at a double click."""


@dataclass(frozen=True)
class Delivery:
    """One file that went from `source` to `destination`."""

    category: str
    """program, code, script, carrier, document, archive, coded, or empty for the rest."""
    what: str
    """The content in words: `executable (MZ, Windows PE)`."""
    name: str
    protocol: str
    """http, ftp, tftp, mail; tcp or udp where no protocol was recognised."""
    source: str
    destination: str
    port: int
    """The server's port."""
    transport: str
    stream: int | None
    frame: int
    """Where the content begins or ended, as far as is known."""
    time: float
    first_frame: int | None
    last_frame: int | None
    """The stretch of the stream that belongs to it; None for an open end."""
    declared: str = ""
    size: int | None = None
    sha256: str = ""
    complete: bool = True
    uri: str = ""
    host: str = ""
    method: str = ""
    user_agent: str = ""
    referer: str = ""
    status: int | None = None
    asked_frame: int | None = None
    asked_time: float | None = None
    from_client: bool = False
    """The client of the connection sent it: an upload."""
    inside: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    head: bytes = b""
    disposition: str = ""
    at_start: bool = False
    """The stream itself begins with it."""
    spoken: str = ""
    """What tshark calls the stream's protocol, where it is none of those above."""
    partly: bool = False
    """Answered with 206: a piece of a file."""

    @property
    def client(self) -> str:
        """Who asked for it."""
        return self.source if self.from_client else self.destination

    @property
    def server(self) -> str:
        """Who was asked."""
        return self.destination if self.from_client else self.source

    @property
    def start(self) -> float:
        """When it was asked for; else when it was seen."""
        return self.time if self.asked_time is None else self.asked_time

    @property
    def url(self) -> str:
        """Where it was asked for."""
        if self.protocol != "http":
            return self.name
        name = self.host or self.server
        name = f"[{name}]" if ":" in name else name
        name += f":{self.port}" if self.port not in (0, 80) else ""
        return self.uri if self.uri.lower().startswith(("http://", "https://")) else f"http://{name}{self.uri or '/'}"


_CATEGORIES: tuple[tuple[str, str, str], ...] = (
    (filetypes.DLL, "program", "executable library (MZ, Windows PE DLL)"),
    ("Windows executable", "program", "executable (MZ, Windows PE)"),
    (filetypes.DOS, "program", "DOS executable (MZ)"),
    (filetypes.ELF, "program", "executable (ELF, Linux)"),
    (filetypes.MACHO, "program", "executable (Mach-O, macOS)"),
    (filetypes.APK, "program", "Android package (APK)"),
    ("Android program", "program", "Android program (DEX)"),
    (filetypes.MSI, "program", "Windows installer (MSI)"),
    (filetypes.JAVA_CLASS, "code", "Java class"),
    (filetypes.JAR, "code", "Java archive (JAR)"),
    (filetypes.LNK, "carrier", "Windows shortcut (LNK)"),
    (filetypes.CHM, "carrier", "compiled HTML help (CHM)"),
    (filetypes.ONENOTE, "carrier", "OneNote document"),
    ("disk image", "carrier", "disk image"),
    ("script (HTA)", "script", "HTML application (HTA) or VBScript page"),
    ("script", "script", ""),
    ("Flash", "plugin", "Flash object"),
    ("old Office", "document", "old Office document (OLE)"),
    (filetypes.OOXML, "document", "Office document"),
    ("RTF", "document", "RTF document"),
    ("PDF", "document", "PDF document"),
    ("Windows cabinet", "archive", "Windows cabinet"),
    (filetypes.ZIP, "archive", "ZIP archive"),
    ("RAR", "archive", "RAR archive"),
    ("7-Zip", "archive", "7-Zip archive"),
    ("ACE", "archive", "ACE archive"),
    ("gzip", "archive", "gzip data"),
    ("tar", "archive", "tar archive"),
)


def category_of(kind: str, marks: tuple[str, ...] = (), inside: tuple[str, ...] = ()) -> tuple[str, str]:
    """(category, words) of a detected type."""
    coded = [m for m in marks if m.startswith(("program under", "program in", "page that builds"))]
    if coded:
        return "coded", coded[0] + (f" (content: {kind})" if kind else "")
    for start, category, words in _CATEGORIES:
        if kind.startswith(start):
            if category == "archive" and any(ending(name) in CARRIER_ENDINGS for name in inside):
                return "carrier", f"{words} holding {carried(inside)}"
            if category == "document" and "macros" in marks:
                return "carrier", f"{words} with macros"
            return category, words or kind
    return "", kind or "unrecognised content"


def carried(inside: tuple[str, ...]) -> str:
    """The first name in an archive that runs at a double click."""
    return next((name[-60:] for name in inside if ending(name) in CARRIER_ENDINGS), "")


def of_exchange(made: Delivery, asked: dict[str, Any]) -> Delivery:
    """`made` with what its HTTP request and answer say."""
    last = asked["next_frame"]
    return replace(
        made,
        port=asked["port"] or 0, first_frame=None if asked["first"] else asked["frame"],
        last_frame=None if last is None else last - 1, asked_frame=asked["frame"],
        uri=asked["uri"] or "", host=asked["host"], method=asked["method"], user_agent=asked["user_agent"] or "",
        referer=asked["referer"] or "", status=asked["status"], asked_time=asked["time"],
        disposition=asked["file_name"] or "", partly=asked["status"] == 206,
    )  # fmt: skip
