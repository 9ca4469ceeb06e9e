"""Cited frames layer by layer, decoded by pyshark.

pyshark takes about two milliseconds a packet and starts a tshark of its own, so it only
gets a small cut of the capture: the few frames that the starting points cite.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tshark_report.capture import fence
from tshark_report.capture.tshark import Tshark

FIELDS_A_LAYER = 40
LABEL_CHARACTERS = 200
NOT_SHOWN = ("payload", "segment_data", "data", "file_data", "reassembled_data")
"""Fields that are a packet's bytes over again, as hexadecimal."""
SECRET = re.compile(r"(?i)authori[sz]ation|password|passwd|passphrase|\bpass\b|cookie|credential|secret|token")
"""Lines that may hold a secret are left out; findings about logins name the user and mask the rest."""

Layers = list[tuple[str, list[str]]]
"""Layer name and its lines, as Wireshark's packet details show them."""


def layers(
    tshark: Tshark, path: Path, numbers: Sequence[int], seconds: float, env: Mapping[str, str], *, secrets: bool = False
) -> dict[int, Layers]:
    """Details of each frame of the small capture `path`, under its number in the original (`numbers`, in file order).

    Takes at most `seconds`. Where pyshark cannot be loaded or fails, what was decoded until then is returned: the
    details are an addition, and the report is whole without them. With `secrets`, lines that may hold one are kept.
    """
    with warnings.catch_warnings(), _quiet_loop(), fence.launcher(tshark.path, env, seconds) as program:
        warnings.simplefilter("ignore")
        return asyncio.run(_bounded(program, path, numbers, seconds, secrets))


@contextmanager
def _quiet_loop() -> Iterator[None]:
    """Nothing on stderr of a process that was ended with its pipes open: pyshark leaves those to the collector."""
    logger = logging.getLogger("asyncio")
    level, hook = logger.level, sys.unraisablehook
    logger.setLevel(logging.CRITICAL)
    sys.unraisablehook = lambda _: None
    try:
        yield
        gc.collect()
    finally:
        logger.setLevel(level)
        sys.unraisablehook = hook


async def _bounded(
    program: str, path: Path, numbers: Sequence[int], seconds: float, secrets: bool
) -> dict[int, Layers]:
    made: dict[int, Layers] = {}
    try:
        async with asyncio.timeout(seconds):
            await _read(program, path, numbers, made, secrets)
    except Exception:  # noqa: BLE001, S110 - a packet that pyshark cannot read must not cost the report
        pass
    return made


async def _read(program: str, path: Path, numbers: Sequence[int], made: dict[int, Layers], secrets: bool) -> None:
    import pyshark

    capture = pyshark.FileCapture(
        str(path), tshark_path=program, keep_packets=False, eventloop=asyncio.get_running_loop(),
        custom_parameters=["-n"],
    )  # fmt: skip
    waiting = iter(numbers)

    def keep(packet: Any) -> None:
        number = next(waiting, None)
        if number is not None:
            made[number] = [(_name(layer), _lines(layer, secrets)) for layer in packet.layers]

    try:
        await capture.packets_from_tshark(keep, packet_count=len(numbers))
    finally:
        await capture.close_async()


def _name(layer: Any) -> str:
    return str(layer.layer_name).upper()


def _lines(layer: Any, secrets: bool) -> list[str]:
    lines = []
    for name in layer.field_names:
        if name.rsplit(".", 1)[-1] in NOT_SHOWN:
            continue
        for field in layer.get_field(name).all_fields:
            text = str(field.showname or field.show or "").strip()
            if text and (secrets or not SECRET.search(text)):
                lines.append(text[:LABEL_CHARACTERS])
        if len(lines) >= FIELDS_A_LAYER:
            return [*lines[:FIELDS_A_LAYER], "..."]
    return lines
