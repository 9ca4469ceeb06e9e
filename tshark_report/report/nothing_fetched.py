"""WeasyPrint's way to the network and to files, closed.

Imported only where a PDF is made: WeasyPrint takes most of a second to import.
"""

from __future__ import annotations

from typing import Any

from weasyprint.urls import URLFetcher


class NothingFetched(URLFetcher):  # type: ignore[misc]
    """Refuses every address, `file:` too; only a picture that stands in the page itself is let through.

    A page names a file such as /etc/passwd, and WeasyPrint reads it, unless it is told not to.
    The picture is a logo in a template of the user's: text from the wire cannot become an element.
    """

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Refuse, but for `data:image/...`.

        Raises:
            ValueError: nearly always; WeasyPrint goes on without the resource.
        """
        if url.startswith("data:image/"):
            return super().fetch(url, headers)
        raise ValueError("nothing is fetched for a report")
