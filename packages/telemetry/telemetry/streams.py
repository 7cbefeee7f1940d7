"""Spans of streamed responses, which continue after the server span has ended."""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

T = TypeVar("T")


def stream(
    name: str,
    items: Callable[[], Iterator[T]],
    attributes: "Mapping[str, AttributeValue] | None" = None,
) -> Iterator[T]:
    """Return what `items()` yields, under a span from now until the last one or the close.

    A streamed response is pulled when the server span is over already: its parent is therefore
    taken now. The span is current inside of the iterator only, never between two of its items. An
    iterator that is never pulled leaves no span.

    Args:
        name: The span's name.
        items: Called once, at once, with the span as the current one.
        attributes: The span's attributes.
    """
    from opentelemetry import trace

    from telemetry import spans

    span = spans.begin(name, attributes)
    if span is None:
        return items()
    scope = copy_context()

    def pull() -> Iterator[T]:
        with trace.use_span(span, end_on_exit=True):
            yield from held

    with trace.use_span(span):
        held = items()
    return _Scoped(pull(), scope.run)


class _Scoped(Iterator[T]):
    """Runs an iterator's code in a context of its own."""

    def __init__(self, items: Iterator[T], run: Callable[..., T]) -> None:
        self._items = items
        self._run = run

    def __next__(self) -> T:
        return self._run(next, self._items)

    def close(self) -> None:
        """End the iterator, and with it the span, before its last item."""
        self._run(self._items.close)  # type: ignore[attr-defined]
