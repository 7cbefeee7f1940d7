"""The linter of the pages' language finds a sentence that breaks a rule, and no other."""

from pathlib import Path

import pytest

from tools import prose

BAD = [
    ("at most 30 words", "The list has " + "many " * 27 + "words."),
    ("at most one semicolon", "The first waits; the second runs; the third ends."),
    ("no exclamation mark", "The service is up!"),
    ("the subject is a noun, not a clause", "What is generated is committed."),
    ("the subject is a noun, not a clause", "Who copies the repository edits one file."),
    ("the subject is a noun, not a clause", "Whoever waits holds a thread."),
    ("the subject is a noun, not a clause", "That it fails is shown by a test."),
    ("the subject comes before the verb", "Not so an expected exception."),
    ("the subject comes before the verb", "Were they refused, the pod would restart."),
    ("the subject comes before the verb", "The end is kept, though it be one line."),
    ("the subject comes before the verb", "Each request is counted, be it fast or slow."),
    ("a sentence has a subject", "Or is listed with a reason."),
    ("a sentence has a verb", "Most connections to PostgreSQL, a worker."),
    ("use the present tense", "The span would have been lost."),
    ("use the present tense", "The file is to be deleted."),
    ("leave the word out", "Simply run the command."),
    ("leave the word out", "The test just works, of course."),
    ("write timeout", "The time-out is 10 s."),
    ("write log in", "Open the page to login."),
    ("write log in", "Log into the cluster."),
    ("write setup, rollback, backup", "The set-up takes a minute."),
    ("write again", "The pool connects anew."),
    ("write anyway", "The gate passes all the same."),
    ("write is available", "No image can be had."),
    ("write American English", "The behaviour is the same."),
    ("write American English", "Initialise the labelled grey box."),
]
GOOD = [
    "The worker closes the connection after 10 s.",
    "What is a burn rate?",
    "Who is paged?",
    "The service normalizes paths, and its emphasis is on optimism.",
    "The image says `what! time-out; anew; behaviour; simply`.",
    "The limit is 1.5 s, e.g. `PORTS_DRAIN_SECONDS`, so that `!` and `;` do no harm.",
    "It is a metric of a programmer in the center.",
    "`uname` prints the kernel. " * 12,
    "<!-- What a comment says is not shown! -->",
    "```sh\nWhat a block says simply is code!\n```",
]


@pytest.mark.parametrize(("rule", "sentence"), BAD)
def test_a_sentence_that_breaks_a_rule_is_found(rule: str, sentence: str) -> None:
    assert {name for _, name, _ in prose.findings(sentence)} == {rule}


def test_each_rule_has_a_sentence_that_breaks_it() -> None:
    assert {rule.name for rule in prose.RULES} | {"at most 30 words"} == {rule for rule, _ in BAD}


@pytest.mark.parametrize("markdown", GOOD)
def test_a_good_sentence_is_not_found(markdown: str) -> None:
    assert list(prose.findings(markdown)) == []


def test_a_finding_names_its_line() -> None:
    page = "# Title\n\nA line.\nSimply one. Another\nsentence is\nof course here.\n"
    assert [line for line, _, _ in prose.findings(page)] == [4, 4]


@pytest.mark.parametrize(
    "page",
    [
        "# {}",
        "- {}\n- item",
        "1. {}",
        "| a | b |\n| --- | --- |\n| c | {} |",
        "> {}",
        "**{}**",
        "[{}](to.md)",
    ],
)
def test_headings_items_cells_and_links_are_read(page: str) -> None:
    assert [name for _, name, _ in prose.findings(page.format("What is proven"))]


def test_a_finding_is_printed_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "bad.md"
    page.write_text("Simply.\n")
    assert prose.main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:1: leave the word out: Simply.\n"


def test_every_kind_of_file_is_read() -> None:
    assert {*prose.files()} >= {
        "CONTRIBUTING.md", "docs/decisions/index.md", "services/ports/CONFIGURATION.md", "Makefile",
        "platform/slo/slo/cli.py", "platform/generated/ports/rules.yaml", "tools/prose.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.md", "A page.\n", [(1, "A page.\n")]),
        ("Makefile", "x := y\nrun: .venv ## Serve\n\tcommand ## no\n", [(2, "Serve")]),
        ("a.yaml", "- alert: A\n  summary: 'It fails'\n  description: |\n", [(2, "It fails")]),
        (
            "a.py",
            '"""A module."""\n\n\ndef f():\n    """A function."""\n    add(help="a" "b")\n',
            [(1, "A module."), (5, "A function."), (6, "ab")],
        ),
        (
            "a.py",
            "# One\n# comment.\nx = 1  # Another.\ny = 2  # noqa: E501\n",
            [(1, "One\ncomment."), (3, "Another.")],
        ),
        (
            "a.py",
            '{% if values.a %}\n"""A module.\n\nMore.\n"""\n{% endif %}\n',
            [(2, "A module.\n\nMore.")],
        ),
        ("a.py", '"""Of ${{ values.name }}."""\nimport ${{ values.name }}\n', [(1, "Of x.")]),
    ],
)
def test_the_texts_of_a_file_have_their_lines(
    tmp_path: Path, name: str, content: str, expected: list[tuple[int, str]]
) -> None:
    file = tmp_path / name
    file.write_text(content)
    assert sorted(filter(lambda found: found[1], prose.texts(str(file)))) == expected
