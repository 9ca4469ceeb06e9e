"""Did Kerberos refuse tickets for another reason than a wrong password?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, cut, frame_numbers, hosts_text, listed, number, when
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

ERRORS = Threshold(3, "answers", "a ticket that ran out, or one name that does not exist, costs one or two")

SKEW, NOT_YET = 37, 33
CODES: dict[int, str] = {
    NOT_YET: "KRB_AP_ERR_TKT_NYV: the ticket is not valid yet, the clocks differ",
    SKEW: "KRB_AP_ERR_SKEW: the clocks differ too much",
    7: "KDC_ERR_S_PRINCIPAL_UNKNOWN: no such service",
    9: "KDC_ERR_NULL_KEY: the account has no key",
    12: "KDC_ERR_POLICY: forbidden by policy",
    14: "KDC_ERR_ETYPE_NOSUPP: no common cipher",
    15: "KDC_ERR_SUMTYPE_NOSUPP: no common checksum",
    16: "KDC_ERR_PADATA_TYPE_NOSUPP: no such way to log in",
    29: "KDC_ERR_SVC_UNAVAILABLE: the service is not available",
    31: "KRB_AP_ERR_BAD_INTEGRITY: cannot be decrypted with the service's key",
    41: "KRB_AP_ERR_MODIFIED: made for another key than the service's",
    44: "KRB_AP_ERR_BADKEYVER: made for an older key of the service",
    62: "KDC_ERR_CLIENT_NOT_TRUSTED: the client's certificate is not trusted",
}
"""Errors of RFC 4120, section 7.5.9, and RFC 4556 that an administrator has to mend. Wrong passwords are other rules'
matter; 25 (preauthentication required), 52 (answer too large for UDP), 68 (other realm) 32 (expired) are ordinary."""
CLOCKS = (SKEW, NOT_YET)
SERIOUS = (*CLOCKS, 14, 29, 31, 41, 44, 62)
"""Those after which nothing works until somebody acts; an unknown service is often asked for in vain and in passing."""


@rule(
    code="APP008",
    name="kerberos-errors",
    family="transport",
    title="Kerberos refused tickets for another reason than a wrong password",
    question="Did Kerberos refuse tickets for another reason than a wrong password?",
    answers=("Q7",),
    why=(
        "Without a ticket, logins and file shares of a domain fail or fall back to weaker ways. The error code says "
        "what is wrong: clocks that differ by more than five minutes, a service that the domain does not know, keys or "
        "ciphers that do not fit. Network and server delivered it well."
    ),
    innocent=(
        Innocent(
            explanation="A client that was asleep asks with the wrong time before it has set its clock.",
            tell_apart="It ends by itself within a minute, after NTP was asked.",
        ),
        Innocent(
            explanation="Programs ask for a service by an alias or an address, are refused, and go on with NTLM.",
            tell_apart="Error 7 for one name, and the connection works all the same.",
        ),
    ),
    confirm=(
        "Compare the clocks of the client and the domain controller (w32tm /query /status, chronyc tracking).",
        "Look up the service principal name on the domain controller (setspn -Q), and the ciphers of its account.",
    ),
    references=(
        Reference(
            title="RFC 4120: Kerberos V5, section 7.5.9", url="https://www.rfc-editor.org/rfc/rfc4120#section-7.5.9"
        ),
    ),
    needs=("kerberos",),
    fields=("kerberos.error_code",),
    thresholds={"errors": ERRORS},
    weight=23,
)
def kerberos_errors(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and kind of error: the clock, or the rest."""
    errors = tables.kerberos.filter(pl.col("error").is_in(list(CODES)) & pl.col("dst").is_not_null())
    errors = errors.with_columns(pl.col("error").is_in(CLOCKS).alias("clock"))
    groups = errors.group_by("dst", "clock").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("errors"))
    ordered = groups.sort(["clock", "n", "dst"], descending=[True, True, False]).head(FINDINGS)
    for client, clock_, number_of in ordered.iter_rows():
        yield _draft(
            context, client, clock_, number_of, errors.filter((pl.col("dst") == client) & (pl.col("clock") == clock_))
        )


def _draft(context: Context, client: str, clocks: bool, number_of: int, rows: pl.DataFrame) -> Draft:
    servers = [str(s) for s in rows["src"].unique(maintain_order=True).to_list()]
    counted = rows["error"].value_counts(sort=True)
    told = listed([f"{n:,} x {CODES[e]}" for e, n in counted.iter_rows()], 3)
    services = [cut(s, 60) for s in rows["service"].drop_nulls().unique(maintain_order=True).to_list()]
    priority: Priority = "medium" if clocks else "low" if set(counted["error"].to_list()) & set(SERIOUS) else "info"
    for_what = f" for {listed(services, 3)}" if services else ""
    return Draft(
        subject=f"{client} clock" if clocks else client,
        hosts=(client, *servers[:4]),
        title="Kerberos refused tickets because clocks differ" if clocks else "",
        summary=(
            f"{hosts_text(servers)} refused {count(number_of, 'Kerberos request')} of {context.named(client)}{for_what}"
            f", from {clock(number(rows['time'].min()))} to {clock(number(rows['time'].max()))} UTC: {told}."
            + (" Kerberos allows five minutes between the two clocks." if clocks else "")
        ),
        sentence=f"{context.named(client)} began to be refused Kerberos tickets by {hosts_text(servers, 2)} ({told})",
        priority=priority,
        confidence="high" if clocks else "medium",
        display_filter=filters.all_of(
            filters.dst(client), filters.one_of("kerberos.error_code", sorted(set(counted["error"].to_list())))
        ),
        frames=frame_numbers(rows),
        evidence=evidence(
            (("frame", "frame"), ("time", "time"), ("server", "address"), ("service", "text"), ("error", "text")),
            [
                (r["frame"], when(r["time"]), r["src"], cut(r["service"], 60), f"{CODES[r['error']]} ({r['error']})")
                for r in rows.iter_rows(named=True)
            ],
        ),
    )
