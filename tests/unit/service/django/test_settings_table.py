from io import StringIO

from django.core.management import call_command

from tests.service import FOLDER


def test_the_committed_page_of_settings_is_what_the_environment_declares() -> None:
    printed = StringIO()
    call_command("settings_table", stdout=printed)
    assert printed.getvalue() == (FOLDER / "CONFIGURATION.md").read_text(), "run: make generate"
