"""A figure's course over a year, as a line beside it."""

from collections.abc import Sequence
from decimal import Decimal

from dashboards.translations import as_html, language, tr
from reports.formats import captions


def sparkline(months: Sequence[Decimal]) -> str:
    """Return a line of twelve months as a picture, from its lowest to its highest."""
    if len(months) < 3:
        return ""
    low, high = min(months), max(months)
    across = 100 / (len(months) - 1)
    points = [(place * across, 90 * (high - value) / ((high - low) or 1)) for place, value in enumerate(months)]
    line = points + [(x, y + 10) for x, y in reversed(points)]
    lowest, highest = (captions.money(amount, language()) for amount in (low, high))
    label = tr("twelve months: from {low} to {high}", low=lowest, high=highest)
    # A shape cut out of a box: Streamlit takes pictures (SVG) out of HTML.
    shape = ", ".join(f"{x:.1f}% {y:.1f}%" for x, y in line)
    return f"<div class='course' role='img' aria-label='{as_html(label)}' style='clip-path: polygon({shape})'></div>"
