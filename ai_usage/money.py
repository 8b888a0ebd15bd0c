"""Money as the vendors send it, and as the warehouse keeps it: Decimal on both sides, never a float."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

SCALE = Decimal("1e-9")  # NUMERIC(38, 9)
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)  # wider than any amount a NUMERIC(38, 9) can hold
LARGEST = Decimal(10) ** 29


def usd(*, cents: Decimal) -> Decimal:
    """Dollars of an amount in cents, half-even to nine decimals; `ValueError` if no NUMERIC(38, 9) holds it."""
    try:
        dollars = EXACT.quantize(EXACT.divide(cents, Decimal(100)), SCALE)
    except InvalidOperation as error:
        raise ValueError(f"{cents} cents is not an amount of money") from error
    if not abs(dollars) < LARGEST:
        raise ValueError(f"{cents} cents is more than NUMERIC(38, 9) holds")
    return dollars
