"""Did a server show a certificate that no public authority would issue?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge.domains import registered_domain
from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.settings import is_address
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 8
NO_END = 253_402_214_400.0
"""9999-12-31, which RFC 5280 (section 4.1.2.5) gives to certificates without an end."""
DEFAULT_TEXTS = (
    "internet widgits pty ltd",
    "some-state",
    "default company ltd",
    "default city",
    "someorganization",
    "my company",
    "acme",
)
"""Values that openssl and its guides put in when nobody chooses others (openssl.cnf)."""
LABEL_MIN = 4
"""Characters from which a domain's name that is also the organisation's is no chance."""
ISSUER_IS_A_HOST = r"^CN=[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
"""Authorities have an organisation; Tor relays and home-made chains name a made-up host as their issuer."""
CERTIFICATE_SIGNS = (
    "valid for", "valid without end", "expired on", "not valid before", "before it was shown", "openssl's default",
    "dynamic-DNS", "its issuer",
)  # fmt: skip
"""Oddities of the certificate itself, as `_oddities` words them. No server name asked for, no host name in the subject
and a port of one's own are one and the same thing: backup, storage and management programs have all three."""
OWN_BY_HABIT = frozenset({25, 110, 143, 465, 587, 993, 995, 1433, 3306, 3389, 5432, 5985, 5986, 8006, 8009, 10000})
"""Mail, databases and remote administration make their own certificate when they are installed."""


@rule(
    code="TLS001",
    name="odd-certificates",
    family="checkins",
    title="A TLS server showed an odd certificate",
    question="Did a server show a certificate that no public authority would issue?",
    answers=("Q6", "Q12"),
    why=(
        "Remote-control programs bring a certificate of their own: self-signed, valid for decades, without a host "
        "name, made "
        "days before it was used. Public authorities sign host names, for about a year."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Appliances, cameras, storage boxes, test servers and VPN gateways sign their own certificates."
            ),
            tell_apart=(
                "The subject names the maker or the product, and the address belongs to the organisation or a known "
                "person."
            ),
        ),
        Innocent(
            explanation="A proxy of the organisation opens TLS and shows certificates of its own authority.",
            tell_apart="Then every server shows the same issuer.",
        ),
    ),
    confirm=(
        "Look the subject and the serial number up; some remote-control programs never change theirs.",
        "What did the client do before this session, and which process opened it?",
    ),
    references=(
        common.ENCRYPTED_CHANNEL,
        Reference(
            title="RFC 5280 Internet X.509 PKI Certificate Profile", url="https://www.rfc-editor.org/rfc/rfc5280"
        ),
        Reference(
            title="CA/Browser Forum Baseline Requirements, 6.3.2 validity",
            url="https://cabforum.org/working-groups/server/baseline-requirements/",
        ),
    ),
    needs=("certificates",),
    thresholds={
        "lifetime": Threshold(
            3650, "days", "Ten years: public authorities sign for 398 days at most, appliances mostly for less."
        ),
        "fresh": Threshold(2, "days", "A certificate that is younger was made for the occasion."),
        "siblings": Threshold(
            3, "names", "A client that uses so many other names of the certificate's domain uses that owner's service."
        ),
        "established": Threshold(
            365,
            "days",
            "A name that is only borrowed is noticed sooner; an old certificate belongs to a known service.",
        ),
        "oddities_high": Threshold(
            3, "oddities", "Self-signed and three more odd things: an analyst opens that first."
        ),
    },
    weight=72,
)
def odd_certificates(tables: Tables, context: Context) -> Iterator[Draft]:
    """Judges each server's certificate at the time of the capture."""
    keys = ["src", "src_port", "subject", "issuer", "serial"]
    drafts = []
    # Where both sides show one, the client's is no server's.
    asking = tables.tcp_sessions.filter(pl.col("syns") > 0).select(
        "stream",
        pl.col("client").alias("src"),
        pl.col("client_port").alias("src_port"),
        pl.lit("tcp").alias("transport"),
    )
    shown = tables.certificates.filter(pl.col("src").is_not_null())
    if shown.height:
        shown = shown.join(asking, on=asking.columns, how="anti", maintain_order="left")
    own = pl.col("self_signed") | ((pl.col("chain") == 1) & pl.col("issuer").str.contains(ISSUER_IS_A_HOST))
    outdated = shown.filter(_outside_its_dates() & ~own)
    outdated = outdated.filter(
        pl.col("src").is_in([a for a in outdated["src"].unique().to_list() if context.is_outside(a)])
    )
    if outdated.height:
        drafts.append(_outdated(tables, shown, outdated))
    for _, rows in shown.filter(own).group_by(keys, maintain_order=True):
        drafts.append(_draft(tables, context, rows))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _outside_its_dates() -> pl.Expr:
    return (pl.col("time") > pl.col("not_after")) | (pl.col("time") < pl.col("not_before"))


def _outdated(tables: Tables, shown: pl.DataFrame, rows: pl.DataFrame) -> Draft:
    """One finding for all certificates of authorities outside their dates: many of them mean a wrong clock."""
    clock = rows.height >= 3 and 2 * rows.height >= shown.height
    first = rows.row(0, named=True)
    server = common.server(tables, str(first["src"]), int(first["src_port"] or 0))
    expired = rows.filter(pl.col("time") > pl.col("not_after")).height
    named = rows["common_name"].unique(maintain_order=True).to_list()
    summary = (
        f"{rows.height} certificate{'s' * (rows.height > 1)} of {rows['src'].n_unique()} servers outside "
        f"({', '.join(words.cut(n, 60) for n in named[:3])}) were outside their dates when they were shown: "
        f"{expired} expired, "
        f"{rows.height - expired} not yet valid. First {server.words()}, valid from {words.day(first['not_before'])} "
        "to "
        f"{words.day(first['not_after'])}, shown on {words.day(first['time'])}."
    )
    if clock:
        summary += " As most certificates of this capture are, its clock is probably wrong."
    return Draft(
        subject="certificates outside their dates",
        hosts=(str(first["dst"]), str(first["src"])),
        title="TLS servers showed certificates outside their dates",
        summary=summary,
        sentence=f"{first['dst']} was shown a certificate outside its dates by {server.words()}",
        priority="info" if clock else "low",
        confidence="low" if clock else "medium",
        display_filter=filters.all_of("tls.handshake.certificate", filters.frames(rows["frame"].to_list()[:60])),
        frames=rows["frame"].to_list()[:60],
        evidence=evidence(
            [
                ("time", "time"),
                ("server", "address"),
                ("subject", "text"),
                ("valid from", "text"),
                ("valid to", "text"),
            ],
            [
                (r["time"], r["src"], words.cut(r["subject"]), words.day(r["not_before"]), words.day(r["not_after"]))
                for r in rows.iter_rows(named=True)
            ],
        ),
        lowered_because="The capture's clock is probably wrong." if clock else "",
        time=float(first["time"]),
    )


def _draft(tables: Tables, context: Context, rows: pl.DataFrame) -> Draft:
    row = rows.row(0, named=True)
    address, port, client = str(row["src"]), int(row["src_port"] or 0), str(row["dst"])
    server = common.server(tables, address, port)
    asked = _asked(tables, rows)
    odd = _oddities(context, server, row, asked, port)
    priority, confidence, lowered = _priority(context, server, row, odd, port, _siblings(tables, client, row))
    subject, issuer = str(row["subject"]), str(row["issuer"])
    signed = (
        f'self-signed certificate "{words.cut(subject)}"'
        if row["self_signed"]
        else f'certificate "{words.cut(subject)}" issued by "{words.cut(issuer)}"'
    )
    clients = rows["dst"].unique(maintain_order=True).to_list()
    until = "without end (9999-12-31)" if (row["not_after"] or 0) >= NO_END else f"to {words.day(row['not_after'])}"
    summary = (
        f"{server.words()} showed {', '.join(clients[:3])} the {signed}, valid from {words.day(row['not_before'])} "
        f"{until}, "
        f"in {rows.height} session{'s' * (rows.height > 1)} from {words.clock(row['time'])} UTC. "
        f"{'Odd: ' + '; '.join(odd) + '.' if odd else 'Nothing else about it is odd.'}{server.about()}"
    )
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        title="A TLS server showed a self-signed certificate" if row["self_signed"] else "",
        summary=summary,
        sentence=f"{client} was shown the {signed} by {server.words()}",
        priority=priority,
        confidence=confidence,
        display_filter=_filter(tables, rows, address, port),
        frames=rows["frame"].to_list(),
        evidence=evidence(
            [
                ("time", "time"),
                ("client", "address"),
                ("subject", "text"),
                ("issuer", "text"),
                ("valid from", "text"),
                ("valid to", "text"),
                ("serial", "hex"),
                ("frame", "frame"),
            ],
            [
                (
                    r["time"],
                    r["dst"],
                    words.cut(r["subject"]),
                    words.cut(r["issuer"]),
                    words.day(r["not_before"]),
                    words.day(r["not_after"]),
                    r["serial"],
                    r["frame"],
                )
                for r in rows.iter_rows(named=True)
            ],
        ),
        lowered_because=lowered,
        indicators=_indicators(server, row) if priority in ("high", "medium") else (),
        line_up=("x509sat.uTF8String", "x509sat.printableString", "x509af.utcTime"),
        time=float(row["time"]),
        weight=2 * len(odd),
    )


def _asked(tables: Tables, rows: pl.DataFrame) -> list[str] | None:
    """Server names that the clients of these sessions asked for; None where their hello is not in the capture."""
    hello = tables.tls.join(rows.select("stream").unique(), on="stream", how="semi").filter(
        pl.col("handshake").list.contains(1)
    )
    return [name for name in hello["server_name"].to_list() if name] if hello.height else None


def _oddities(
    context: Context, server: common.Server, row: dict[str, object], asked: list[str] | None, port: int
) -> list[str]:
    made = []
    if not row["self_signed"]:
        made.append("its issuer is no authority but a host name, as Tor relays have it")
    begin, end, now = row["not_before"], row["not_after"], float(str(row["time"]))
    common_name = str(row["common_name"] or "")
    alt_names = row["alt_names"]
    names = [common_name, *(alt_names if isinstance(alt_names, list) else [])]
    if isinstance(begin, float) and isinstance(end, float):
        days = (end - begin) / common.DAY
        if days >= context.limit("lifetime"):
            made.append("valid without end" if end >= NO_END else f"valid for {days / 365.25:.0f} years")
        if now > end:
            made.append(f"expired on {words.day(end)}, before this capture")
        if now < begin:
            made.append(f"not valid before {words.day(begin)}, after this capture")
        elif now - begin < context.limit("fresh") * common.DAY:
            made.append(
                f"made {words.seconds(now - begin)} before it was shown"
                if now - begin < 7200
                else f"made {(now - begin) / 3600:.0f} hours before it was shown"
            )
    if not any(_host_name(name) for name in names):
        made.append(f'"{words.cut(common_name, 60)}" is no host name' if common_name else "it names no host")
    if any(text in str(row["subject"]).lower() for text in DEFAULT_TEXTS):
        made.append("its subject holds openssl's default values")
    if asked is not None and not asked:
        made.append("the client asked for no server name")
    elif asked and not any(_matches(name, names) for name in asked):
        made.append(f"the client asked for {words.cut(asked[0], 60)}")
    if not known.usual_port("TLS", port):
        made.append(f"port {port} is unusual for TLS")
    if server.dynamic:
        made.append("the server's name is a dynamic-DNS name")
    return made


def _host_name(name: str) -> bool:
    return bool(re.fullmatch(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", name)) and not is_address(name)


def _matches(asked: str, names: list[str]) -> bool:
    asked = asked.lower().rstrip(".")
    for name in names:
        plain = name.lower()
        if plain == asked or (plain.startswith("*.") and asked.split(".", 1)[-1] == plain[2:]):
            return True
    return False


def _age(row: dict[str, object]) -> float:
    """Seconds between the beginning of the certificate's validity and the moment at which it was shown."""
    begin, now = row["not_before"], row["time"]
    return now - begin if isinstance(begin, float) and isinstance(now, float) else 0.0


def _names_its_owner(row: dict[str, object]) -> bool:
    """Does the certificate name an organisation, and a host under the domain of the same name?"""
    domain = registered_domain(str(row["common_name"] or "").lower().removeprefix("*.")) or ""
    organisation = re.search(r"(?:^|, )O=([^,]+)", str(row["subject"]))
    label = domain.split(".", 1)[0]
    return organisation is not None and len(label) >= LABEL_MIN and label == _letters(organisation[1])


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _siblings(tables: Tables, client: str, row: dict[str, object]) -> int:
    """How many names below the certificate's own domain this client asked for, in DNS or TLS, besides that name."""
    own = str(row["common_name"] or "").lower().removeprefix("*.")
    domain = registered_domain(own) if _host_name(own) else None
    if domain is None:
        return 0
    mine = pl.col("src") == client
    asked = {
        *tables.dns.filter(mine & ~pl.col("response").fill_null(value=False))["name"].drop_nulls().to_list(),
        *tables.tls.filter(mine)["server_name"].drop_nulls().to_list(),
    }
    return len({n.lower() for n in asked if n.lower() != own and n.lower().endswith("." + domain)})


def _priority(
    context: Context, server: common.Server, row: dict[str, object], odd: list[str], port: int, siblings: int
) -> tuple[Priority, Confidence, str]:
    if not context.is_outside(server.address):
        return "info", "high", "The server is in the home network, where self-signed certificates are common."
    if server.polling:
        return "info", "medium", f"{server.name} is a well-known service: {server.polling}."
    if port in OWN_BY_HABIT:
        return "low", "medium", "Services on this port make their own certificate when they are installed."
    if siblings >= context.limit("siblings"):
        return "low", "medium", f"The client uses {siblings} other names of the domain that the certificate names."
    if known.vendor_dynamic_dns(server.name):
        return "low", "medium", "The name is one that a vendor gives to its own devices."
    if len(odd) >= context.limit("oddities_high") and row["self_signed"]:
        if not any(sign in text for text in odd for sign in CERTIFICATE_SIGNS):
            return "medium", "medium", "Its oddities are those of any program that does not speak to web browsers."
        if _names_its_owner(row):
            if _age(row) >= context.limit("established") * common.DAY:
                return "low", "medium", "The certificate, years old, names an organisation and the domain of that name."
            return "medium", "medium", "The certificate names an organisation and the domain of that name."
        return "high", "high", ""
    if odd and (row["self_signed"] or len(odd) >= context.limit("oddities_high")):
        return "medium", "medium", ""
    return "low", "medium", "A certificate of one's own making alone is common on small servers."


def _filter(tables: Tables, rows: pl.DataFrame, address: str, port: int) -> str:
    # Another certificate of the same server, or one that could not be read, is another finding.
    others = tables.family("certificates").filter(
        (pl.col("src") == address) & (pl.col("src_port") == port) & pl.col("der").is_not_null()
    )
    parts = ["tls.handshake.certificate", filters.src(address), filters.src_port("tcp", port)]
    if others.height != rows.height:
        parts.append(filters.frames(rows["frame"].to_list()))
    return filters.all_of(*parts, common.not_quoted(tables))


def _indicators(server: common.Server, row: dict[str, object]) -> tuple[tuple[str, str], ...]:
    made = [common.indicator(server.address), ("certificate", f"{row['subject']} serial {row['serial']}")]
    return (*made, ("domain", server.name)) if server.name else tuple(made)
