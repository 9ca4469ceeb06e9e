"""The report as data: every renderer reads this and nothing else.

The shape is a public interface. Field names keep their meaning; fields may be
added. Times are UTC, ISO 8601 with microseconds; sizes are bytes and durations
seconds, both plain numbers. Text that came from the wire stands here raw, with
invalid UTF-8 replaced: escaping is the work of the renderer that knows where the
text will stand.
"""

from __future__ import annotations

from tshark_report.report.model.basics import (
    CONFIDENCES,
    PRIORITIES,
    Cell,
    CheckStatus,
    Column,
    ColumnType,
    Confidence,
    Layer,
    LineUpMark,
    Model,
    Priority,
    Table,
)
from tshark_report.report.model.capture import (
    CaptureInfo,
    CarriedFile,
    Host,
    Vlan,
)
from tshark_report.report.model.findings import (
    Check,
    Finding,
    Indicator,
    Innocent,
    LayerDetail,
    LineUp,
    LineUpColumn,
    PacketDetail,
    Reference,
    StartingPoint,
    Verdict,
)
from tshark_report.report.model.focus import (
    Focus,
    FocusClient,
    FocusHidden,
    FocusMatch,
    FocusMissing,
)
from tshark_report.report.model.health import (
    DnsName,
    DnsView,
    PathTiming,
    TransportHealth,
)
from tshark_report.report.model.held_against import (
    ExpectedRow,
    ExpectedView,
    Lowered,
    NormalNews,
    NormalView,
)
from tshark_report.report.model.statistics import (
    Conversation,
    Endpoint,
    ExpertRow,
    HierarchyRow,
    PortRow,
    ProtocolNote,
    Statistics,
    TotalRows,
    Traffic,
    TrafficSeries,
)
from tshark_report.report.model.whole import (
    SCHEMA_VERSION,
    Command,
    Report,
    Ticket,
    Tool,
    schema,
)

__all__ = [
    "CONFIDENCES",
    "CaptureInfo",
    "CarriedFile",
    "Cell",
    "Check",
    "CheckStatus",
    "Column",
    "ColumnType",
    "Command",
    "Confidence",
    "Conversation",
    "DnsName",
    "DnsView",
    "Endpoint",
    "ExpectedRow",
    "ExpectedView",
    "ExpertRow",
    "Finding",
    "Focus",
    "FocusClient",
    "FocusHidden",
    "FocusMatch",
    "FocusMissing",
    "HierarchyRow",
    "Host",
    "Indicator",
    "Innocent",
    "Layer",
    "LayerDetail",
    "LineUp",
    "LineUpColumn",
    "LineUpMark",
    "Lowered",
    "Model",
    "NormalNews",
    "NormalView",
    "PRIORITIES",
    "PacketDetail",
    "PathTiming",
    "PortRow",
    "Priority",
    "ProtocolNote",
    "Reference",
    "Report",
    "SCHEMA_VERSION",
    "StartingPoint",
    "Statistics",
    "Table",
    "Ticket",
    "Tool",
    "TotalRows",
    "Traffic",
    "TrafficSeries",
    "TransportHealth",
    "Verdict",
    "Vlan",
    "schema",
]
