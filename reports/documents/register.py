"""The register of issued papers: what was issued to whom under which number, with the bytes, and where it was sent.

A folder, `papers` under the home: register.sqlite, and files/ab/abcd….pdf, each named by its SHA-256. A paper of
closed days is issued once: printed again, its number gives the bytes of then, whatever fonts, templates or names have
changed since (DECISIONS D152). Other content under the number (a client's new name, say) is a new edition, `….2`.
Papers of open days are drafts: they are in no register.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple, dataclass, fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from ledger.errors import Failure, reason
from reports.documents.design import Design, Kind
from reports.documents.manifest import write_whole
from reports.documents.page import paper_number
from reports.documents.statement import Statement

_TABLES = """
CREATE TABLE IF NOT EXISTS paper (
    number TEXT NOT NULL, language TEXT NOT NULL, kind TEXT NOT NULL, edition INTEGER NOT NULL,
    account INTEGER NOT NULL, client TEXT NOT NULL, issued_on TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL,
    amount TEXT NOT NULL, currency TEXT NOT NULL, content TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    registered_at TEXT NOT NULL, PRIMARY KEY (number, language)
) STRICT;
CREATE INDEX IF NOT EXISTS paper_of_account ON paper (account, kind, since, until);
CREATE TABLE IF NOT EXISTS sent (
    sha256 TEXT NOT NULL, address TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (sha256, address)
) STRICT;
"""


@dataclass(frozen=True)
class Issued:
    """One issued paper. `content` is the digest of its content, `sha256` that of its bytes; `amount` as on the paper.

    Dates are ISO 8601; `registered_at` is the machine's clock, UTC.
    """

    number: str
    language: str
    kind: str
    edition: int
    account: int
    client: str
    issued_on: str
    since: str
    until: str
    amount: str
    currency: str
    content: str
    sha256: str
    size: int
    registered_at: str


@dataclass(frozen=True)
class Sending:
    """Where a paper was sent, and when its letter was written."""

    address: str
    at: str


@dataclass(frozen=True)
class InPeriod:
    """The papers of one kind of a period: how many were issued and sent, and when the last was; UTC, ISO 8601."""

    kind: str
    issued: int
    issued_at: str
    sent: int
    sent_at: str | None


_OF_PERIOD = """
SELECT kind, count(*), max(registered_at), count(sent.at), max(sent.at) FROM paper
LEFT JOIN (SELECT sha256, max(at) AS at FROM sent GROUP BY 1) sent USING (sha256)
WHERE since = ? AND until = ? GROUP BY kind ORDER BY kind
"""


class Register:
    """The issued papers of a home. Several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, paper: Statement, design: Design) -> Issued | None:
        """Return the paper as it was issued with this very content, its latest edition; None if it was not."""
        rows = self._of(paper, design.kind)
        content = content_of(paper, design.kind)
        return next((row for row in rows if row.content == content and row.language == design.language), None)

    def edition(self, paper: Statement, design: Design, *, anew: bool = False) -> int:
        """Return which edition is to be issued: that of the same content in another language, or the next."""
        rows = self._of(paper, design.kind)
        if not anew:
            content = content_of(paper, design.kind)
            same = [row.edition for row in rows if row.content == content and row.language != design.language]
            if same:
                return max(same)
        return max((row.edition for row in rows), default=0) + 1

    def add(self, paper: Statement, design: Design, content: bytes) -> Issued:
        """Enter a paper that was drawn, bytes first; return what the register has of it now.

        Where another process was first, that is the other's.
        """
        row = Issued(
            number=paper_number(paper, design.kind),
            language=design.language,
            kind=design.kind,
            edition=paper.edition,
            account=paper.account,
            client=paper.client.legal_name or paper.client.name,
            issued_on=paper.until.isoformat(),
            since=paper.since.isoformat(),
            until=paper.until.isoformat(),
            amount=f"{_amount(paper, design.kind):f}",
            currency=paper.currency,
            content=content_of(paper, design.kind),
            sha256=sha256(content).hexdigest(),
            size=len(content),
            registered_at=_now(),
        )
        file = self._file(row.sha256)
        if not file.exists():
            with self._writing():
                file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file, content)
        with self._open(make=True) as base, base:
            places = ", ".join("?" * len(fields(Issued)))
            base.execute(f"INSERT INTO paper VALUES ({places}) ON CONFLICT DO NOTHING", astuple(row))
            found = base.execute("SELECT * FROM paper WHERE number = ? AND language = ?", (row.number, row.language))
            return Issued(*found.fetchone())

    def sent(self, issued_sha256: str, address: str) -> None:
        """Note that a letter with the paper was written to this address; the first time stays."""
        with self._open(make=True) as base, base:
            base.execute("INSERT INTO sent VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (issued_sha256, address, _now()))

    def sendings(self, issued: Issued) -> list[Sending]:
        """Return where the paper was sent, in order of time."""
        with self._open() as base:
            rows = base.execute("SELECT address, at FROM sent WHERE sha256 = ? ORDER BY at, address", (issued.sha256,))
            return [Sending(*row) for row in rows]

    def rows(
        self,
        *,
        number: str | None = None,
        account: int | None = None,
        kind: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> list[Issued]:
        """Return issued papers by date of issue and number: of this number, account and kind, of these days."""
        wanted: dict[str, str | int | None] = {"number = ?": number, "account = ?": account, "kind = ?": kind}
        for clause, day in (("issued_on >= ?", since), ("issued_on <= ?", until)):
            wanted[clause] = None if day is None else day.isoformat()
        given = {clause: value for clause, value in wanted.items() if value is not None}
        where = f"WHERE {' AND '.join(given)}" if given else ""
        with self._open() as base:
            found = base.execute(
                f"SELECT * FROM paper {where} ORDER BY issued_on, account, kind, number, language",
                tuple(given.values()),
            )
            return [Issued(*row) for row in found]

    def of_period(self, since: date, until: date) -> list[InPeriod]:
        """Return how many papers of each kind were issued for these very days, and to how many a letter was written."""
        with self._open() as base:
            rows = base.execute(_OF_PERIOD, (since.isoformat(), until.isoformat()))
            return [InPeriod(*row) for row in rows]

    def content(self, issued: Issued) -> bytes:
        """Return the bytes that were issued. Raises Failure when they are gone or are not those any more."""
        file = self._file(issued.sha256)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise Failure(f"cannot read {issued.number} from the register, {file}: {reason(error)}") from None
        if sha256(content).hexdigest() != issued.sha256:
            raise Failure(f"{issued.number} in the register is not what was issued: {file} has other bytes")
        return content

    def is_there(self, issued: Issued) -> bool:
        """Return whether the paper's bytes are kept: they are not when its client was erased."""
        return self._file(issued.sha256).exists()

    def erase(self, papers: Sequence[Issued]) -> None:
        """Remove the bytes of papers, their client's name and where they were sent; their numbers stay."""
        with self._open(make=bool(papers)) as base, base:
            for issued in papers:
                self._file(issued.sha256).unlink(missing_ok=True)
                base.execute("DELETE FROM sent WHERE sha256 = ?", (issued.sha256,))
                base.execute("UPDATE paper SET client = 'erased' WHERE sha256 = ?", (issued.sha256,))

    def _of(self, paper: Statement, kind: Kind) -> list[Issued]:
        period = (paper.since.isoformat(), paper.until.isoformat())
        rows = self.rows(account=paper.account, kind=kind)
        return sorted((row for row in rows if (row.since, row.until) == period), key=lambda row: -row.edition)

    def _file(self, digest: str) -> Path:
        return self.folder / "files" / digest[:2] / f"{digest}.pdf"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Failure(f"cannot write into the register of papers, {self.folder}: {reason(error)}") from None

    @contextmanager
    def _open(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        path = self.folder / "register.sqlite"
        if make:
            with self._writing():
                self.folder.mkdir(parents=True, exist_ok=True)
        # Without a register yet there is an empty one to read, and no folder is made.
        where = str(path) if make or path.exists() else ":memory:"
        try:
            with closing(sqlite3.connect(where, timeout=60)) as base:
                base.executescript(_TABLES)
                yield base
        except sqlite3.Error as error:
            raise Failure(f"cannot use the register of papers, {path}: {error}") from None


def content_of(paper: Statement, kind: Kind) -> str:
    """Return a digest of a paper's content, not of its form: who to whom, the figures, every operation and its lines.

    It stays the same over versions of the program, so only what is listed here makes a new edition.
    """
    of = paper.issuer
    seller = of and (of.legal_name, of.tax_id, of.address, sorted(of.bank_details))
    client = (paper.client.legal_name or paper.client.name, paper.client.tax_id, paper.client.kpp, paper.client.address)
    contract = (paper.contract_number, paper.contract_date)
    sums = (paper.summary.opening, paper.summary.closing, paper.summary.held)
    moves = []
    for one in paper.operations:
        lines = [(n.brand, n.service, n.reference, n.gross, n.amount, n.vat_rate, n.vat) for n in one.lines]
        moves.append((one.transaction, one.amount, one.held, one.balance, lines))
    period = (paper.account, paper.currency, paper.since, paper.until, paper.last_transaction)
    annex = [(part.name, part.account, part.charges, part.vat, part.amount) for part in paper.parts]
    content = [kind, seller, client, contract, sums, moves, period, *([paper.parted_by, annex] if annex else [])]
    whole = json.dumps(content, default=str, ensure_ascii=False)
    return sha256(whole.encode()).hexdigest()


def _amount(paper: Statement, kind: Kind) -> Decimal:
    """Return the sum that a paper is about: to pay, rendered, or the balance at the end."""
    if kind == "invoice":
        return paper.summary.to_pay
    if kind == "services":
        return sum((line.amount for one in paper.operations for line in one.lines), start=Decimal("0.00"))
    return paper.summary.closing


def numbered(register: Register, paper: Statement, design: Design, *, anew: bool = False) -> Statement:
    """Return the paper with the edition that it is to be issued as."""
    return replace(paper, edition=register.edition(paper, design, anew=anew))


def as_rows(register: Register, papers: Sequence[Issued]) -> list[dict[str, object]]:
    """Return issued papers as JSON has them, with where each was sent."""
    return [asdict(one) | {"sent": [asdict(sent) for sent in register.sendings(one)]} for one in papers]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
