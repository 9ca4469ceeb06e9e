"""HTTP requests with their answers, one row each, for the rules about downloads."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from tshark_report.settings import is_address
from tshark_report.tables.tables import Tables

EXCHANGE_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "client": pl.String(),
    "server": pl.String(),
    "port": pl.UInt16(),
    "stream": pl.UInt32(),
    "method": pl.String(),
    "host": pl.String(),
    "uri": pl.String(),
    "user_agent": pl.String(),
    "referer": pl.String(),
    "sent_length": pl.Int64(),
    "answer_frame": pl.UInt32(),
    "answer_time": pl.Float64(),
    "status": pl.Int64(),
    "content_type": pl.String(),
    "length": pl.Int64(),
    "encoding": pl.String(),
    "location": pl.String(),
    "first": pl.Boolean(),
    "next_frame": pl.UInt32(),
    "file_name": pl.String(),
}
"""One row a request. `host` is the Host header without its port, in lower case, or empty; `first` marks the
first request of its stream, `next_frame` is the next one; `file_name` is what Content-Disposition said, where the start
of the answer shows it.
Answers that tshark could not join (the capture is cut, or a packet is missing) are read from the stream's opening."""

_HEADER = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r?\n")
_FIELD = re.compile(
    rb"^(content-type|content-length|content-disposition|location|content-encoding):[ \t]*([^\r\n]*)\r?\n", re.I | re.M
)
_FILE_NAME = re.compile(r"filename\*?\s*=\s*(?:UTF-8'')?\"?([^\";\r\n]+)", re.I)


def exchanges(tables: Tables) -> pl.DataFrame:
    """HTTP requests and their answers in frame order; columns as in EXCHANGE_SCHEMA."""
    if _kept and _kept[0][0] is tables:
        return _kept[0][1]
    made = _made(tables)
    _kept[:] = [(tables, made)]
    return made


_kept: list[tuple[Tables, pl.DataFrame]] = []
"""The last tables and their exchanges: several rules ask for them in a row."""


def _made(tables: Tables) -> pl.DataFrame:
    http = tables.http.filter(pl.col("protocol") != "SSDP")
    asked = http.filter(pl.col("method").is_not_null() & pl.col("src").is_not_null())
    if asked.is_empty():
        return pl.DataFrame(schema=EXCHANGE_SCHEMA)
    # `[2001:db8::1]:80` and `name:80` lose the port; what the client wrote in capitals is the same name.
    host = pl.col("host").fill_null("").str.to_lowercase().str.replace(r"^\[([0-9a-f:.]+)\](:\d+)?$", "$1")
    host = pl.when(host.str.count_matches(":", literal=True) > 1).then(host).otherwise(host.str.replace(r":\d*$", ""))
    requests = asked.select(
        "frame", "time", "stream", "method", "uri", "user_agent", "referer", host.alias("host"),
        pl.col("src").alias("client"), pl.col("dst").alias("server"), pl.col("dst_port").alias("port"),
        pl.col("content_length").alias("sent_length"),
        (pl.int_range(pl.len()).over("stream") == 0).alias("first"),
        pl.col("frame").shift(-1).over("stream").alias("next_frame"),
    ).sort("frame")  # fmt: skip
    answered = http.filter((pl.col("status") >= 200) & pl.col("src").is_not_null()).sort("frame")
    nearest = requests.select(pl.col("frame").alias("near"), pl.col("frame").alias("at"), "stream", "client")
    answers = (
        answered.join_asof(
            nearest, left_on="frame", right_on="at", by_left=["stream", "dst"], by_right=["stream", "client"],
            strategy="backward", check_sortedness=False,
        )
        .select(
            pl.coalesce(pl.col("request_frame").cast(pl.UInt32, strict=False), "near").alias("asked"),
            pl.col("frame").alias("answer_frame"), pl.col("time").alias("answer_time"), "status", "content_type",
            pl.col("content_length").alias("length"), pl.col("content_encoding").alias("encoding"), "location",
        )
        .filter(pl.col("asked").is_not_null())
        .unique("asked", keep="first", maintain_order=True)
    )  # fmt: skip
    joined = requests.join(answers, left_on="frame", right_on="asked", how="left", maintain_order="left")
    joined = joined.with_columns(pl.lit(None, dtype=pl.String).alias("file_name"))
    return _from_openings(tables, joined.select(pl.col(n).cast(t) for n, t in EXCHANGE_SCHEMA.items()))


def _from_openings(tables: Tables, joined: pl.DataFrame) -> pl.DataFrame:
    """Fill in the file name of first answers, and everything of first answers that tshark did not join."""
    heads = tables.openings.filter(
        (pl.col("transport") == "tcp") & (pl.col("order") == 0) & (pl.col("data").bin.starts_with(b"HTTP/1."))
    )
    first = joined.unique("stream", keep="first", maintain_order=True).select(
        "stream", "server", pl.col("frame").alias("asked")
    )
    found = heads.join(first, left_on=["stream", "src"], right_on=["stream", "server"], how="inner")
    found = found.filter(pl.col("frame") > pl.col("asked"))
    if found.is_empty():
        return joined
    rows = []
    for asked, frame, time, data in found.select("asked", "frame", "time", "data").iter_rows():
        answer = read_answer(data)
        if answer is not None:
            rows.append(
                (
                    asked,
                    frame,
                    time,
                    answer.status,
                    answer.type,
                    answer.length,
                    answer.encoding,
                    answer.location,
                    answer.file_name,
                )
            )
    seen = pl.DataFrame(
        rows,
        schema={"asked": pl.UInt32(), "f_frame": pl.UInt32(), "f_time": pl.Float64(), "f_status": pl.Int64(),
                "f_type": pl.String(), "f_length": pl.Int64(), "f_encoding": pl.String(), "f_location": pl.String(),
                "f_name": pl.String()},
        orient="row",
    )  # fmt: skip
    joined = joined.join(seen, left_on="frame", right_on="asked", how="left", maintain_order="left")
    absent = pl.col("status").is_null()
    pairs = {"content_type": "f_type", "length": "f_length", "encoding": "f_encoding", "location": "f_location",
             "answer_frame": "f_frame", "answer_time": "f_time", "status": "f_status"}  # fmt: skip
    joined = joined.with_columns(
        pl.when(absent).then(own).otherwise(pl.col(name)).alias(name) for name, own in pairs.items()
    )
    return joined.with_columns(pl.col("f_name").alias("file_name")).select(*EXCHANGE_SCHEMA)


@dataclass(frozen=True)
class Answer:
    """What the start of an HTTP answer says."""

    status: int
    type: str | None = None
    length: int | None = None
    encoding: str | None = None
    location: str | None = None
    file_name: str | None = None


def read_answer(data: bytes) -> Answer | None:
    """The header of an HTTP/1 answer, as far as `data` shows it; None where it is none."""
    start = _HEADER.match(data)
    if start is None:
        return None
    head, end, _ = data[start.end() :].partition(b"\r\n\r\n")
    head += end  # a header field that the capture cuts has no end of line, and says nothing sure
    fields = {name.lower(): value.decode("utf-8", "replace").strip() for name, value in _FIELD.findall(head)}
    length = fields.get(b"content-length", "")
    named = _FILE_NAME.search(fields.get(b"content-disposition", ""))
    return Answer(
        int(start[1]),
        fields.get(b"content-type") or None,
        int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None,
        fields.get(b"content-encoding") or None,
        fields.get(b"location") or None,
        named[1].strip() if named else None,
    )


def is_bare(host: str | None) -> bool:
    """Was the server called by its address, or by no name at all?"""
    return not host or is_address(host)


def path_of(uri: str | None) -> str:
    """The path of a request, without the scheme and host that a proxy is sent, and without the query."""
    text = re.sub(r"^https?://[^/]*", "", uri or "", flags=re.I)
    return text.split("?", 1)[0].split("#", 1)[0] or "/"


def url_key(host: str | None, uri: str | None) -> str:
    """Host without port, path and query: requests, Referers and Locations name one page where these are equal."""
    text = uri or ""
    absolute = re.match(r"https?://([^/]*)(/.*)?$", text, re.I | re.S)
    if absolute:
        host, text = absolute[1], absolute[2] or "/"
    name = (host or "").lower()
    name = re.sub(r":\d*$", "", name) if name.count(":") == 1 else name
    return name + (text or "/")


def host_of(url: str | None) -> str:
    """The host of a Referer or Location in lower case, without port; "" where it names none."""
    found = re.match(r"(?:https?:)?//(?:[^/@]*@)?(\[[^\]]+\]|[^/:?#]+)", url or "", re.I)
    return found[1].strip("[]").lower() if found else ""
