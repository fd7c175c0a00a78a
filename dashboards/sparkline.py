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
    points = [
        f"{place * across:.1f},{22 - 20 * (value - low) / ((high - low) or 1):.1f}"
        for place, value in enumerate(months)
    ]
    lowest, highest = (captions.money(amount, language()) for amount in (low, high))
    label = tr("twelve months: from {low} to {high}", low=lowest, high=highest)
    return (
        f"<svg role='img' aria-label='{as_html(label)}' viewBox='-1 0 102 24' preserveAspectRatio='none'>"
        f"<polyline points='{' '.join(points)}'/></svg>"
    )
