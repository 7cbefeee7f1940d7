import pytest
from seaports.domain.errors import FeedError, shown


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FeedError("is empty"), "is empty"),
        (FeedError("is cut off", 3), "record 3: is cut off"),
        (FeedError("is no port", 3, "AEAJM"), "record 3 ('AEAJM'): is no port"),
    ],
)
def test_a_feed_error_names_the_place_as_far_as_it_is_known(error: FeedError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("a\nb", r"'a\nb'"), ("x" * 99, f"'{'x' * 60}'"), (["y" * 99], f"['{'y' * 58}…"), (7, "7")],
)
def test_error_messages_show_file_values_on_one_short_line(value: object, text: str) -> None:
    assert shown(value) == text
