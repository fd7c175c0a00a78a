"""An edition as one file: HTML that needs no network, tagged PDF with its charts as vectors, Markdown with outputs."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.core import csv_text
from reports.core.forms import Language
from reports.core.result import CutFacts
from reports.editions.blocks import Block
from reports.editions.changes import Change, changes
from reports.editions.facts import Facts, Format
from reports.formats.captions import word

_RUSSIAN = {
    "changed": "Что изменилось со среза",
    "figure": "показатель",
    "before": "было",
    "now": "стало",
    "difference": "разница",
    "unchanged": "ничего не изменилось со среза",
    "data": "данные",
}
_ENGLISH = {"changed": "Changed since cut", "unchanged": "nothing changed since cut"}


def written(
    form: Format, facts: Facts, blocks: Sequence[Block], language: Language, cut: CutFacts, before: Facts | None
) -> bytes:
    """Return the file's bytes; of the same cut and parameters they are the same."""
    changed = changes(before.figures, facts.figures) if before else []
    about = _about(facts, cut, language)
    context = {
        "facts": facts,
        "blocks": blocks,
        "language": language,
        "about": about,
        "before": before,
        "changed": changed,
        "word": lambda text: _word(text, language),
        "print": form == "pdf",
    }
    if form == "md":
        return _markdown(facts, blocks, about, before, changed, language).encode()
    text = _environment().get_template("edition.html").render(context)
    return text.encode() if form == "html" else _pdf(text, blocks, cut.taken_at)


def _word(text: str, language: Language) -> str:
    return (_RUSSIAN if language == "ru" else _ENGLISH).get(text) or word(text, language)


def _about(facts: Facts, cut: CutFacts, language: Language) -> list[tuple[str, str]]:
    taken = cut.taken_at.astimezone(ZoneInfo(cut.time_zone))
    closed = facts.closed_until or word("nothing", language)
    return [
        *(
            (word(name.replace("-", " ").replace("_", " "), language), value)
            for name, value in facts.parameters.items()
        ),
        (word("cut", language), str(facts.cut)),
        (word("taken at", language), f"{taken:%Y-%m-%d %H:%M:%S}"),
        (word("closed until", language), closed),
        (word("time zone", language), cut.time_zone),
    ]


@cache
def _environment() -> Environment:
    loader = PackageLoader("reports.editions", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _pdf(text: str, blocks: Sequence[Block], at: datetime) -> bytes:
    from weasyprint import HTML, Attachment

    data = [
        Attachment(
            string=csv_text.frame_csv(frame),
            name=f"{number:02}-{_file_name(name)}.csv",
            description=name,
            created=at,
            modified=at,
        )
        for number, (name, frame) in enumerate(((b.name, b.data) for b in blocks if b.data is not None), 1)
    ]
    pdf: bytes = HTML(string=text).write_pdf(attachments=data, pdf_variant="pdf/ua-1")
    return pdf


def _file_name(title: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in title.lower()).strip("-") or "chart"


def _markdown(
    facts: Facts,
    blocks: Sequence[Block],
    about: Sequence[tuple[str, str]],
    before: Facts | None,
    changed: Sequence[Change],
    language: Language,
) -> str:
    head = [f"# {facts.title}", "\n".join(f"- {label}: {value}" for label, value in about)]
    if before:
        title = _word("changed" if changed else "unchanged", language)
        rows = [f"| {c.figure} | {c.before} | {c.now} | {c.difference} |" for c in changed]
        names = " | ".join(_word(name, language) for name in ("figure", "before", "now", "difference"))
        table = [f"| {names} |", "|---|---:|---:|---:|", *rows] if rows else []
        head.append("\n".join([f"**{title} {before.cut}**", *(["", *table] if table else [])]))
    return "\n\n".join([*head, *(block.markdown for block in blocks)]) + "\n"
