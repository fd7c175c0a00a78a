"""Statements as banks write them: what the reader must read back, in each of the three formats."""

from decimal import Decimal
from xml.sax.saxutils import escape

from ledger.bank.core.statement import BankEntry, Statement

CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"


def mt940(statement: Statement) -> str:
    """Return the message, its lines ended as SWIFT has it."""
    opening, closing = _balances(statement)
    day = min((e.booked_on for e in statement.entries), default=statement.since)
    last = max((e.booked_on for e in statement.entries), default=statement.until)
    lines = [":20:TIFFIN", f":25:{statement.account}", f":28C:{statement.number or '1'}/1"]
    lines.append(f":60F:{_mark(opening)}{day:%y%m%d}{statement.currency}{_comma(opening)}")
    for entry in statement.entries:
        mark = {True: {True: "RD", False: "RC"}, False: {True: "C", False: "D"}}[entry.reversal][entry.amount > 0]
        dates = f"{entry.value_date:%y%m%d}{entry.booked_on:%m%d}"
        reference = f"//{entry.bank_reference}" if entry.bank_reference else ""
        lines.append(f":61:{dates}{mark}{_comma(entry.amount)}NTRF{entry.reference or 'NONREF'}{reference}")
        lines.append(f":86:{_details(entry)}")
    lines.append(f":62F:{_mark(closing)}{last:%y%m%d}{statement.currency}{_comma(closing)}")
    return "\r\n".join([*lines, "-", ""])


def _details(entry: BankEntry) -> str:
    eref = f"?20EREF+{entry.end_to_end}" if entry.end_to_end else ""
    return f"166?00TRANSFER{eref}?21SVWZ+{entry.text}?31{entry.account}?32{entry.name}"


def one_c(*statements: Statement, encoding: str = "Windows", end: str = "КонецФайла") -> str:
    """Return the file of several accounts, each section with balances and turnovers."""
    lines = ["1CClientBankExchange", "ВерсияФормата=1.03", f"Кодировка={encoding}"]
    lines += [f"РасчСчет={statement.account}" for statement in statements]
    for each in statements:
        opening, closing = _balances(each)
        lines += ["СекцияРасчСчет", *(f"ДатаНачала={each.since:%d.%m.%Y}" for _ in [0] if each.since)]
        lines += [f"ДатаКонца={each.until:%d.%m.%Y}" for _ in [0] if each.until]
        lines += [
            f"РасчСчет={each.account}",
            f"НачальныйОстаток={opening}",
            f"ВсегоПоступило={each.money_in}",
            f"ВсегоСписано={each.money_out}",
            f"КонечныйОстаток={closing}",
            "КонецРасчСчет",
        ]
    for each in statements:
        for number, entry in enumerate(each.entries, start=1):
            lines += _document(each, entry, number)
    return "\r\n".join([*lines, end, ""])


def _document(statement: Statement, entry: BankEntry, number: int) -> list[str]:
    ours, theirs = ("Получатель", "Плательщик") if entry.amount > 0 else ("Плательщик", "Получатель")
    on = "ДатаПоступило" if entry.amount > 0 else "ДатаСписано"
    return [
        "СекцияДокумент=Платежное поручение",
        f"Номер={entry.bank_reference or number}",
        f"Дата={entry.booked_on:%d.%m.%Y}",
        f"Сумма={abs(entry.amount)}",
        f"{on}={entry.booked_on:%d.%m.%Y}",
        f"{ours}Счет={statement.account}",
        f"{theirs}Счет={entry.account}",
        f"{theirs}1={entry.name}",
        f"{theirs}ИНН={entry.tax_id}",
        f"НазначениеПлатежа={entry.text}",
        "КонецДокумента",
    ]


def camt(*statements: Statement) -> str:
    """Return the document of several statements."""
    found = "".join(_stmt(each) for each in statements)
    return f"<Document xmlns='{CAMT}'><BkToCstmrStmt><GrpHdr/>{found}</BkToCstmrStmt></Document>"


def _stmt(statement: Statement) -> str:
    opening, closing = _balances(statement)
    entries = "".join(_ntry(statement, entry) for entry in statement.entries)
    return (
        f"<Stmt><Id>{statement.number or '1'}</Id><Acct><Id><IBAN>{statement.account}</IBAN></Id>"
        f"<Ccy>{statement.currency}</Ccy></Acct>{_bal(statement, 'OPBD', opening)}"
        f"{_bal(statement, 'CLBD', closing)}{entries}</Stmt>"
    )


def _bal(statement: Statement, code: str, amount: Decimal) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{statement.currency}'>{abs(amount)}</Amt>"
        f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd></Bal>"
    )


def _ntry(statement: Statement, entry: BankEntry) -> str:
    side = "Dbtr" if entry.amount > 0 else "Cdtr"
    account = f"<{side}Acct><Id><IBAN>{escape(entry.account)}</IBAN></Id></{side}Acct>"
    tax = f"<Othr><Id>{entry.tax_id}</Id><SchmeNm><Cd>TXID</Cd></SchmeNm></Othr>" if entry.tax_id else ""
    reference = f"<Strd><CdtrRefInf><Ref>{escape(entry.reference)}</Ref></CdtrRefInf></Strd>"
    return (
        f"<Ntry><Amt Ccy='{statement.currency}'>{abs(entry.amount)}</Amt>"
        f"<CdtDbtInd>{'CRDT' if entry.amount > 0 else 'DBIT'}</CdtDbtInd>"
        f"<RvslInd>{str(entry.reversal).lower()}</RvslInd><Sts>{'PDNG' if entry.pending else 'BOOK'}</Sts>"
        f"<BookgDt><Dt>{entry.booked_on}</Dt></BookgDt><ValDt><Dt>{entry.value_date}</Dt></ValDt>"
        f"<AcctSvcrRef>{escape(entry.bank_reference)}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{escape(entry.end_to_end or 'NOTPROVIDED')}</EndToEndId></Refs>"
        f"<RltdPties><{side}><Nm>{escape(entry.name)}</Nm><Id><OrgId>{tax}</OrgId></Id></{side}>{account}</RltdPties>"
        f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd>{reference if entry.reference else ''}</RmtInf>"
        "</TxDtls></NtryDtls></Ntry>"
    )


def _balances(statement: Statement) -> tuple[Decimal, Decimal]:
    opening = statement.opening if statement.opening is not None else Decimal("0.00")
    closing = statement.closing
    return opening, opening + statement.money_in - statement.money_out if closing is None else closing


def _mark(amount: Decimal) -> str:
    return "D" if amount < 0 else "C"


def _comma(amount: Decimal) -> str:
    return str(abs(amount)).replace(".", ",")


def mt942(statement: Statement) -> str:
    """Return the interim report: the lines of an MT940, sums in the place of balances."""
    lines = mt940(statement).replace("\r\n", "\n").split("\n")
    kept = [line for line in lines if not line.startswith((":60F:", ":62F:", "-")) and line]
    kept.insert(3, f":34F:{statement.currency}0,\r\n:13D:2403051200+0100")
    for mark, amount in (("D", statement.money_out), ("C", statement.money_in)):
        count = sum((entry.amount > 0) == (mark == "C") for entry in statement.entries)
        kept.append(f":90{mark}:{count}{statement.currency}{_comma(amount)}")
    return "\r\n".join([*kept, "-", ""])


def camt052(*statements: Statement) -> str:
    """Return the report of the day."""
    return (
        camt(*statements)
        .replace("camt.053", "camt.052")
        .replace("BkToCstmrStmt", "BkToCstmrAcctRpt")
        .replace("<Stmt>", "<Rpt>")
        .replace("</Stmt>", "</Rpt>")
        .replace("OPBD", "ITBD")
        .replace("CLBD", "ITAV")
    )


def camt054(*statements: Statement) -> str:
    """Return the notification."""
    return (
        camt(*statements)
        .replace("camt.053", "camt.054")
        .replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn")
        .replace("<Stmt>", "<Ntfctn>")
        .replace("</Stmt>", "</Ntfctn>")
    )
