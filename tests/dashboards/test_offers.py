"""Promotions and bonus programmes are made and changed on screen, and start from what there is."""

from datetime import date

from tests.dashboards.conftest import words
from tests.dashboards.test_desk import Desk, Sheet, fill, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk


def test_a_promotion_is_made_and_changed(desk: Desk, book: Sheet) -> None:
    """Ten per cent of sushi from March on; then fifteen, once a client; saving it again changes nothing."""
    form = fill(desk("promotion", promotion="LUNCH"), value="10", brand="sushi", valid_from=date(2026, 3, 1))
    press(fill(form, min_order="500", stackable="yes"), "Save")
    kept = (
        "SELECT kind, value, b.code, min_order, valid_from, stackable, first_order_only, max_uses_per_party "
        "FROM promotion p JOIN brand b ON b.id = brand_id"
    )
    assert book.execute(kept).fetchall() == [("percent", 1000, "sushi", 50000, date(2026, 3, 1), True, False, None)]
    app = desk("promotion", promotion="LUNCH")
    assert "Percent, or amount **10.00**" in words(app) and "there is such a promotion" in words(app).lower()
    app = press(fill(app, value="15", max_uses_per_party="1", min_order="", stackable="no"), "Save")
    changed = ("percent", 1500, "sushi", None, date(2026, 3, 1), False, False, 1)
    assert book.execute(kept).fetchall() == [changed]
    press(app, "Save")
    assert "so already" in app.info[0].value
    app = press(fill(desk("promotion", promotion="BAD"), value="120"), "Save")
    assert "120.00 is more than 100 percent" in app.error[0].value


def test_a_bonus_programme_is_made_and_changed(desk: Desk, book: Sheet) -> None:
    """Of what is left blank nothing is lost: the brands where points are spent stay until they are taken out."""
    form = fill(desk("program", brand="sushi"), accrue_percent="5", redeem_percent="30", expires_after_days="90")
    press(fill(form, spend_at=["pizza"]), "Save")
    kept = (
        "SELECT accrue_percent::text, redeem_percent::text, expires_after_days, spend_at FROM bonus_program ORDER BY id"
    )
    assert book.execute(kept).fetchall() == [("5.00", "30.00", 90, ["pizza"])]
    press(fill(desk("program", brand="sushi", language="ru"), redeem_percent="25,5"), "Сохранить")
    assert book.execute(kept).fetchall()[1:] == [("5.00", "25.50", 90, ["pizza"])]
    press(fill(desk("program", brand="sushi"), spend_at=[], expires_after_days=""), "Save")
    assert book.execute(kept).fetchall()[2:] == [("5.00", "25.50", None, [])]
    press(fill(desk("program", brand="sushi"), expires_after_days="0"), "Save")
    assert book.execute(kept).fetchall()[3:] == [("5.00", "25.50", 0, [])], "until midnight, and not forever"
