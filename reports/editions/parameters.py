"""What a notebook takes, declared once: options of `tiffin notebook run`, a form on its page, and the page's address.

A notebook declares a class, and asks for it in a cell:

    @app.class_definition
    class Parameters(PeriodParameters):
        credit: Annotated[Decimal, Field(ge=0, le=10, description="credit limits times")] = Decimal("0.5")

    @app.cell
    def _(mo):
        form = ask(mo, Parameters)
        form
        return (form,)

    @app.cell
    def _(form):
        parameters = read(Parameters, form.value)
        book = parameters.open()
        return parameters, book

In a file of its own or as a program the values are those of the command line, in the app those of the page's address
and of the form.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from ledger.errors import Failure
from ledger.values.dates import month_days, read_date
from reports.core.report import near
from reports.run import LakeBook


class Misused(Failure):
    """A parameter that the notebook does not take, or a value that it cannot be."""


def _month(text: str) -> str:
    month_days(text)
    return text


def _day(value: Any) -> Any:
    return read_date(value) if isinstance(value, str) else value


Month = Annotated[str, AfterValidator(_month)]
"""A month written as YYYY-MM."""
Day = Annotated[date, BeforeValidator(_day)]
"""A day written as YYYY-MM-DD."""


class NotebookParameters(BaseModel):
    """What every notebook takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    whole: ClassVar[bool] = False
    """Whether the days of the form begin with the book, not with the month."""

    lake: str | None = Field(None, description="the lake's folder or address; by default that of the settings")

    def open(self) -> LakeBook:
        """Return the book of the lake at its current cut."""
        import reports

        return reports.open(self.lake)


class PeriodParameters(NotebookParameters):
    """A month, or the days from one to another; by default the month of the last closed day, up to it."""

    month: Month | None = Field(None, description="a month")
    first_day: Day | None = Field(None, alias="from", description="first day, included")
    last_day: Day | None = Field(None, alias="to", description="last day, included")

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        if self.month and (self.first_day or self.last_day):
            raise ValueError("give either --month or --from and --to")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError(f"from {self.first_day} is after to {self.last_day}")
        return self

    @property
    def period(self) -> dict[str, date]:
        """Return the days as reports take them: `from` and `to`, without those to be filled in."""
        since, until = month_days(self.month) if self.month else (self.first_day, self.last_day)
        return {name: day for name, day in (("from", since), ("to", until)) if day is not None}


class MonthParameters(NotebookParameters):
    """One month; by default that of the last closed day."""

    month: Month | None = Field(None, description="a month")


class DayParameters(NotebookParameters):
    """The end of one day; by default of the last closed one."""

    as_of: Day | None = Field(None, alias="as-of", description="at the end of this day")


PERIOD = ("from", "to")
Declared = TypeVar("Declared", bound=NotebookParameters)


def options(declared: type[NotebookParameters]) -> dict[str, FieldInfo]:
    """Return the parameters by the name they are given by."""
    return {field.alias or name.replace("_", "-"): field for name, field in declared.model_fields.items()}


def written(field: FieldInfo) -> str:
    """Return how the value of a parameter is written: a pattern, the choices, or what kind of value it is."""
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not type(None)]
    if get_origin(field.annotation) is Literal:
        return "|".join(map(str, kinds))
    spec = [*field.metadata, *(part for kind in kinds for part in get_args(kind)[1:])]
    if any(getattr(part, "func", None) is _month for part in spec):
        return "YYYY-MM"
    if any(getattr(part, "func", None) is _day for part in spec):
        return "YYYY-MM-DD"
    return "NUMBER" if any(getattr(kind, "__name__", "") in ("int", "float", "Decimal") for kind in kinds) else "TEXT"


def as_given(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is meant by the values of a form, which always has days: they count unless a month is chosen."""
    idle = PERIOD if chosen.get("month") else ("month",)
    return {name: value for name, value in chosen.items() if name not in idle}


def read(declared: type[Declared], given: Mapping[str, Any]) -> Declared:
    """Return the parameters from their names and values; what is empty has its default. Raises Misused.

    Values with dates, and not their text, are those of a form.
    """
    known = options(declared)
    if any(isinstance(value, date) for value in given.values()):
        given = as_given(given)
    for name in given:
        if name not in known:
            raise Misused(f"there is no parameter --{name}{near(name, [f'--{one}' for one in known])}")
    fields = {
        (field.alias or key.replace("_", "-")): field.alias or key for key, field in declared.model_fields.items()
    }
    try:
        return declared.model_validate(
            {fields[name]: value for name, value in given.items() if value not in (None, "")}
        )
    except Failure as failure:
        raise Misused(str(failure)) from None
    except ValidationError as error:
        raise Misused(_sentence(declared, error)) from None


def _sentence(declared: type[NotebookParameters], error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    key = str(first["loc"][0])
    name = next((n for n, field in options(declared).items() if key in (n, n.replace("-", "_"))), key)
    return f"--{name} {first['input']}: {message[0].lower()}{message[1:]}"


def given_words(words: list[str]) -> dict[str, str]:
    """Return names and values from words like `--month 2017-12` or `--month=2017-12`. Raises Misused."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise Misused(f"{word} is no parameter: they are written as --name value")
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise Misused(f"--{name} has no value")
            value = rest.pop(0)
        if name in found:
            raise Misused(f"--{name} is given twice")
        found[name] = value
    return found


def ask(mo: Any, declared: type[NotebookParameters]) -> Any:
    """Return the form of a notebook (`marimo.ui.batch`): its values, by name, are for `read`.

    They begin as the command line or the page's address has them, and what is entered goes into the address.
    """
    from reports.editions.form import form

    line, address = mo.cli_args().to_dict(), mo.query_params()
    known = {name: value for name, value in address.to_dict().items() if name in options(declared) and name != "lake"}
    begin = {name: str(value) for name, value in {**line, **known}.items()}
    book = read(declared, begin).open()
    # Where the figures come from is for the command line to say, not for a page's address.
    fields = {name: field for name, field in options(declared).items() if name != "lake" or "lake" in line}
    return form(mo, declared, fields, begin, book, address)
