"""`service.django.get_wsgi_application`, over a little application of Django's."""

from typing import Any

import pytest
from service.django import wsgi


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/plain; charset=hex", "text/plain"),
        ("text/plain;charset*=hex''%41", "text/plain"),
        (";", ""),
        ("", ""),
        ("multipart/form-data; boundary=a-b", "multipart/form-data; boundary=a-b"),
        (
            'Multipart/Form-Data; charset=hex; BOUNDARY="a b"; x="y"',
            'Multipart/Form-Data; BOUNDARY="a b"',
        ),
        ("multipart/form-data; boundary*=hex''%41", "multipart/form-data"),
        ("multipart/form-data; charset=hex", "multipart/form-data"),
        ("text/plain; boundary=x", "text/plain"),
    ],
)
def test_django_is_told_the_media_type_alone_and_a_boundary(
    given: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def django(_: object, environ: dict[str, Any], __: object) -> list[bytes]:
        seen.append(environ)
        return []

    monkeypatch.setattr("django.core.handlers.wsgi.WSGIHandler.__call__", django)
    application: Any = wsgi.get_wsgi_application()
    application({"CONTENT_TYPE": given}, None)
    application({}, None)
    assert seen == [{"CONTENT_TYPE": told}, {}]
