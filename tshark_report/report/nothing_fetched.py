"""WeasyPrint's way to the network and to files, closed.

Imported only where a PDF is made: WeasyPrint takes most of a second to import.
"""

from __future__ import annotations

from typing import Any, NoReturn

from weasyprint.urls import URLFetcher


class NothingFetched(URLFetcher):  # type: ignore[misc]
    """Refuses every address, `file:` and `data:` too.

    A page names a file such as /etc/passwd, and WeasyPrint reads it, unless it is told not to.
    """

    def fetch(self, url: str, headers: Any = None) -> NoReturn:
        """Refuse.

        Raises:
            ValueError: always; WeasyPrint goes on without the resource.
        """
        raise ValueError("nothing is fetched for a report")
