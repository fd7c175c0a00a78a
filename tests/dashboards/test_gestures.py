"""Every form that posts, in a real browser, broken off in every way: it is posted once, and the page says so.

One server, one book and one browser serve all of them. `make test` has each gesture on one form at least;
`make soak` has every form with every gesture.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from ledger.administration.administration_lines import parse
from ledger.core.commands import parse as command
from ledger.core.outcomes import Done, Posted
from ledger.postgres import database, drafts
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from tests.conftest import made
from tests.dashboards.chromium import Server, browsing, click_row, ready, settled
from tests.dashboards.conftest import BOOK, POSTED
from tests.ledger.bank import written
from tests.ledger.bank.test_reading import entry, stmt

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)
PERSON = "o.petrova"
ROWS = "Rows, pasted from a spreadsheet"
_amounts = count(1)


@dataclass(frozen=True)
class Form:
    """A form: its address, what is typed and chosen, its buttons, and what its page says once it is done.

    `{}` stands for an amount that was never used before; of a status, for the one that it is not; of a merge, for an
    account that was opened for it.
    """

    query: str
    typed: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    buttons: tuple[str, ...] = ("Check", "Post")
    done: str = "Posted as transaction"


FORMS = {
    "payment": Form("", {"Account number or reference": "boris", "Amount": "{}"}, {"Brand": "sushi"}, ("Post",)),
    "allocate": Form("payment=p2", {"Account number or reference": "boris", "Amount": "{}"}),
    "payout": Form("account=anna", {"Amount": "{}"}),
    "refund": Form("transaction=d1", {"Amount": "{}"}),
    "reverse": Form("transaction=p1", {"Amount": "{}", "Reason": "chargeback"}),
    "transfer": Form("account=anna", {"To account (number or reference)": "boris", "Amount": "{}"}),
    "adjustment": Form("account=anna", {"Amount": "{}", "Reason": "slip"}),
    "bonus": Form("account=boris", {"Points": "{}", "Reason": "late"}, {"Points of the brand": "sushi"}),
    "move": Form("", {"Amount": "{}"}, {"Brand that sends": "sushi"}),
    "limits": Form("account=romashka", {"A month, at most": "{}"}, {}, ("Save",), "month {}, left"),
    "credit": Form("account=anna", {"Limit": "{}"}, {}, ("Save",), r"Credit limit\s+{}"),
    "status": Form("account=romashka", {}, {"Status": "{}"}, ("Save",), r"Romashka K\.[^\n]* {}"),
    "client": Form("client=anna", {"Address": "{}"}, {}, ("Save",), "Address {}"),
    "brand": Form("brand=pizza", {"Address": "{}"}, {}, ("Save",), "Address {}"),
    "promotion": Form("promotion=LUNCH", {"Percent, or amount": "{}"}, {}, ("Save",), "Percent, or amount {}"),
    "program": Form(
        "brand=sushi",
        {"Accrued, %": "5", "Paid by points at most, %": "{}"},
        {},
        ("Save",),
        "Paid by points at most, % {}",
    ),
    "merge": Form("account={}", {"Into account (number or reference)": "anna"}, {}, ("Save",), r"{}[^\n]*closed"),
    "many": Form("kind=payment", {ROWS: "boris\t{}\tsushi"}, {}, ("Post 1 rows",), "posted: 1"),
    "approval": Form("", {}, {}, ("Agree and post",), "{} [^\n]*posted as transaction"),
}
TERMS = {
    "client": "party",
    "brand": "brand",
    "merge": "merge",
    "promotion": "promotion",
    "program": "bonus_program",
    "limits": "write_off_limit",
    "credit": "credit_terms",
    "status": "account_status",
}
GESTURES = ("double click", "reload 50", "reload 150", "reload 400", "reload 1000", "back", "two tabs", "kill")
SAMPLE = {
    "payment": "reload 50",
    "allocate": "two tabs",
    "payout": "kill",
    "refund": "back",
    "reverse": "reload 150",
    "transfer": "double click",
    "adjustment": "reload 400",
    "move": "reload 1000",
    "brand": "double click",
    "many": "double click",
    "approval": "double click",
}
CASES = [
    pytest.param(form, gesture, id=f"{form}, {gesture}", marks=() if SAMPLE.get(form) == gesture else pytest.mark.soak)
    for form in FORMS
    for gesture in GESTURES
]


@pytest.fixture(scope="module")
def url(server: str, template_database: str) -> Iterator[str]:
    """Return a book of which a payout, a refund and the like can be taken many times."""
    for made_url in made(server, f"tiffin_gestures_{uuid4().hex[:8]}", template_database):
        database.initialise(made_url, "Europe/Moscow")
        ledger = Ledger(made_url)
        lines = [*BOOK, {"type": "brand", "code": "sushi", "bank_details": {"account": "40702810000000074935"}}]
        assert all(isinstance(outcome, Done) for outcome in ledger.administer([parse(line) for line in lines]))
        assert all(isinstance(outcome, Posted) for outcome in ledger.post([command(line) for line in POSTED]))
        ledger.close()
        yield made_url


@pytest.fixture(scope="module")
def dashboard(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the book to O. Petrova."""
    lake = str(tmp_path_factory.mktemp("lake"))
    frequent_cut(url, lake)
    server = Server(
        TIFFIN_DATABASE_URL=url,
        TIFFIN_LAKE=lake,
        TIFFIN_LANGUAGE="en",
        LOGNAME=PERSON,
        TIFFIN_HOME=str(tmp_path_factory.mktemp("home")),
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(dashboard: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Return a browser that was let in."""
    with browsing(tmp_path_factory.mktemp("profile")) as context:
        let_in(context, dashboard)
        yield context


def let_in(context: BrowserContext, server: Server) -> None:
    """Show the browser's token."""
    page = context.new_page()
    page.goto(f"{server.address}/?token={server.token()}", wait_until="commit")
    page.close()


@dataclass
class Work:
    """One thing that is to be done once: a form with an amount that nothing else has, on a page."""

    name: str
    amount: str
    page: Page
    address: str

    @property
    def form(self) -> Form:
        """Return the form."""
        return FORMS[self.name]

    @property
    def done(self) -> re.Pattern[str]:
        """Return what the page says once it is done."""
        return re.compile(self.form.done.format(re.escape(self.amount)))

    def open(self) -> None:
        """Open the form; its address names its draft."""
        page = (
            "approvals" if self.name == "approval" else f"desk?form={self.name}&{self.form.query.format(self.amount)}"
        )
        self.page.goto(f"{self.address}/{page}")
        ready(self.page)
        if self.name != "approval":
            self.page.wait_for_url("**draft=*")

    def fill(self, page: Page) -> None:
        """Type it in."""
        for label, value in self.form.typed.items():
            page.get_by_role("textbox", name=label, exact=True).fill(value.format(self.amount))
        if ROWS in self.form.typed:
            page.keyboard.press("Tab")  # rows are checked once they are left
        for label, value in self.form.chosen.items():
            page.get_by_role("combobox", name=label).click()
            page.get_by_role("option", name=value.format(self.amount)).click()

    def check(self, page: Page) -> None:
        """Press all buttons but the last, and see it, or that it was done meanwhile."""
        for button in self.form.buttons[:-1]:
            page.get_by_role("button", name=button, exact=True).click()
        expect(self.last(page).or_(page.get_by_text(self.done)).first).to_be_visible()

    def last(self, page: Page) -> Locator:
        """Return the button that does it."""
        return page.get_by_role("button", name=self.form.buttons[-1], exact=True)

    def is_told(self, page: Page) -> bool:
        """Return whether the page says that it was done."""
        return bool(self.done.search(page.inner_text("body").replace("\u00a0", " ")))

    def told(self, page: Page) -> None:
        """Hold that the page says so."""
        expect(page.locator("body")).to_contain_text(self.done, use_inner_text=True)

    def answered(self, page: Page) -> None:
        """Hold that a page that was pressed says that it was done, by this tab or another, which it then shows."""
        meanwhile = "meanwhile: open it again"
        either = re.compile(f"{self.done.pattern}|{meanwhile}")
        expect(page.locator("body")).to_contain_text(either, use_inner_text=True)
        if page.get_by_text(meanwhile).count():
            page.reload()
        self.told(page)

    def finish(self, page: Page) -> None:
        """Do what the page asks for: nothing if it was done, else send what stands there, or type it again."""
        ready(page)
        if not self.is_told(page):
            if not page.get_by_text(re.compile("Not (posted|saved) yet")).count():
                self.fill(page)
            self.check(page)
            if self.last(page).count():
                self.last(page).click()
        self.told(page)


def asked_for(url: str, amount: str) -> None:
    """Let somebody else ask for a payout to Anna."""
    line = {"type": "payout", "account": "anna", "amount": amount, "brand": "sushi", "by": "i.sidorov"}
    ledger = Ledger(url)
    [quote] = ledger.quote([command({**line, "key": "q"})])
    ledger.close()
    draft = drafts.Draft(uuid4(), "i.sidorov", "payout 1000017", {}, [line], "")
    with database.connect(url) as connection:
        drafts.save(connection, draft)
        drafts.ask(connection, draft.id, quote.to_json())


def times_done(url: str, name: str) -> int:
    """Return how often the desk has posted, or changed terms of the form's kind."""
    posted = "SELECT count(*) FROM transaction WHERE key LIKE 'desk-%%' AND status = 'posted' AND %s::text IS NULL"
    changed = 'SELECT count(*) FROM change WHERE "by" IS NOT NULL AND kind = %s'
    with database.connect(url) as connection:
        row = connection.execute(changed if name in TERMS else posted, [TERMS.get(name)]).fetchone()
    assert row is not None
    return int(row[0])


def fresh(least: int) -> str:
    """Return an amount from `least` on that was not used before."""
    number = next(_amounts)
    return f"{least + number // 100}.{number % 100:02}"


def another(url: str, name: str) -> str:
    """Return an amount that was not used before; the status that the account has not; an account to be merged."""
    if name == "merge":
        spare = {"type": "account", "reference": f"spare-{next(_amounts)}", "party": "anna", "currency": "RUB"}
        ledger = Ledger(url)
        assert all(isinstance(outcome, Done) for outcome in ledger.administer([parse(spare)]))
        ledger.close()
        return spare["reference"]
    if name != "status":
        return fresh(1 if name != "approval" else 5)
    with database.connect(url) as connection:
        row = connection.execute("SELECT status FROM account WHERE reference = 'romashka'").fetchone()
    return "open" if row == ("frozen",) else "frozen"


@pytest.mark.parametrize(("name", "gesture"), CASES)
def test_a_form_is_posted_once_and_says_so(
    name: str, gesture: str, url: str, dashboard: Server, browser: BrowserContext
) -> None:
    """Two clicks, a reload after 50 to 1,000 ms, Back, two tabs, the server killed and started again."""
    work = Work(name, another(url, name), browser.new_page(), dashboard.address)
    if name == "approval":
        asked_for(url, work.amount)
    before, page = times_done(url, name), work.page
    work.open()
    if gesture == "two tabs":
        second = browser.new_page()
        second.goto(page.url)
        ready(second)
        work.fill(second)
        work.check(second)
    work.fill(page)
    work.check(page)
    match gesture.split():
        case ["double", "click"]:
            work.last(page).dblclick()
            work.answered(page)
        case ["reload", after_ms]:
            work.last(page).click()
            page.wait_for_timeout(int(after_ms))
            page.reload()
        case ["back"]:
            work.last(page).click()
            work.told(page)
            page.get_by_role("link", name="Accounts").click()
            page.wait_for_url("**/accounts*")
            ready(page)
            page.go_back()
            work.told(page)
        case ["two", "tabs"]:
            work.last(page).click()
            work.last(second).click()
            work.answered(second)
            work.answered(page)
        case ["kill"]:
            work.last(page).click()
            dashboard.kill()
            dashboard.start()
            let_in(browser, dashboard)
            page.goto(page.url)
    work.finish(page)
    assert times_done(url, name) == before + 1
    for tab in browser.pages[1:]:
        tab.close()


@pytest.mark.parametrize(
    "gesture",
    [
        pytest.param(gesture, marks=() if gesture == "reload 150" else pytest.mark.soak)
        for gesture in GESTURES
        if gesture != "back"  # a file is in no address, so there is nothing to go back to
    ],
)
def test_a_bank_file_is_posted_once(
    gesture: str, url: str, dashboard: Server, browser: BrowserContext, tmp_path: Path
) -> None:
    """Chosen once more after it was broken off, it says what is there already, and posts what is not."""
    amount, file = fresh(9), tmp_path / "march.txt"
    file.write_bytes(written.one_c(stmt(entry(amount, text=f"thanks for {amount}"))).encode("cp866"))
    tabs = [browser.new_page() for _ in range(2 if gesture == "two tabs" else 1)]
    page = tabs[0]
    for tab in tabs:
        offer(tab, dashboard, file)
    last = [tab.get_by_role("button", name="Post payments: 1") for tab in tabs]
    match gesture.split():
        case ["double", "click"]:
            last[0].dblclick()
        case ["reload", after_ms]:
            last[0].click()
            page.wait_for_timeout(int(after_ms))
        case ["two", "tabs"]:
            for button in last:
                button.click()
        case ["kill"]:
            last[0].click()
            dashboard.kill()
            dashboard.start()
            let_in(browser, dashboard)
    offer(page, dashboard, file)
    if last[0].count():
        last[0].click()
        expect(page.get_by_text("Payments posted: 1")).to_be_visible()
    with database.connect(url) as connection:
        posted = connection.execute(
            "SELECT count(*) FROM transaction WHERE amount = %s", [int(amount.replace(".", ""))]
        )
        assert posted.fetchone() == (1,)
    for tab in tabs:
        tab.close()


def offer(page: Page, dashboard: Server, file: Path) -> None:
    """Open the page of bank statements anew, and put a file of one payment in."""
    page.goto(f"{dashboard.address}/bank")
    ready(page)
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_role("button", name=re.compile("Post payments: [01]"))).to_be_visible()
    ready(page)


def test_a_transaction_leads_to_its_refund(url: str, dashboard: Server, browser: BrowserContext) -> None:
    """By its link."""
    page, before = browser.new_page(), times_done(url, "refund")
    page.goto(f"{dashboard.address}/transaction?transaction=d1")
    page.get_by_role("link", name="Refund →").click()
    page.wait_for_url("**/desk?*")
    work = Work("refund", another(url, "refund"), page, dashboard.address)
    work.finish(page)
    assert times_done(url, "refund") == before + 1
    page.close()


def test_a_row_of_what_waits_is_allocated(url: str, dashboard: Server, browser: BrowserContext) -> None:
    """A click on the row fills in the payment."""
    page, before = browser.new_page(), times_done(url, "allocate")
    page.goto(f"{dashboard.address}/desk?form=allocate")
    settled(page)
    click_row(page, 1)
    page.wait_for_url("**payment=*")
    settled(page)
    work = Work("allocate", another(url, "allocate"), page, dashboard.address)
    work.finish(page)
    assert times_done(url, "allocate") == before + 1
    page.close()
