"""The languages of papers: gettext catalogues, and figures, dates and amounts in words.

English is in the code and the templates. Every other language is one .po file here; Babel
compiles it when the first paper in that language is made, so there is no compiled file to
forget.
"""

import io
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, get_currency_symbol
from babel.support import NullTranslations, Translations
from num2words import num2words

CATALOGUES = Path(__file__).parent / "translations"
LANGUAGES = ("en", *sorted(path.stem for path in CATALOGUES.glob("*.po")))


def N_(message: str) -> str:  # gettext's own name for "translate later"
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


KINDS = {
    "payment": N_("Payment"),
    "allocate": N_("Payment allocated"),
    "payout": N_("Payout"),
    "debit": N_("Services"),
    "hold": N_("Pre-order: money set aside"),
    "capture": N_("Services, pre-ordered"),
    "release": N_("Pre-order released"),
    "expiry": N_("Pre-order expired"),
    "refund": N_("Refund"),
    "reverse": N_("Reversal"),
    "transfer": N_("Transfer"),
    "merge": N_("Accounts merged"),
    "adjustment": N_("Adjustment"),
    "bonus": N_("Bonus points"),
    "mark": N_("Note: no money moved"),
}


@dataclass(frozen=True)
class Language:
    """One language: its messages and how it writes money, dates and numbers in words."""

    code: str
    translations: NullTranslations

    def text(self, message: str) -> str:
        """Return the message in this language."""
        return str(self.translations.gettext(message))

    def kind(self, kind: str) -> str:
        """Return the name of a kind of operation; of one without a name only that it is one."""
        return self.text(KINDS.get(kind, N_("Operation")))

    def money(self, amount: Decimal) -> str:
        """Return the amount with two decimals, grouped, with a true minus sign."""
        return format_decimal(amount, "#,##0.00", locale=_locale(self.code)).replace("-", "−")

    def priced(self, amount: Decimal, currency: str) -> str:
        """Return the amount with its currency's sign, never broken over two lines."""
        sign = get_currency_symbol(currency, locale=_locale(self.code))
        text = self.money(amount)
        if self.code == "en" and len(sign) == 1:
            return f"−{sign}{text[1:]}" if text.startswith("−") else f"{sign}{text}"
        return f"{text}\u00a0{sign}"

    def count(self, number: int) -> str:
        """Return a whole number, grouped."""
        return format_decimal(number, locale=_locale(self.code))

    def percent(self, rate: Decimal) -> str:
        """Return a rate in percent: 20 %, 5.5 %."""
        return format_decimal(rate, "0.##", locale=_locale(self.code)) + "\u00a0%"

    def day(self, day: date) -> str:
        """Return a date; a paper writes all its dates in this one form."""
        return format_date(day, "dd.MM.yyyy" if self.code == "ru" else "d MMM yyyy", locale=_locale(self.code))

    def period(self, since: date, until: date, *, month: bool) -> str:
        """Return the name of a month, or both days."""
        if month:
            return format_date(since, "LLLL yyyy", locale=_locale(self.code))
        return f"{self.day(since)} – {self.day(until)}"

    def instant(self, at: datetime, time_zone: str) -> str:
        """Return date and time to the minute in the book's time zone."""
        pattern = "dd.MM.yyyy HH:mm" if self.code == "ru" else "d MMM yyyy, HH:mm"
        return format_datetime(at, pattern, tzinfo=ZoneInfo(time_zone), locale=_locale(self.code))

    def time(self, at: datetime, time_zone: str) -> str:
        """Return the time of day to the minute in the book's time zone."""
        return at.astimezone(ZoneInfo(time_zone)).strftime("%H:%M")

    def words(self, amount: Decimal, currency: str) -> str:
        """Return an amount of zero or more in words, minor units in figures, as accountants write it."""
        try:
            words = str(num2words(amount, lang=self.code, to="currency", currency=currency, cents=False))
        except NotImplementedError:
            # Not every currency has its grammar in num2words: number, code and hundredths say the same.
            whole = num2words(int(amount), lang=self.code)
            words = f"{whole} {currency} {int(amount * 100) % 100:02d}/100"
        return words[:1].upper() + words[1:]


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


@cache
def language(code: str) -> Language:
    """Return a language that has a catalogue, by its code."""
    if code == "en":
        return Language(code, NullTranslations())
    with (CATALOGUES / f"{code}.po").open("rb") as po:
        catalogue = read_po(po, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Language(code, Translations(compiled))
