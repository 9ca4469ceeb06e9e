"""What is unusual about a delivery: how it was asked for, and what its label promises."""

from __future__ import annotations

import re

import polars as pl

from tshark_report.capture.filetypes import ending
from tshark_report.knowledge import load
from tshark_report.knowledge.domains import within
from tshark_report.rules.base import Context
from tshark_report.rules.delivery._delivery import Delivery
from tshark_report.rules.delivery._http import exchanges, host_of, is_bare, path_of
from tshark_report.story.words import duration
from tshark_report.tables.tables import Tables

CALL_BACK_S = 600.0
"""A host that fetches a file from somebody who sent it requests so shortly before was probably told to."""
WEB_PORTS = (80, 443, 3128, 8080)

_KNOWN = load("downloads")
PROGRAM_ENDINGS = frozenset(_KNOWN["endings"]["program"])
SCRIPT_ENDINGS = frozenset(_KNOWN["endings"]["script"])
HARMLESS_ENDINGS = frozenset(_KNOWN["endings"]["harmless"])
HARMLESS_TYPES = re.compile(_KNOWN["types"]["harmless"], re.I)
TOOL_AGENTS = re.compile("|".join(_KNOWN["agents"]["tools"]), re.I)
UPDATER_AGENTS = re.compile("|".join(_KNOWN["agents"]["updaters"]), re.I)
UPDATE_PATHS = re.compile("|".join(_KNOWN["paths"]["updates"]), re.I)
LOADERS = re.compile("|".join(_KNOWN["paths"]["loaders"]), re.I)
BOOT_NAMES = re.compile("|".join(_KNOWN["paths"]["boot"] + _KNOWN["paths"]["loaders"]), re.I)
_SYSTEM_AGENT = re.compile(r"^Mozilla/4\.0 \(compatible; (MSIE [5-9]|Win32)", re.I)
"""What Windows' own download functions (URLDownloadToFile, WinInet) send for a program that sets nothing else."""
ODD_AGENT = re.compile(r"[A-Za-z0-9]{12,}\Z")
"""One word of letters and digits: no product, no version."""


_PLAIN_ENDINGS = frozenset(
    ["gif", "jpg", "jpeg", "png", "bmp", "ico", "pdf", "mp3", "mp4", "doc", "docx", "xls", "xlsx"]
)
"""Endings that nobody gives a script by mistake."""


def is_updater(d: Delivery) -> bool:
    """Did a program fetch this whose work that is, from a server that it calls by name?"""
    if UPDATE_PATHS.search(path_of(d.uri)) and "filestreamingservice" in d.uri:
        return True
    return not is_bare(d.host) and bool(UPDATER_AGENTS.search(d.user_agent) or UPDATE_PATHS.search(path_of(d.uri)))


def shown_name(d: Delivery) -> str:
    """The name under which it came: the last part of the path, or what the server called it."""
    return d.disposition or d.name


def disguise(d: Delivery) -> str:
    """What name or declared type promise that the content is not; empty where they do not contradict it."""
    if d.category not in ("program", "code", "script", "carrier"):
        return ""
    own = ending(path_of(d.uri) if d.protocol == "http" else d.name)
    told = ending(d.disposition)
    parts = []
    harmless = own in HARMLESS_ENDINGS and told not in PROGRAM_ENDINGS | SCRIPT_ENDINGS
    if d.category == "program":
        packed = d.what.startswith("Android package") and (own == "zip" or "zip" in d.declared)
        if packed:
            return ""
        if harmless:
            parts.append(f"the name ends in .{own}")
        elif told in HARMLESS_ENDINGS:
            parts.append(f"the server calls it {d.disposition}")
        typed = d.declared and HARMLESS_TYPES.match(d.declared)
        # A server that knows no type for a program may say text/html; only a name that says program excuses it.
        if typed and not (
            d.declared.lower().startswith("text/") and (own in PROGRAM_ENDINGS or told in PROGRAM_ENDINGS)
        ):
            parts.append(f"it is declared as {d.declared}")
    elif harmless and own in _PLAIN_ENDINGS:
        if d.what.startswith(("Office", "old Office", "ZIP")):
            return ""
        parts.append(f"the name ends in .{own}")
    elif d.declared.lower().startswith(("image/", "audio/", "video/", "font/")):
        parts.append(f"it is declared as {d.declared}")
    shown = shown_name(d)
    if (
        not parts
        and d.category == "program"
        and re.search(r"\.(pdf|docx?|xlsx?|jpe?g|png|gif|txt|mp[34]|html?)[ _]*\.(exe|scr|com|pif|cpl)$", shown, re.I)
    ):
        parts.append(f"the name {shown} has two endings")
    if "\u202e" in shown or "%e2%80%ae" in d.uri.lower():
        parts.append("the name holds a character that turns the writing direction")
    return " and ".join(parts)


def own_name_redirect(d: Delivery, tables: Tables) -> bool:
    """Did a named host send the client on to this file under the same name, as caches of providers do?"""
    name = path_of(d.uri).rsplit("/", 1)[-1]
    if not name or ending(name) not in PROGRAM_ENDINGS:
        return False
    moved = exchanges(tables).filter(
        (pl.col("client") == d.client) & (pl.col("time") <= d.start) & pl.col("location").is_not_null()
        & (pl.col("host") != "")
    )  # fmt: skip
    return any(
        not is_bare(host) and host_of(location) == d.server and path_of(uri).rsplit("/", 1)[-1] == name
        and path_of(location).rsplit("/", 1)[-1] == name
        for host, uri, location in moved.select("host", "uri", "location").iter_rows()
    )  # fmt: skip


def called_back(d: Delivery, tables: Tables) -> tuple[int, float] | None:
    """(frame, seconds before) of a connection that the delivery's server opened to its client shortly before."""
    sessions = tables.tcp_sessions.filter(
        (pl.col("client") == d.server) & (pl.col("server") == d.client) & (pl.col("start") <= d.start)
        & (pl.col("start") >= d.start - CALL_BACK_S) & (pl.col("client_payload") > 0)
    )  # fmt: skip
    if sessions.is_empty():
        return None
    last = sessions.sort("start").row(-1, named=True)
    return last["first_frame"], d.start - last["start"]


def signs(d: Delivery, tables: Tables, context: Context) -> list[tuple[int, str]]:
    """What is unusual about how a file came over HTTP: points and words. Points add up to a priority."""
    found: list[tuple[int, str]] = []
    bare, outside = is_bare(d.host), context.is_outside(d.server)
    if bare:
        found.append((2 if outside else 1, f"the server was called by its bare address {d.server}"))
    elif _dynamic(d.host):
        found.append((2, f"{d.host} is a dynamic DNS name"))
    if d.port and d.port not in WEB_PORTS and (bare or outside):
        found.append((1, f"port {d.port}"))
    agent = d.user_agent
    if not agent:
        found.append((1, "no User-Agent"))
    elif "powershell" in agent.lower() or "certutil" in agent.lower():
        found.append((2, f"user agent {agent}"))
    elif ODD_AGENT.match(agent):
        found.append((2, f"user agent {agent}, a single word"))
    elif d.category == "code" and "java" in agent.lower() and not bare:
        pass  # Java applications fetch their classes so
    elif TOOL_AGENTS.search(agent):
        found.append((1, f"user agent {agent}"))
    elif not d.referer and outside and not UPDATER_AGENTS.search(agent):
        found.append((1, "no Referer"))
    if d.method == "POST" and not d.from_client:
        found.append((1, "it answered a POST"))
    path = path_of(d.uri)
    if d.category == "program" and LOADERS.search(path) and not (bare and outside):
        found.append((-3, "the path is that of a boot loader or kernel"))
    if bare and outside and own_name_redirect(d, tables):
        found.append((-2, "a named host redirected to it under the same file name"))
    own = ending(path)
    unnamed = own not in PROGRAM_ENDINGS | SCRIPT_ENDINGS if d.category == "program" else False
    if unnamed and own == "" and "ELF" in d.what and not bare:
        unnamed = False
    if (unnamed or (d.category == "program" and own in ("php", "js", "py", "pl", "rb"))) and not d.from_client:
        found.append((1, "the path names no program"))
        if outside and not d.referer and not is_updater(d) and (not agent or _SYSTEM_AGENT.search(agent)):
            found.append(
                (1, "no page led to it, and the User-Agent is " + ("missing" if not agent else "the system's own"))
            )
    back = called_back(d, tables)
    if back is not None:
        found.append((2, f"{d.server} had itself connected to {d.client} {duration(back[1])} before (frame {back[0]})"))
    if is_updater(d):
        found.append(
            (-4, f"user agent {agent} is that of an updater" if agent else "the path is that of an update service")
        )
    return found


def points(found: list[tuple[int, str]]) -> int:
    """The sum of the signs."""
    return sum(number for number, _ in found)


def _dynamic(host: str) -> bool:
    return bool(within(host, frozenset(load("dynamic_dns")["providers"]["suffixes"])))
