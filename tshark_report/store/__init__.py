"""Tables of a read capture on disk: Parquet that others query, and a report told again without tshark.

One capture, one folder: a Parquet file for each table (docs/tables.md) and manifest.json. A caller that reads many
captures gives each its own folder, `OUT/tables/capture=KEY`, which Polars and DuckDB take for a partition column:

    from tshark_report import store
    from tshark_report.pipeline import tell
    from tshark_report.reading import opened

    with opened(request) as read:
        built = tell(request, read)
        store.write(out / "tables" / f"capture={key}", *read[:2], request, built.report, built.told)

`write` leaves a whole folder or none, and the same bytes for the same capture, options and versions. KEY may hold
letters, digits, `.`, `_` and `-`. `sweep(out / "tables")` removes what killed writers left, while none is at work.
`read(folder)` gives back what `tell(request, again.opened, told=again.told)` needs.
"""

from __future__ import annotations

from tshark_report.store.told import Told
from tshark_report.store.writing import check_target, sweep, write

__all__ = ["Told", "check_target", "sweep", "write"]
