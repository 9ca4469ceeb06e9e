"""What speaks for a name that somebody made for one purpose: signs that are weak alone and count together."""

from __future__ import annotations

import polars as pl

from tshark_report.knowledge.domains import registered_domain
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.tables.tables import Tables

FRESH_DAYS = 14.0
"""A certificate that is no older: names are mostly put to use within days, while a renewal falls into any one window of
14 days for one server in four to six (Let's Encrypt renews after 60 days, RFC 8555 clients after two thirds)."""
OTHERS_MIN = 3
"""Other clients that asked for names over TLS or HTTP, from which it says something that none asked for this one."""
SIGNS_MIN = 2
"""Signs that make a regular contact with a named server worth a look whatever its pace."""


def signs(tables: Tables, client: str, server: common.Server, moment: float) -> list[str]:
    """Signs about the name by which `client` reached `server`, each in a few words; empty for a bare address.

    `moment` (seconds since 1970) is that of the first contact: a certificate is judged by it, not by today.
    """
    if not server.name or server.polling:
        return []
    made = []
    suffix = server.name.rsplit(".", 1)[-1].lower()
    if suffix in _cheap():
        made.append(f".{suffix} is a suffix under which many names are registered for a short use")
    if registered_domain(server.name) == server.name:
        made.append("the name is a registered domain itself, while services of firms mostly have a name below theirs")
    if not made:
        # Without a sign in the name itself the others are those of any program that only one host has.
        return []
    age = _certificate_age(tables, server, moment)
    if age is not None and 0 <= age <= FRESH_DAYS:
        made.append(f"its certificate was {age:.0f} day{'s' * (round(age) != 1)} old")
    others = _clients(tables)
    rest = set(others) - {client}
    if len(rest) >= OTHERS_MIN and not any(server.name in others[each] for each in rest):
        made.append(f"none of the {len(rest)} other clients asked for it")
    return made


def _cheap() -> frozenset[str]:
    return known.names("short_use", "suffixes")


def asked_by(tables: Tables, name: str) -> int:
    """How many clients asked for a name, where they are most of all; 0 where they are few."""
    others = _clients(tables)
    asking = sum(name in names for names in others.values())
    return asking if name and asking >= OTHERS_MIN and 2 * asking > len(others) else 0


def _certificate_age(tables: Tables, server: common.Server, moment: float) -> float | None:
    """Days since the youngest certificate of the server began to be valid; None where none was seen."""
    shown = tables.certificates.filter((pl.col("src") == server.address) & (pl.col("src_port") == server.port))
    latest = shown["not_before"].max()
    return (moment - float(latest)) / common.DAY if isinstance(latest, int | float) else None


def _clients(tables: Tables) -> dict[str, set[str]]:
    """Client -> names that it asked for in TLS or HTTP."""
    kept: dict[str, set[str]] | None = tables.kept.get("names asked by clients")
    if kept is None:
        asked = pl.concat(
            [
                tables.tls.select("src", pl.col("server_name").alias("name")),
                tables.http.filter(pl.col("method").is_not_null()).select("src", pl.col("host").alias("name")),
            ]
        )
        kept = {}
        for client, name in asked.drop_nulls().unique().iter_rows():
            kept.setdefault(client, set()).add(name.split(":", 1)[0].lower())
        tables.kept["names asked by clients"] = kept
    return kept
