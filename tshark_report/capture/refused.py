"""What tshark refuses of what a user passed through: which option it means, and how to find the right word for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tshark_report.errors import FilterRejected

if TYPE_CHECKING:
    from tshark_report.capture.dissect import Options

NO_PROFILE = re.compile(r"Configuration Profile|profile .* does not exist", re.IGNORECASE)
NO_PREFERENCE = re.compile(r"-o flag|preference")
NO_DECODE_AS = re.compile(r"layer type|Unknown protocol|decode.as|doesn't follow the template", re.IGNORECASE)
NO_FIELD = re.compile(r"fields aren't valid")

VERSIONS_DIFFER = "a name that this tshark version does not have"


def refused(complaint: str, options: Options, fields: Sequence[str] = ()) -> FilterRejected:
    """The error that says which of the user's own words tshark does not accept.

    `complaint` is what tshark said; `fields` are those that were asked for by name.
    """
    if options.profile and NO_PROFILE.search(complaint):
        return FilterRejected(
            "there is no such Wireshark profile",
            detail=options.profile,
            causes=("a misspelt name", "the profile is another user's"),
            next_step="tshark -G folders shows where the profiles are: each is a folder below `profiles`",
        )
    if options.preferences and NO_PREFERENCE.search(complaint):
        return FilterRejected(
            "tshark does not accept a preference",
            detail=f"{complaint} (given: {'; '.join(options.preferences)})",
            causes=("not of the form NAME:VALUE", "a misspelt name", VERSIONS_DIFFER),
            next_step="tshark -G defaultprefs | grep NAME",
        )
    if options.decode_as and NO_DECODE_AS.search(complaint):
        return FilterRejected(
            "tshark does not accept a decode-as rule",
            detail=f"{complaint} (given: {'; '.join(options.decode_as)})",
            causes=("not of the form tcp.port==8884,ftp", "a misspelt layer or protocol", VERSIONS_DIFFER),
            next_step="tshark -G decodes | grep NAME",
        )
    if fields and NO_FIELD.search(complaint):
        listed = complaint.partition(":")[2].split()
        known = [name for name in listed if name in fields] or listed
        return FilterRejected(
            "tshark has no such field",
            detail=", ".join(known),
            causes=("a misspelt field", VERSIONS_DIFFER),
            next_step=f"tshark -G fields | cut -f 3 | grep {_word(known)}",
        )
    given = "; ".join(filter(None, (options.display_filter, *options.preferences, *options.decode_as, options.profile)))
    return FilterRejected(
        "tshark does not accept the filter" if options.display_filter else "tshark does not accept what was passed on",
        detail=f"{complaint} (given: {given})",
        causes=("a misspelt field or protocol name", "a field that this tshark version does not have"),
        next_step="try the filter in Wireshark, or: tshark -r CAPTURE -Y 'FILTER' -c 1",
    )


def _word(fields: Sequence[str]) -> str:
    """The part of a field's name to look for in tshark's list: the protocol, which is rarely what is misspelt."""
    word = re.sub(r"[^0-9A-Za-z_-].*", "", fields[0]) if fields else ""
    return f"'^{word}'" if word else "NAME"
