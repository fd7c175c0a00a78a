"""Commands whose values are texts and flags, taken as they are typed.

Typer converts even those by pydantic, which takes longer to load than the whole of `tiffin balance`.
"""

from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter


class _AsTyped:
    def coerce(self, value: object, **_: object) -> object:
        return value


def _as_typed(parameters: "list[Parameter]") -> "list[Parameter]":
    for parameter in parameters:
        vars(parameter)["_runtime_param"] = _AsTyped()
    return parameters


class TextCommand(TyperCommand):
    """A command without numbers, dates, paths or choices among its parameters."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the parameters and `--help`."""
        return _as_typed(super().get_params(ctx))


class TextGroup(TyperGroup):
    """A group of commands whose own options are flags."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the options and `--help`."""
        return _as_typed(super().get_params(ctx))
