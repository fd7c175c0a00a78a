"""Open accounts: their numbers, and the bonus accounts that come into being on first use."""

from stdnum import luhn

from ledger.postgres.database import AnyConnection


def new_number(connection: AnyConnection) -> int:
    """Return an account number that nobody has: the next of the sequence and its check digit."""
    row = connection.execute("SELECT nextval('account_number_seq')").fetchone()
    assert row is not None
    return numbered(row[0])


def numbered(serial: int) -> int:
    """Return the account number with this serial number: the serial and its Luhn check digit."""
    return int(f"{serial}{luhn.calc_check_digit(str(serial))}")


def bonus_account(connection: AnyConnection, money_account: int, brand: int) -> int:
    """Return the number of the bonus account of a money account for a brand; it is opened on first use."""
    select = "SELECT id FROM account WHERE kind = 'bonus' AND money_account_id = %s AND brand_id = %s"
    row = connection.execute(select, [money_account, brand]).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO account (id, kind, currency, party_id, brand_id, money_account_id, status) "
            "SELECT %s, 'bonus', currency, party_id, %s, id, 'open' FROM account WHERE id = %s "
            "ON CONFLICT DO NOTHING RETURNING id",
            [new_number(connection), brand, money_account],
        ).fetchone()
        if row is None:  # another opened it meanwhile
            row = connection.execute(select, [money_account, brand]).fetchone()
        else:
            connection.execute("INSERT INTO balance (account_id, balance, held, version) VALUES (%s, 0, 0, 0)", row)
    assert row is not None
    return int(row[0])
