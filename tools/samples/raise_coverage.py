"""A shop whose discount rules have one test: 39 percent of their lines are covered."""

from tools.samples.making import Commit, Sample

_IGNORES = """\
__pycache__/
"""

_README = """\
# Shop

Prices and discounts of a small shop.
"""

_PROJECT = """\
[project]
name = "shop"
version = "1.0"
requires-python = ">=3.11"

[tool.pytest.ini_options]
testpaths = ["tests"]
"""

_BASKET = '''\
"""A basket and what it costs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """So many of one article."""

    article: str
    quantity: int
    unit_price: int  # cents


def total(lines: list[Line]) -> int:
    """Return the price of all lines in cents, before discounts."""
    return sum(line.quantity * line.unit_price for line in lines)
'''

_DISCOUNTS = '''\
"""Discounts, in cents: by quantity, by voucher, for regular customers."""

VOUCHERS = {"WELCOME": 500, "SPRING": 1000}


def by_quantity(quantity: int, unit_price: int) -> int:
    """Return the discount for buying many of one article."""
    if quantity < 0:
        raise ValueError("a quantity is not negative")
    if quantity >= 100:
        return quantity * unit_price * 20 // 100
    if quantity >= 10:
        return quantity * unit_price * 10 // 100
    return 0


def by_voucher(code: str, total: int) -> int:
    """Return the discount of a voucher; never more than the total."""
    amount = VOUCHERS.get(code.upper())
    if amount is None:
        raise KeyError(f"no voucher {code}")
    return min(amount, total)


def for_customer(years: int, total: int) -> int:
    """Return the discount for a regular customer: one percent a year, at most ten."""
    if years <= 0:
        return 0
    percent = min(years, 10)
    return total * percent // 100


def best(total: int, *discounts: int) -> int:
    """Return the total after the best single discount."""
    if not discounts:
        return total
    return max(0, total - max(discounts))
'''

_BASKET_TEST = """\
from shop.basket import Line, total


def test_total_is_the_sum_of_all_lines():
    assert total([Line("pen", 3, 120), Line("book", 1, 1500)]) == 1860
"""

_DISCOUNT_TEST = """\
from shop.discounts import by_quantity


def test_no_discount_for_few():
    assert by_quantity(3, 100) == 0
"""

SAMPLE = Sample(
    definition="raise-coverage",
    inputs={"module": "shop/discounts.py", "target": 90},
    commits=(
        Commit("Start the shop", {".gitignore": _IGNORES, "README.md": _README, "pyproject.toml": _PROJECT}),
        Commit(
            "Add the basket", {"shop/__init__.py": "", "shop/basket.py": _BASKET, "tests/test_basket.py": _BASKET_TEST}
        ),
        Commit("Add discounts", {"shop/discounts.py": _DISCOUNTS, "tests/test_discounts.py": _DISCOUNT_TEST}),
    ),
)
