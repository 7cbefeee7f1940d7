from telemetry import redaction


def test_queries_keep_their_shape_and_lose_their_secrets() -> None:
    query = "country=NL&access_token=planted&q=a%20b&PASSWORD=planted&token="
    assert redaction.redact_query(query) == (
        "country=NL&access_token=REDACTED&q=a%20b&PASSWORD=REDACTED&token=REDACTED"
    )


def test_what_is_no_text_is_looked_at_inside_and_bounded_too() -> None:
    given = {"hosts": ("a", {"note": "Basic abcd"}), "n": None, "raw": b"x" * 9_000}
    found = redaction.clean("given", given)
    assert found["hosts"] == ["a", {"note": f"Basic {redaction.REDACTED}"}]
    assert found["n"] is None
    assert len(found["raw"]) == redaction.MAX_TEXT


def test_a_field_whose_name_says_secret_shows_only_whether_there_is_one() -> None:
    assert redaction.clean("session", "abc") == redaction.REDACTED
    assert redaction.clean("has_session", True) is True
    assert redaction.clean("token", None) is None
    assert redaction.is_secret("X-Api-Key")
    assert not redaction.is_secret("route")
