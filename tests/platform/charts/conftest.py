"""The upstream charts, without which nothing here can be shown."""

import pytest

from tests.platform.charts import vendor


@pytest.fixture(scope="session", autouse=True)
def vendored() -> None:
    """Put the pinned upstream charts beside the umbrella charts, or say how to get them."""
    try:
        for line in vendor.vendor_all():
            print(line)
    except vendor.MissingError as error:
        pytest.fail(str(error), pytrace=False)
