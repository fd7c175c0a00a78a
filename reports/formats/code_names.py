"""The ledger's own words (kinds, statuses, states, windows) as readers of Russian call them.

Columns of the kind `word` and `account_kind` hold them. Files for programs, and the lake, keep the codes.
"""

from reports.core.forms import Language

WORDS = ("word", "account_kind")
_RUSSIAN = {
    # transactions, and steps of an order
    "payment": "платёж", "allocate": "разнесение", "payout": "выплата", "debit": "списание", "hold": "резерв",
    "capture": "списание резерва", "release": "снятие резерва", "expiry": "истечение резерва", "refund": "возврат",
    "reverse": "сторно", "transfer": "перевод", "adjustment": "корректировка", "bonus": "баллы", "mark": "отметка",
    "move": "перемещение", "merge": "объединение",
    "dish": "блюдо", "delivery": "доставка", "packaging": "упаковка",
    "order": "заказ", "deliver": "доставка", "amend": "изменение", "cancel": "отмена",
    "refund_items": "возврат позиций",
    # statuses and states
    "posted": "проведена", "declined": "отказ", "open": "открыт", "frozen": "заморожен", "closed": "закрыт",
    "placed": "оформлен", "delivered": "доставлен", "cancelled": "отменён", "captured": "списан", "released": "снят",
    "expired": "истёк", "ok": "в порядке", "near": "близко к лимиту", "over": "сверх лимита", "overdue": "просрочено",
    "arrived": "пришли", "in_transit": "в пути", "before": "до обновления", "below_zero": "НИЖЕ НУЛЯ",
    "expiring": "истекает", "holds": "сходится", "differs": "НЕ СХОДИТСЯ",
    # accounts
    "money": "деньги", "cash": "касса", "revenue": "выручка", "bonus_expense": "расходы на баллы",
    "adjustments": "корректировки", "unallocated": "неразнесённые",
    # terms
    "brand": "бренд", "party": "клиент", "account": "счёт", "account_status": "статус счёта",
    "credit_terms": "условия кредита", "link": "связь", "write_off_limit": "лимит списаний", "promotion": "акция",
    "bonus_program": "бонусная программа", "payer_first": "сначала плательщик", "own_first": "сначала свои деньги",
    "hour": "час", "weekday": "день недели", "subaccount": "субсчёт", "group": "группа",
    "day": "день", "week": "неделя", "month": "месяц", "total": "всего", "percent": "процент", "amount": "сумма",
    "free_delivery": "бесплатная доставка", "individual": "физлицо", "legal_entity": "юрлицо",
}  # fmt: skip


def code_name(code: str, language: Language) -> str:
    """Return a code of the ledger as readers of that language call it."""
    return _RUSSIAN.get(code, code) if language == "ru" else code
