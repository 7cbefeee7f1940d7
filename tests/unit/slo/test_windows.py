from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from slo.windows import BURN_WINDOWS, PERIODS_DAYS, exact, plain, prometheus_duration


def factors(days: int) -> list[str]:
    return [plain(exact(window.factor(timedelta(days=days)))) for window in BURN_WINDOWS]


def test_factors_of_30_days_are_those_of_the_workbook() -> None:
    assert factors(30) == ["14.4", "6", "3", "1"]


def test_factors_of_other_periods_spend_the_same_share_but_never_wait_below_one() -> None:
    assert PERIODS_DAYS == (7, 28, 30)
    assert factors(28) == ["13.44", "5.6", "2.8", "1"]
    assert factors(7) == ["3.36", "1.4", "1", "1"]


def test_thresholds_are_exact_decimals() -> None:
    thresholds = [
        plain(window.threshold(Decimal("0.9995"), timedelta(days=30))) for window in BURN_WINDOWS
    ]
    assert thresholds == ["0.0072", "0.003", "0.0015", "0.0005"]


def test_a_fraction_without_an_end_is_cut_to_twelve_digits() -> None:
    assert exact(Fraction(14, 15)) == Decimal("0.933333333333")


@pytest.mark.parametrize(
    ("number", "text"),
    [(Decimal("0.0010"), "0.001"), (Decimal("1E-7"), "0.0000001"), (1000, "1000"), (0, "0")],
)
def test_numbers_are_printed_without_exponent_or_idle_zeros(
    number: Decimal | int, text: str
) -> None:
    assert plain(number) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=30), "30d"),
        (timedelta(hours=6), "6h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(milliseconds=1500), "1500ms"),
    ],
)
def test_durations_are_printed_in_one_unit(duration: timedelta, text: str) -> None:
    assert prometheus_duration(duration) == text


def test_a_duration_below_a_millisecond_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than a millisecond"):
        prometheus_duration(timedelta(microseconds=10))
