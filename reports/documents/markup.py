"""A page of HTML as WeasyPrint takes it, read and styled the short way: a third of a short paper's time.

What is well-formed XML, as our own templates are, is read by the XML reader, anything else by HTML's rules.
Elements get styles for notes and list markers only where the page or its style sheet asks for them (DECISIONS D49).
"""

import re
from functools import cache
from xml.etree.ElementTree import ParseError, fromstring

from cssselect2 import ElementWrapper
from weasyprint import CSS, HTML
from weasyprint.html import UA, UA_COUNTER_STYLE
from weasyprint.urls import URLFetcher

_NOTES = ("footnote", "note(", "list-item")


class Markup(HTML):  # type: ignore[misc]  # WeasyPrint has no types
    """A page of HTML with the style sheet it will get."""

    def __init__(self, html: str, css: str) -> None:
        try:
            root = fromstring(html)
        except ParseError:
            super().__init__(string=html, base_url=None, url_fetcher=fetcher())
        else:
            self.base_url, self.url_fetcher, self.media_type = None, fetcher(), "print"
            self.wrapper_element = ElementWrapper.from_html_root(root, content_language=None)
            self.etree_element = self.wrapper_element.etree_element
        self._whole = any(word in text for word in _NOTES for text in (html, css))

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:
        return list(super()._ua_stylesheets(forms)) if self._whole else [_without_notes()]


@cache
def _without_notes() -> CSS:
    """Return WeasyPrint's own style sheet without the rules that give every element six pseudo-elements."""
    short = re.sub(r"^::(foot)?note-.*$", "", UA, flags=re.MULTILINE)
    return CSS(string=short.replace("\n::marker", "\nli::marker"), counter_style=UA_COUNTER_STYLE)


@cache
def fetcher() -> URLFetcher:
    """Return what reads pictures: data URLs alone, so that nothing in a page or a logo reads a file or a network."""
    return URLFetcher(allowed_protocols={"data"}, fail_on_errors=False)
