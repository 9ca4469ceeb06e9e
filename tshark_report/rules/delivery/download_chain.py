"""Which pages and redirects led to a download, and what was sent away after it?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._delivery import Delivery
from tshark_report.rules.delivery._http import exchanges, host_of, path_of, url_key
from tshark_report.story.words import clock, count, duration, iso_time
from tshark_report.tables.tables import Tables

Exchange = Mapping[str, Any]
MOST_STEPS = 7
_PLUGIN = re.compile(r"shockwave-flash|java-archive|x-java|silverlight", re.I)
_PAYLOAD = re.compile(r"octet-stream|msdownload|dosexec|x-exe|force-download|binary", re.I)
_MEDIA_PATH = re.compile(
    r"\.(flv|mp4|mp3|ts|m4s|woff2?|ttf|eot|otf|bin|cab|zip|gz|pdf|crl|wasm|gif|png|jpe?g|ico|css|js)$", re.I
)


@dataclass(frozen=True)
class _Step:
    exchange: Exchange
    how: str
    """How the client came from here to the next: `redirect`, `link`, or only by the same server."""


@rule(
    code="DEL006",
    name="download-chain",
    family="delivery",
    title="A chain of pages and redirects led to a download that stands out",
    question="Did a visit to a page end, over links and redirects, in an odd download, and in a first upload?",
    answers=("Q1", "Q2", "Q3"),
    why=(
        "A program seldom comes alone: a search or a news page leads to a page that was changed, that sends the "
        "browser on to another host, which hands out the object; then the first message goes to a host never spoken "
        "to before."
    ),
    innocent=(
        Innocent(
            explanation="Download portals and link shorteners send a browser over several hosts to the chosen file.",
            tell_apart="The person wanted that file, name and type are right, and nothing new is contacted afterwards.",
        ),
        Innocent(
            explanation="Advertising loads Flash and data from hosts that the page does not show.",
            tell_apart="The data is a film or a picture by its content, and the host serves many sites.",
        ),
    ),
    confirm=(
        "Read the page before the odd host (Follow HTTP Stream): which link, frame or script leads there?",
        "Did other clients open the same page? Did they go the same way?",
        "Read the first upload after the object: what was sent, and who is its receiver?",
    ),
    references=(common.DRIVE_BY, common.HTTP_SEMANTICS, common.WEB_PROTOCOLS),
    needs=("http",),
    thresholds={
        "link_seconds": Threshold(600.0, "seconds", "A person reads a page for some minutes before following a link."),
        "redirect_seconds": Threshold(30.0, "seconds", "A browser follows a redirect at once."),
        "post_seconds": Threshold(600.0, "seconds", "Programs report within minutes of their start."),
        "kit_seconds": Threshold(
            120.0, "seconds", "Page, plug-in object and payload of one visit come within two minutes."
        ),
    },
    weight=84,
)
def download_chain(tables: Tables, context: Context) -> Iterator[Draft]:
    """Walks back from each odd download by Location and Referer, and forward to the first POST elsewhere."""
    asked = exchanges(tables)
    if asked.is_empty():
        return
    anchors: dict[int, tuple[Priority, Delivery | None, str]] = {}
    for one in grading.graded(tables, context):
        d = one.delivery
        if one.loud and d.protocol == "http" and not d.from_client and d.asked_frame is not None:
            anchors[d.asked_frame] = (one.priority, d, d.what)
    for frame, priority, words in _kits(asked, context.limit("kit_seconds")):
        anchors.setdefault(frame, (priority, None, words))
    told: set[tuple[str, str]] = set()
    made = 0
    for frame, (priority, source, words) in sorted(anchors.items(), key=lambda item: (item[1][0] != "high", item[0])):
        anchor = asked.filter(pl.col("frame") == frame).row(0, named=True)
        if (anchor["client"], anchor["server"]) in told or made >= common.MOST_FINDINGS:
            continue
        draft = _draft(tables, context, asked, anchor, priority, source, words)
        if draft is not None:
            told.add((anchor["client"], anchor["server"]))
            made += 1
            yield draft


def _draft(
    tables: Tables,
    context: Context,
    asked: pl.DataFrame,
    anchor: Exchange,
    priority: Priority,
    d: Delivery | None,
    words: str,
) -> Draft | None:
    own = asked.filter(pl.col("client") == anchor["client"])
    steps, outside = _back(own, anchor, context)
    post = _first_post(tables, own, anchor, context.limit("post_seconds"))
    hosts = {_host(step.exchange) for step in steps}
    if len(steps) + bool(outside) < 2 or (len(hosts) + bool(outside) < 2 and post is None):
        return None
    rows = [step.exchange for step in steps] + ([post] if post else [])
    wanted = [("tcp", row["stream"], None if row["first"] else row["frame"], _end(row)) for row in rows]
    wanted = list(dict.fromkeys(wanted))
    kept = [w for w in wanted if w[2] is None or (w[0], w[1], None, w[3]) not in wanted]
    what = f"{words}, {grading.amount(d)}" if d else words
    told = [f"{_shown(step.exchange)} ({clock(step.exchange['time'])}{_arrow(step)})" for step in steps]
    before = f"a page outside this capture ({common.cut(outside)}) -> " if outside else ""
    after = _after(post, anchor) if post else ""
    confidence: Confidence = "high" if d is not None and any(s.how for s in steps[:-1]) else "medium"
    path = " -> ".join(dict.fromkeys(_host(step.exchange) for step in steps))
    return Draft(
        subject=f"{anchor['client']} came to {_host(anchor)} by {count(len(steps), 'step')}",
        hosts=(anchor["client"], anchor["server"]),
        summary=(
            f"{anchor['client']} went {before}{' -> '.join(told)}, which brought {what}.{after} "
            f"The steps are joined by Location and Referer headers."
        ),
        sentence=(
            f"{anchor['client']} was led over {common.cut(path, 160)} to {common.cut(path_of(anchor['uri']), 60)} "
            f"({words}){_after_short(post, anchor) if post else ''}"
        ),
        priority=priority,
        confidence=confidence,
        display_filter=filters.any_of(*(common.stretch(*w) for w in kept)),
        frames=common.stretch_frames(tables, kept),
        evidence=evidence(
            [("time", "time"), ("frame", "frame"), ("request", "text"), ("server", "address"), ("port", "port"),
             ("status", "text"), ("type", "text"), ("bytes", "bytes"), ("leads on by", "text"), ("Referer", "text"),
             ("Location", "text")],
            [_row(s.exchange, s.how) for s in steps] + ([_row(post, "first upload after it")] if post else []),
        ),
        time=steps[0].exchange["time"],
        line_up=("http.request.full_uri", "http.referer", "http.location", "http.content_type", "http.user_agent"),
        weight=float(min(len(steps), 4)) + (3.0 if post else 0.0),
    )  # fmt: skip


def _row(r: Exchange, how: str) -> common.Row:
    return (
        iso_time(r["time"]), r["frame"], f"{r['method']} {_shown(r)}", r["server"], r["port"], str(r["status"] or ""),
        r["content_type"] or "", r["length"], how, common.cut(r["referer"] or "", 200),
        common.cut(r["location"] or "", 200),
    )  # fmt: skip


def _end(row: Exchange) -> int | None:
    return None if row["next_frame"] is None else row["next_frame"] - 1


def _host(row: Exchange) -> str:
    return str(row["host"] or row["server"])


def _shown(row: Exchange) -> str:
    port = f":{row['port']}" if row["port"] not in (80, None) else ""
    return common.cut(f"{_host(row)}{port}{re.sub(r'^https?://[^/]*', '', row['uri'] or '/')}", 90)


def _arrow(step: _Step) -> str:
    status = f", status {step.exchange['status']}" if step.how == "redirect" else ""
    return f", {step.how + ' on' if step.how in ('link', 'redirect') else step.how}{status}" if step.how else ""


def _back(own: pl.DataFrame, anchor: Exchange, context: Context) -> tuple[list[_Step], str]:
    """The steps to the anchor, first one first, and a Referer that leads out of the capture."""
    link, redirect, kit = (context.limit(f"{name}_seconds") for name in ("link", "redirect", "kit"))
    near = own.filter((pl.col("frame") < anchor["frame"]) & (pl.col("time") >= anchor["time"] - MOST_STEPS * link))
    earlier = list(near.iter_rows(named=True))
    steps = [_Step(anchor, "")]
    outside = ""
    while len(steps) < MOST_STEPS:
        now = steps[0].exchange
        before = [r for r in earlier if r["frame"] < now["frame"]]
        key = url_key(now["host"] or now["server"], now["uri"])
        sent_on = _latest(
            r for r in before
            if r["location"] and now["time"] - r["time"] <= redirect and _target(r) == key
        )  # fmt: skip
        if sent_on is not None:
            steps.insert(0, _Step(sent_on, "redirect"))
            continue
        if not now["referer"]:
            same = _latest(
                r for r in before
                if r["server"] == now["server"] and r["host"] == now["host"] and now["time"] - r["time"] <= kit
            )  # fmt: skip
            if same is None:
                break
            steps.insert(0, _Step(same, "same server, without Referer"))
            continue
        page = re.sub(r"^https?://", "", now["referer"], flags=re.I)
        wanted = url_key(page.split("/", 1)[0], "/" + page.split("/", 1)[1] if "/" in page else "/").split("#", 1)[0]
        linked = _latest(
            r for r in before
            if now["time"] - r["time"] <= link and url_key(r["host"] or r["server"], r["uri"]) == wanted
        )  # fmt: skip
        if linked is None:
            outside = now["referer"] if host_of(now["referer"]) not in {_host(r) for r in [now, *before]} else ""
            break
        steps.insert(0, _Step(linked, "link"))
    return steps, outside


def _latest(rows: Iterable[Exchange]) -> Exchange | None:
    found = None
    for row in rows:
        found = row
    return found


def _target(row: Exchange) -> str:
    """Where a redirect leads, as url_key writes it."""
    try:
        full = urljoin(f"http://{row['host'] or row['server']}{row['uri'] or '/'}", row["location"])
    except ValueError:
        return ""
    return url_key(None, re.sub(r"^https:", "http:", full, flags=re.I))


def _first_post(tables: Tables, own: pl.DataFrame, anchor: Exchange, within: float) -> Exchange | None:
    """The first POST after the anchor to its own server, or to one that the client had not spoken to before it."""
    start = anchor["answer_time"] if anchor["answer_time"] is not None else anchor["time"]
    posts = own.filter(
        (pl.col("method") == "POST") & (pl.col("frame") > anchor["frame"]) & (pl.col("time") >= start)
        & (pl.col("time") <= start + within)
    )  # fmt: skip
    if posts.is_empty():
        return None
    sent = (pl.col("src") == anchor["client"]) & (pl.col("frame") < anchor["frame"])
    before = near.packets(tables, sent, "dst")["dst"].unique()
    fresh = posts.filter((pl.col("server") == anchor["server"]) | ~pl.col("server").is_in(before.implode()))
    return fresh.row(0, named=True) if fresh.height else None


def _after(post: Exchange, anchor: Exchange) -> str:
    start = anchor["answer_time"] if anchor["answer_time"] is not None else anchor["time"]
    sent = f" with {post['sent_length']:,} bytes" if post["sent_length"] else ""
    known = "the same server" if post["server"] == anchor["server"] else "a server it had not spoken to before"
    return (
        f" {duration(post['time'] - start)} later came the first POST to {known}: {_shown(post)} at {post['server']} "
        f"port {post['port']}{sent} (frame {post['frame']})."
    )


def _after_short(post: Exchange, anchor: Exchange) -> str:
    start = anchor["answer_time"] if anchor["answer_time"] is not None else anchor["time"]
    return f", and {duration(post['time'] - start)} after it came first posted to {post['server']} port {post['port']}"


def _kits(asked: pl.DataFrame, within: float) -> list[tuple[int, Priority, str]]:
    """Plug-in object and payload from one host that another site led to: (frame of the payload, priority, words)."""
    kind = pl.col("content_type").fill_null("")
    answered = asked.filter((pl.col("status") == 200) & (pl.col("host") != "") & (pl.col("content_type").is_not_null()))
    suspects = answered.filter(kind.str.contains(f"(?i){_PLUGIN.pattern}"))
    if suspects.is_empty():
        return []
    found: list[tuple[int, Priority, str]] = []
    pairs = suspects.select("client", "host").unique(maintain_order=True).head(200)
    near = answered.join(pairs, on=["client", "host"], how="semi", maintain_order="left")
    for (_, host), rows in near.group_by("client", "host", maintain_order=True):
        one = list(rows.iter_rows(named=True))
        led = [r for r in one if host_of(r["referer"]) not in ("", host)]
        if not led:
            continue
        plugin = next((r for r in one if _PLUGIN.search(r["content_type"])), None)
        payload = next(
            (
                r for r in one
                if plugin is not None and _PAYLOAD.search(r["content_type"])
                and not _MEDIA_PATH.search(path_of(r["uri"])) and r["frame"] != plugin["frame"]
                and abs(r["time"] - plugin["time"]) <= within
            ),
            None,
        )  # fmt: skip
        if plugin is None or payload is None or (payload["length"] or 10_000) < 5_000:
            continue
        page = any((r["content_type"] or "").startswith("text/html") and r["frame"] < payload["frame"] for r in one)
        size = f"{payload['length']:,} bytes " if payload["length"] else ""
        declared, before = common.cut(payload["content_type"], 60), common.cut(plugin["content_type"], 60)
        words = f"{size}declared as {declared}, after a plug-in object ({before})"
        found.append((payload["frame"], "high" if page else "medium", words))
    return found
