"""Forms of what is agreed: subaccounts with their write-off limits, credit, status of an account.

The fields of a link and its limits start from what the ledger has, and all of them are sent:
what is left blank is no limit, not a limit left as it was.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import display, url_state
from dashboards.forms import subjects
from dashboards.forms.fields import Fields, Given
from dashboards.forms.money import named, open_brands
from dashboards.forms.posting import connected, terms
from dashboards.translations import sentence, tr
from ledger.postgres import account_queries, client_queries, desk_queries
from ledger.values.money import plain
from reports.core.report import Column

WINDOWS = {
    "order": "An order, at most",
    "day": "A day, at most",
    "week": "A week, at most",
    "month": "A month, at most",
    "total": "In all, at most",
}
DRAWS = ("payer_first", "own_first", "no link")
AGREED = ("draw", "priority", "only", "rules", "limits")
DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
AGREED_TERMS = (
    Column("state", "word", "State", "Состояние"),
    Column("limit", "money", "Limit", "Лимит"),
    Column("period_days", "number", "Days to pay", "Дней на оплату"),
    Column("valid_from", "date", "Valid from", "Действует с"),
    Column("valid_until", "date", "Valid until", "Действует по"),
    Column("recorded_at", "instant", "Recorded", "Записано"),
    Column("by", "text", "By", "Кто"),
)
STATUSES = ("open", "frozen", "closed")
LINKS = (
    Column("payer", "account", "Payer", "Плательщик"),
    Column("payer_name", "text", "Payer's name", "Имя плательщика"),
    Column("account", "account", "Pays for", "Платит за"),
    Column("account_name", "text", "Their name", "Чей счёт"),
    Column("draw", "text", "Drawn", "Порядок"),
    Column("priority", "number", "Priority", "Очередь"),
    Column("only", "text", "Only brands", "Только бренды"),
    Column("rules", "text", "Share, hours, services, group", "Доля, часы, услуги, группа"),
    Column("limits", "text", "Limits, and what is left", "Лимиты и остаток"),
)


def subaccounts(by: str) -> None:
    """Draw whom a payer pays for and how far, and the form that changes it for one subaccount, or for all together."""
    payer = subjects.account("Payer's account")
    if payer is None:
        return
    with connected() as connection:
        links = desk_queries.links(connection, payer["number"])
        limits: list[subjects.Row] = [limit.to_json() for limit in account_queries.limits(connection, payer["number"])]
    if links:
        ends = ("account", "account_name") if links[0]["payer"] == payer["number"] else ("payer", "payer_name")
        shown = [
            {**link}
            | {"only": ", ".join(link["brands"] or ()), "limits": _limits(link, limits), "draw": _drawn(link["draw"])}
            | {"rules": _rules(link)}
            for link in links
        ]
        columns = [column for column in LINKS if column.name in (*ends, *AGREED)]
        subjects.rows(shown, columns, key="links", leads=("account=payer", "for=account"))
        st.caption(tr("click a row to change it"))
    else:
        st.caption(tr("this account pays for nobody, and nobody pays for it"))
    for name in (None, *_groups(links, limits, payer["number"])):
        together = _limits({"payer": payer["number"], "account": None}, limits, name)
        if together:
            what = sentence("all that the payer pays") if name is None else sentence("group {name}", name=name)
            st.markdown(f"{what}: {together}")
    sub = subjects.account("Subaccount (blank: all that the payer pays)", "for")
    if sub is None and url_state.get("for"):
        return
    number = sub["number"] if sub else None
    group = None if sub else _group(_groups(links, limits, payer["number"]))
    link = next((link for link in links if (link["payer"], link["account"]) == (payer["number"], number)), None)
    now = {row["period"]: row for row in _of(limits, payer["number"], number, group)}
    started = {period: (row["amount"], row["count"]) for period, row in now.items()}

    def fill(fields: Fields) -> list[Given]:
        link_lines: list[Given] = [_link(fields, link)] if sub else []
        note = fields.text("note", "Note")
        common = {"payer": payer["number"], "by": by, **({"note": note} if note else {})}
        if sub:
            common["account"] = number
        if group:
            common["group"] = group
        if link_lines and link_lines[0]["draw"] is None and link is None:
            link_lines = []
        # Limits first: whoever is linked is linked within them.
        return [{**line, **common} for line in (*_limit_lines(fields.form, started), *link_lines)]

    terms("limits", fill, about=(payer["number"], number, group, link, started))


def _group(known: list[str]) -> str | None:
    """Draw the choice of a group with a shared budget; one that is not known yet may be written."""
    label = sentence("Group with a shared budget (blank: none)")
    chosen = st.selectbox(label, known, None, accept_new_options=True, placeholder=tr("none"), key="limits group")
    return str(chosen).strip() or None if chosen else None


def _groups(links: Sequence[subjects.Row], limits: Sequence[subjects.Row], payer: int) -> list[str]:
    of_links = {link["group_name"] for link in links if link["payer"] == payer and link["group_name"]}
    return sorted(of_links | {row["group"] for row in limits if row["payer"] == payer and row["group"]})


def _rules(link: subjects.Row) -> str:
    """Return a link's terms beside its brands, in a few words."""
    hours = link["hours"] or {}
    times = f"{hours['from']}–{hours['to']}" if hours and hours["from"] != hours["to"] else ""
    days = ", ".join(tr(DAYS[day]) for day in hours.get("days", ())) if len(hours.get("days", ())) < len(DAYS) else ""
    share = f"{plain(link['share'])} %" if link["share"] else ""
    group = tr("group {name}", name=link["group_name"]) if link["group_name"] else ""
    parts = [share, f"{days} {times}".strip(), ", ".join(link["services"] or ()), group]
    return " · ".join(part for part in parts if part)


def _link(fields: Fields, link: subjects.Row | None) -> Given:
    brands = open_brands()
    draw = fields.choice("draw", "Drawn", DRAWS, link["draw"] if link else DRAWS[0], shown=_drawn)
    priority = fields.number("priority", "Priority", link["priority"] if link else 1)
    only = fields.several("brands", "Only brands", brands, (link and link["brands"]) or (), blank="all")
    line: Given = {"type": "link", "draw": None if draw == DRAWS[-1] else draw, "brands": only or None}
    return line | _link_rules(fields, link or {}) | ({} if priority is None else {"priority": priority})


def _link_rules(fields: Fields, link: subjects.Row) -> Given:
    hours = link.get("hours") or {}
    share = fields.amount("share", "Share of a line, %", plain(link["share"]) if link.get("share") else "", blank="all")
    days = fields.several(
        "days", "Only days", list(DAYS), hours.get("days", ()), blank="all", shown=lambda d: tr(DAYS[d])
    )
    since = fields.text("from", "From time of day", hours.get("from", ""), blank="11:00")
    until = fields.text("to", "Until time of day", hours.get("to", ""), blank="16:00")
    services = fields.text(
        "services", "Only services (with commas)", ", ".join(link.get("services") or ()), blank="all"
    )
    group = fields.text("group", "Group", link.get("group_name") or "")
    when = {"days": days, "from": since, "to": until}
    hours = {name: value for name, value in when.items() if value}
    codes = [code.strip() for code in services.split(",") if code.strip()]
    return {"share": share or None, "when": hours or None, "services": codes or None, "group": group or None}


def _drawn(draw: str) -> str:
    return tr(draw).replace("_", " ")


def _limit_lines(form: str, started: dict[str, tuple[str | None, int | None]]) -> Iterator[Given]:
    for place, (period, label) in zip(st.columns(len(WINDOWS)), WINDOWS.items(), strict=True):
        amount, count = started.get(period, (None, None))
        with place:
            fields = Fields(form, 1)
            entered = (
                fields.amount(f"{period} amount", label, amount or "", blank="no limit") or None,
                fields.number(f"{period} count", "times", count, blank="no limit"),
            )
        if entered != (amount, count):
            yield {"type": "write_off_limit", "period": period, "amount": entered[0], "count": entered[1]}


def _limits(link: subjects.Row, limits: list[subjects.Row], group: str | None = None) -> str:
    return " · ".join(_limit(row) for row in _of(limits, link["payer"], link["account"], group))


def _of(limits: list[subjects.Row], payer: int, account: int | None, group: str | None) -> list[subjects.Row]:
    of = (payer, account, group)
    return [row for row in limits if (row["payer"], row["account"], row["group"]) == of]


def _limit(row: subjects.Row) -> str:
    parts = []
    if row["amount"] is not None:
        amount, left = (display.money(Decimal(row[name])) for name in ("amount", "left"))
        parts.append(tr("{amount}, left {left}", amount=amount, left=left))
    if row["count"] is not None:
        parts.append(tr("{n} times, left {left}", n=row["count"], left=row["left_count"]))
    return f"{tr(row['period'])} {'; '.join(parts)}"


def credit(by: str) -> None:
    """Draw the form of how far, how long and when an account may be below zero."""
    found = subjects.account()
    if found is None:
        return
    subjects.balances(found)
    with connected() as connection:
        agreed = client_queries.agreed(connection, found["number"])
    _agreed(agreed)
    last = agreed[0] if agreed else None

    def fill(fields: Fields) -> list[Given]:
        limit = fields.amount("limit", "Limit", plain(last["limit"]) if last else "", blank="10000.00")
        days = fields.number("period_days", "Days to pay", last and last["period_days"], blank="no period")
        since = fields.day("valid_from", "Valid from", last and last["valid_from"])
        until = fields.day("valid_until", "Valid until", last and last["valid_until"])
        given: Given = {"limit": limit or None, "period_days": days, "valid_until": until and until.isoformat()}
        if since is not None:
            given["valid_from"] = since.isoformat()
        note = fields.text("note", "Note")
        line = {"type": "credit_terms", "account": found["number"], "by": by, **given}
        return [line | ({"note": note} if note else {})]

    terms("credit", fill, about=found["number"])


def _agreed(agreed: Sequence[client_queries.AgreedTerms]) -> None:
    """Show what was agreed, the latest first, and whether the last of it is in force."""
    if not agreed:
        st.caption(tr("no credit was agreed yet"))
        return
    subjects.rows([dict(row) for row in agreed], AGREED_TERMS, key="agreed")
    last = agreed[0]
    if last["state"] == "begins_later":
        st.warning(sentence("what was saved last is not in force yet: it begins on {day}", day=last["valid_from"]))
    if last["state"] == "is_over":
        st.warning(sentence("what was saved last is not in force: it ended on {day}", day=last["valid_until"]))


def merge(by: str) -> None:
    """Draw the form that merges an account into another of the same client."""
    found = subjects.account()
    if found is None:
        return
    subjects.balances(found)

    def fill(fields: Fields) -> list[Given]:
        into = fields.text("into", "Into account (number or reference)")
        fields.text("note", "Note")
        line = {"type": "merge", "account": found["number"], "by": by, **fields.given}
        return [line | ({"into": named(into)} if into else {})]

    terms("merge", fill, about=found["number"])


def status(by: str) -> None:
    """Draw the form that freezes, opens or closes an account."""
    found = subjects.account()
    if found is None:
        return

    def fill(fields: Fields) -> list[Given]:
        fields.choice("status", "Status", STATUSES, found["status"])
        fields.text("note", "Note")
        return [{"type": "account_status", "account": found["number"], "by": by, **fields.given}]

    terms("status", fill, about=(found["number"], found["status"]))
