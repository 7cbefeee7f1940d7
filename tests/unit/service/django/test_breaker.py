import pytest
from service.django.postgresql.breaker import RETRY_SECONDS, Breaker

from tests.unit.service.django.conftest import Clock


class Away(Exception): ...


def assert_refused(one: Breaker) -> None:
    with pytest.raises(Away, match="does not answer"):
        one.enter()


def test_after_a_failure_others_are_refused_for_a_second(clock: Clock) -> None:
    one = Breaker(Away)
    one.leave(one.enter(), answered=False)
    assert_refused(one)
    clock.now += RETRY_SECONDS
    one.leave(one.enter(), answered=True)
    one.enter()


def test_only_one_at_a_time_tries_however_long_it_takes(clock: Clock) -> None:
    one = Breaker(Away)
    early = one.enter()
    one.leave(one.enter(), answered=False)
    clock.now += RETRY_SECONDS
    alone = one.enter()
    clock.now += 60
    assert_refused(one)
    one.leave(early, answered=False)  # one that began before says nothing about who tries
    clock.now += RETRY_SECONDS
    assert_refused(one)
    one.leave(alone, answered=False)
    assert_refused(one)
    clock.now += RETRY_SECONDS
    one.enter()


def test_a_slow_statement_among_answers_opens_nothing(clock: Clock) -> None:
    one = Breaker(Away)
    slow = one.enter()
    one.leave(one.enter(), answered=True)
    one.leave(slow, answered=False)
    one.enter()


def test_any_answer_lets_everybody_in_again(clock: Clock) -> None:
    one = Breaker(Away)
    early = one.enter()
    one.leave(one.enter(), answered=False)
    assert_refused(one)
    one.leave(early, answered=True)
    one.leave(one.enter(), answered=True)
