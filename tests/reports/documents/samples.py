"""Statements for tests, made of round figures that add up by construction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from reports.documents.statement import (
    ZERO,
    Age,
    Client,
    Credit,
    Due,
    Issuer,
    Operation,
    PaidLine,
    Statement,
    Summary,
    vat_by_rate,
)

SUSHI = Issuer(
    code="sushi",
    name="Sushi House",
    legal_name="ООО «Суши Хаус»",
    tax_id="7707083893",
    country="RU",
    address="115035, Москва, Космодамианская наб., д. 52, стр. 1",
    bank_details=(
        ("bank", "ПАО «Банк Пример»"),
        ("account", "40702810900000012345"),
        ("bic", "044525225"),
        ("correspondent_account", "30101810400000000225"),
    ),
    colour="#b3261e",
)
ROMASHKA = Client(
    name="Ромашка",
    legal_name="ООО «Ромашка»",
    kind="legal_entity",
    tax_id="7736050003",
    country="RU",
    address="117312, Москва, ул. Вавилова, д. 19",
    reference="romashka",
    email="buh@romashka.example",
)
PIZZA = Issuer(
    code="pizza",
    name="Пицца Рим",
    legal_name="ООО «Пицца Рим»",
    tax_id="7728168971",
    country="RU",
    bank_details=(("Основание без НДС", "УСН, п. 2 ст. 346.11 НК РФ"),),
)
RUSSIAN = (
    ("Банк", "ПАО «Банк Пример»"),
    ("Расчётный счёт", "40702810900000012345"),
    ("БИК", "044525225"),
    ("Корр. счёт", "30101810400000000225"),
    ("КПП", "770701001"),
    ("ОГРН", "1027700132195"),
    ("Город", "Москва"),
    ("Руководитель", "Иванов И. И."),
    ("Главный бухгалтер", "Петрова О. Н."),
)
DISHES = ("soup", "rolls", "salad", "noodles", "dumplings", "curry", "pie", "tea", "juice", "bread", "cake")
MONTH = (date(2017, 3, 1), date(2017, 3, 31))
START = datetime(2017, 3, 1, 9, 0, tzinfo=UTC)


def money(text: str | int) -> Decimal:
    """Return money with two decimals."""
    return Decimal(text).quantize(ZERO)


def line(
    amount: str, *, service: str = "order", brand: str = "Sushi House", vat_rate: str | None = "20", discount: str = "0"
) -> PaidLine:
    """Return a service line with its VAT inside the amount."""
    net = money(amount)
    rate = None if vat_rate is None else Decimal(vat_rate)
    vat = None if rate is None else (net * rate / (100 + rate)).quantize(ZERO)
    return PaidLine(
        line=1,
        brand=brand,
        service=service,
        reference="A-1",
        gross=net + money(discount),
        discount=money(discount),
        amount=net,
        vat_rate=rate,
        vat=vat,
    )


def operations(moves: Sequence[tuple[str, str]], *, opening: str = "0") -> tuple[Operation, ...]:
    """Return operations of these kinds and amounts, an hour apart; charges get a line of that amount."""
    balance, found = money(opening), []
    for number, (kind, amount) in enumerate(moves, start=1):
        moved = money(amount)
        balance += moved
        at = START + timedelta(minutes=number * 40000 // max(1, len(moves)))
        lines = (
            (line(str(-moved), service=DISHES[number % len(DISHES)]),) if kind in ("debit", "capture", "refund") else ()
        )
        found.append(
            Operation(
                version=number,
                transaction=1000 + number,
                kind=kind,
                posted_at=at,
                posted_on=at.date(),
                amount=moved,
                held=ZERO,
                balance=balance,
                lines=lines,
            )
        )
    return tuple(found)


def sample(
    moves: Sequence[tuple[str, str]] = (
        ("payment", "300"),
        ("debit", "-120.50"),
        ("debit", "-29.50"),
        ("refund", "9.50"),
    ),
    *,
    opening: str = "0",
    currency: str = "RUB",
    issuer: Issuer | None = SUSHI,
    client: Client = ROMASHKA,
    credit: Credit | None = None,
) -> Statement:
    """Return a statement of March 2017 over these moves."""
    found = operations(moves, opening=opening)
    lines = [one for operation in found for one in operation.lines]
    closing = found[-1].balance if found else money(opening)
    bands = [(None, 0), (1, 30), (31, 60), (61, 90), (91, 120), (121, None)]
    ages = tuple(Age(low, high, max(ZERO, -closing) if low is None else ZERO) for low, high in bands)
    charged = [one for operation in found if operation.kind in ("debit", "capture") for one in operation.lines]
    return Statement(
        account=1000017,
        currency=currency,
        client=client,
        issuer=issuer,
        principals=(),
        contract_number="Д-17/45",
        contract_date=date(2016, 12, 15),
        since=MONTH[0],
        until=MONTH[1],
        known_at=datetime(2017, 4, 1, 1, 0, tzinfo=UTC),
        last_transaction=90210,
        cut=None,
        overdue=ZERO,
        dues=(Due(date(2017, 4, 14), -closing, 0),) if closing < 0 else (),
        time_zone="Europe/Moscow",
        provisional=False,
        summary=Summary(
            opening=money(opening),
            charged=total(one.gross for one in charged),
            discounts=total(one.discount for one in charged),
            refunds=total(one.amount for one in found if one.kind == "refund"),
            paid=total(one.amount for one in found if one.kind == "payment"),
            other=(),
            closing=closing,
            held=ZERO,
        ),
        credit=credit,
        operations=found,
        vat=vat_by_rate(lines),
        ages=ages,
        holds=(),
        bonuses=(),
    )


def total(amounts: object) -> Decimal:
    """Return the sum of an iterable of money."""
    return sum(amounts, start=ZERO)  # type: ignore[call-overload,no-any-return]


def with_lines(statement: Statement, lines: Sequence[PaidLine]) -> Statement:
    """Return the statement with these lines under its first charge, whose amount they must make."""
    at = next(n for n, one in enumerate(statement.operations) if one.kind == "debit")
    charged = statement.operations[at]
    assert total(one.amount for one in lines) == -charged.amount
    found = (*statement.operations[:at], replace(charged, lines=tuple(lines)), *statement.operations[at + 1 :])
    every = [one for operation in found for one in operation.lines]
    debits = [one for operation in found if operation.kind == "debit" for one in operation.lines]
    summary = replace(
        statement.summary, charged=total(one.gross for one in debits), discounts=total(one.discount for one in debits)
    )
    return replace(statement, operations=found, vat=vat_by_rate(every), summary=summary)
