"""A company acted out on a real book, and its lake after it: lines in, reports out."""

from datetime import date
from pathlib import Path
from typing import Any

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import nightly_cut
from reports.run import LakeBook

Row = dict[str, Any]


class Acted:
    """Posts lines as callers send them; each must be answered as expected."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.desk = Desk(Ledger(url))

    def administer(self, *lines: Row) -> list[Row]:
        """Administer; every line must be done."""
        return self._expect("done", [outcome.to_json() for outcome in self.desk.administer([parse(x) for x in lines])])  # type: ignore[misc]

    def post(self, *lines: Row, status: str = "posted") -> list[Row]:
        """Post; every line must have that status."""
        return self._expect(status, [outcome.to_json() for outcome in self.desk.post([parse(x) for x in lines])])  # type: ignore[misc]

    def _expect(self, status: str, answers: list[Row]) -> list[Row]:
        other = [answer for answer in answers if answer["status"] != status]
        assert not other, other
        return answers

    def closed(self, day: date) -> LakeBook:
        """Return the book as the lake has it, closed up to a day."""
        return LakeBook(nightly_cut(self.url, str(self.folder / "lake"), day)[0])


def _told(answer: Row) -> Row:
    """Return an answer without numbers, which a quote has not, or of accounts that it alone opened."""
    order = {name: value for name, value in answer.get("order", {}).items() if name != "number"}
    moved = [{name: value for name, value in one.items() if name != "account"} for one in answer.get("accounts", ())]
    return {"status": answer["status"], "code": answer.get("code"), "order": order, "accounts": moved}
