"""One walk over every text of a model, so that nothing that treats text can forget a field."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

import msgspec

from tshark_report.report.model import Model

M = TypeVar("M", bound=Model)


@cache
def _free_fields(kind: type[Model]) -> tuple[str, ...]:
    """Fields that may hold free text; those with a fixed set of values stay as they are."""
    hints = get_type_hints(kind)
    return tuple(name for name in kind.__struct_fields__ if get_origin(hints[name]) is not Literal)


def map_text(model: M, change: Callable[[str], str]) -> M:
    """A copy of `model` with `change` applied to every free text in it, at any depth."""
    return _model(model, change)


def _model(model: M, change: Callable[[str], str]) -> M:
    changed: dict[str, Any] = {}
    for name in _free_fields(type(model)):
        before = getattr(model, name)
        after = _value(before, change)
        if after is not before:
            changed[name] = after
    return msgspec.structs.replace(model, **changed) if changed else model


def _value(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Model):
        return _model(value, change)
    if isinstance(value, (list, tuple)):
        items = [_value(item, change) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return items if isinstance(value, list) else tuple(items)
    return value
