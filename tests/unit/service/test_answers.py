import inspect
from http import HTTPStatus

import pytest
from gunicorn.http import errors
from service.gunicorn import answers

# The application's own response, which gunicorn refuses.
OF_THE_SERVICE = {"InvalidResponseHeader", "InvalidResponseHeaderName"}
OF_CLIENTS = [
    kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.ParseException) and name not in OF_THE_SERVICE
]


@pytest.mark.parametrize("kind", OF_CLIENTS)
def test_no_request_that_gunicorn_refuses_counts_as_a_failure_of_the_service(
    kind: type[Exception],
) -> None:
    error = kind.__new__(kind)
    assert HTTPStatus.BAD_REQUEST <= answers.status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize("error", [errors.InvalidResponseHeader("X"), RuntimeError(), SystemExit()])
def test_an_error_of_the_service_has_status_500(error: BaseException) -> None:
    assert answers.status_of(error) == HTTPStatus.INTERNAL_SERVER_ERROR
