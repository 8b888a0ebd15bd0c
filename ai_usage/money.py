"""Money as the vendors send it, and as the warehouse keeps it: Decimal on both sides, never a float."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

# As wide as a NUMERIC(38, 9): refuses what that cannot hold.
EXACT = Context(prec=38, rounding=ROUND_HALF_EVEN)
FINEST = Decimal("1e-7")  # of a cent: the ninth decimal of a dollar


def nine_decimals(value: Decimal) -> Decimal:
    """A quantity as NUMERIC(38, 9) holds it, half-even; `ValueError` if that cannot."""
    try:
        return EXACT.quantize(value, Decimal("1e-9"))
    except InvalidOperation as error:
        raise ValueError(f"{value} is no quantity that NUMERIC(38, 9) holds") from error


def usd(*, cents: Decimal) -> Decimal:
    """Dollars of an amount in cents, half-even to nine decimals; `ValueError` if NUMERIC(38, 9) cannot."""
    if not cents.is_finite():
        raise ValueError(f"{cents} cents is not an amount of money")
    try:
        return EXACT.scaleb(EXACT.quantize(cents, FINEST), -2)
    except InvalidOperation as error:
        raise ValueError(f"{cents} cents is more than NUMERIC(38, 9) holds") from error
