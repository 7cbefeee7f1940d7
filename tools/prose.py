"""Check the language of texts for people: the rules of CONTRIBUTING that a program can check.

It reads pages, the menu of `make`, texts of alerts and of the catalog, the help of commands, and
Python's docstrings and comments.

Usage: prose.py [FILE ...]. It checks every file of the repository if none is named. It prints one
line per finding (`file:line: rule: sentence`), and exits with 1 if there is a finding.
"""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
READ = ("*.md", "*.py", "Makefile", "platform/*.yaml", "services/*.yaml")
LONGEST = 30
# Code counts as one word, and no rule about words applies to it.
CODE = "CODE"
PARSER = MarkdownIt("commonmark").enable("table")
# An entry of the menu of `make`; a text of an alert or of an entity of the catalog.
LINE = re.compile(r"[a-z0-9-]+:.*?## (.+)|\s+(?:summary|description): +([^|>\s].*)")
# The code before a comment on its line, and the comment, unless it is for a program.
COMMENT = re.compile(r"^\s*(|[^\s#].*?  )# (?!noqa|type:|fmt:|pragma)(.+)")
# A place in a module of the service template that the template fills.
BLANK = re.compile(r"\$\{\{.*?\}\}")
# A module with conditions of the template is not Python before it is rendered.
CONDITION = re.compile(r"^\{% ", re.MULTILINE)
DOCSTRING = re.compile(r'"""(.+?)"""', re.DOTALL)
WORD = re.compile(r"\S*\w\S*")
END = re.compile(r"(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<=[.!?])[\"')]*\s+")
# Stems of verbs that Britons end in -ise.
ISE = (
    "author|categor|character|container|critic|custom|emphas|final|general|initial|local|material|"
    "maxim|memor|minim|modern|normal|optim|organ|parallel|penal|priorit|random|real|recogn|sanit|"
    "serial|special|stabil|standard|summar|synchron|token|util|virtual|visual"
)
BRITISH = (
    rf"(?:un|re|de)?(?:{ISE})is(?:e[sdr]?|ing|ations?)",
    r"(?:behavi|col|fav|hon|neighb|flav)our\w*",
    r"(?:anal|catal)ys(?:e[sd]?|ing)",
    r"(?:cancel|label|model|signal|travel)l(?:ed|ing)",
    r"grey\w*|centred?|metres?|licences?|defences?|catalogues?|artefacts?|programmes?|whilst|amongst",
)


@dataclass(frozen=True)
class Rule:
    """A rule: its name, and the form of the sentences that break it."""

    name: str
    broken: re.Pattern[str]

    @classmethod
    def against(cls, name: str, *words: str) -> "Rule":
        """Return a rule against whole words, in upper or lower case."""
        return cls(name, re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE))

    @classmethod
    def of_begin(cls, name: str, *words: str) -> "Rule":
        """Return a rule against words at the begin of a sentence that is not a question."""
        return cls(name, re.compile(rf"^[\"(]*(?:{'|'.join(words)})\b(?!.*\?$)"))


RULES = (
    Rule("at most one semicolon", re.compile(r";.*;.*[.:]$")),
    Rule("no exclamation mark", re.compile(r"\w!(?=\W|$)")),
    Rule.of_begin(
        "the subject is a noun, not a clause",
        *("What", "Who", "Whom", "Whoever", "Whatever", "Whichever", "How (?:much|many|long)"),
        r"That (?:it|they|the|an?|no|nothing)",
    ),
    Rule.of_begin("the subject comes before the verb", "Not so", "Nor", "Should", "Were", "Had"),
    Rule.against("the subject comes before the verb", "be (?:it|they)", r"though \w+ be"),
    Rule.of_begin("a sentence has a subject", "Or", "Which", "Whose", "Than"),
    Rule("a sentence has a verb", re.compile(r"\w, an? \w+\.$")),
    Rule.against("use the present tense", "(?:would|will) have been", "(?:is|are|was) to be"),
    Rule.against("leave the word out", "simply", "just", "of course", "obviously", "basically"),
    Rule.against("write timeout", "time[- ]outs?", "timed-out"),
    Rule.against("write log in", "(?:to|and|then|you) login", "log-in", "logs? into"),
    Rule.against("write setup, rollback, backup", "set-ups?", "roll-backs?", "back-ups?"),
    Rule.against("write again", "anew"),
    Rule.against("write anyway", "all the same"),
    Rule.against("write is available", "be had", "at hand"),
    Rule.against("write American English", *BRITISH),
)


def files() -> list[str]:
    """Return the name of every file of the repository that has texts for people."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        name
        for name in listed.stdout.split("\0")
        if any(fnmatch(name, pattern) for pattern in READ) and (ROOT / name).is_file()
    ]


def texts(name: str) -> Iterator[tuple[int, str]]:
    """Yield each text for people in a file: the line at which it begins, and the Markdown."""
    content = (ROOT / name).read_text()
    if name.endswith(".md"):
        yield 1, content
    elif not name.endswith(".py"):
        for number, line in enumerate(content.splitlines(), start=1):
            if found := LINE.match(line):
                yield number, found[1] or found[2].strip("'\"")
    elif CONDITION.search(content):
        for found in DOCSTRING.finditer(content):
            yield content.count("\n", 0, found.start()) + 1, inspect.cleandoc(found[1])
    else:
        yield from _comments(content)
        for node in ast.walk(ast.parse(BLANK.sub("x", content))):
            match node:
                case ast.keyword(arg="help" | "description", value=ast.Constant(value=str(text))):
                    yield node.value.lineno, text
                case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield node.body[0].lineno if node.body else 1, ast.get_docstring(node) or ""


def _comments(source: str) -> Iterator[tuple[int, str]]:
    lines: list[str] = []
    for number, line in enumerate([*source.splitlines(), ""], start=1):
        found = COMMENT.search(line)
        if found and not found[1]:  # a line of its own
            lines.append(found[2])
            continue
        if lines:
            yield number - len(lines), "\n".join(lines)
            lines = []
        if found:
            yield number, found[2]


def sentences(markdown: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence of a page with its line; headings, items and cells are sentences too."""
    line = 1
    for token in PARSER.parse(markdown):
        if token.map:
            line = token.map[0] + 1
        if token.type == "inline":
            text = "".join(_shown(child) for child in token.children or [])
            begin = 0
            for found in [*END.finditer(text), None]:
                sentence = text[begin : found.start() if found else None]
                if sentence.strip():
                    yield line + text.count("\n", 0, begin), " ".join(sentence.split())
                begin = found.end() if found else begin


def _shown(token: Token) -> str:
    match token.type:
        case "text":
            return token.content
        case "code_inline":
            return CODE
        case "softbreak" | "hardbreak":
            return "\n"
        case "image":
            return f"{token.content} "
        case _:
            return ""


def findings(markdown: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the rule's name and the sentence of each breach of a rule in a page."""
    for line, sentence in sentences(markdown):
        if len(WORD.findall(sentence)) > LONGEST:
            yield line, f"at most {LONGEST} words", sentence
        for rule in RULES:
            if rule.broken.search(sentence):
                yield line, rule.name, sentence


def main(named: list[str]) -> int:
    """Print each finding, in the files that are named or in all, and return the exit code."""
    found = [
        f"{name}:{first + line - 1}: {rule}: {sentence}"
        for name in named or files()
        for first, text in texts(name)
        for line, rule, sentence in findings(text)
    ]
    print("".join(f"{each}\n" for each in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
