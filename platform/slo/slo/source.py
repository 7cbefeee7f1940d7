"""YAML documents together with the line that each value stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a declaration, where it is, and what to do."""

    file: Path
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """Render as `file:line: path: message`."""
        return f"{self.file}:{self.line}: {self.path}: {self.message}"


class InvalidDeclarationError(Exception):
    """A declaration is wrong or missing; `problems` says where and how, all at once."""

    def __init__(self, problems: list[Problem], message: str = "") -> None:
        """Keep the problems; the message is one line for each, unless one is given."""
        super().__init__(message or "\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Document:
    """Plain data of one YAML document, and the line of each key and item in it."""

    file: Path
    data: Any
    lines: Mapping[Location, int]

    def problem(self, location: Location, message: str) -> Problem:
        """Describe a problem at a location, or at its nearest parent that is written down."""
        known = location
        while known not in self.lines:
            known = known[:-1]
        return Problem(self.file, self.lines[known], render_path(location), message)


def render_path(location: Location) -> str:
    """Render a location as a YAML path such as `spec.objectives[0].target`."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return path.removeprefix(".") or "(document)"


def read_documents(file: Path) -> list[Document]:
    """Read every document of a YAML file; floats come as exact `Decimal`.

    Raises:
        InvalidDeclarationError: the file cannot be read, is not YAML, or is not plain data. Plain
            data has no key that occurs twice or has several values, no alias that contains itself,
            and no scalar that is not of its type.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        nodes = list(yaml.compose_all(file.read_text(encoding="utf-8")))
    except OSError as error:
        problem = Problem(file, 1, "(document)", f"cannot be read: {error.strerror}")
        raise InvalidDeclarationError([problem]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = Problem(file, line, "(document)", f"not UTF-8: {error.reason}")
        raise InvalidDeclarationError([problem]) from error
    except ReaderError as error:
        text = file.read_text(encoding="utf-8")
        line = text.count("\n", 0, error.position) + 1
        problem = Problem(file, line, "(document)", f"not valid YAML: {error.reason}")
        raise InvalidDeclarationError([problem]) from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = Problem(file, line, "(document)", f"not valid YAML: {error.problem}")
        raise InvalidDeclarationError([problem]) from error
    return [_document(file, node) for node in nodes if node is not None]


def _document(file: Path, root: Node) -> Document:
    converter = _Converter(file)
    converter.lines[()] = root.start_mark.line + 1
    data = converter.convert(root, (), ())
    if converter.problems:
        raise InvalidDeclarationError(converter.problems)
    return Document(file, data, converter.lines)


@dataclass
class _Converter:
    """Turns nodes into plain data, and notes the line of each key and item."""

    file: Path
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def report(self, node: Node, location: Location, message: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem(self.file, line, render_path(location), message))

    def convert(self, node: Node, location: Location, around: tuple[Node, ...]) -> Any:
        if any(node is each for each in around):
            self.report(node, location, "is an alias of what it stands in")
            return None
        around = (*around, node)
        if isinstance(node, MappingNode):
            return self._mapping(node, location, around)
        if isinstance(node, SequenceNode):
            return self._items(node, location, around)
        try:
            return _scalar(str(node.tag), str(node.value))
        except (ValueError, ArithmeticError):
            kind = str(node.tag).rpartition(":")[2]
            self.report(node, location, f"{node.value!r} is no {kind} of YAML 1.2")
            return None

    def _mapping(self, node: Node, location: Location, around: tuple[Node, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.report(key, location, "a key must be a text")
                continue
            inner = (*location, key.value)
            if key.value in result:
                self.report(key, inner, "key stands twice")
            self.lines[inner] = key.start_mark.line + 1
            result[key.value] = self.convert(value, inner, around)
        return result

    def _items(self, node: Node, location: Location, around: tuple[Node, ...]) -> list[Any]:
        for index, item in enumerate(node.value):
            self.lines[*location, index] = item.start_mark.line + 1
        return [
            self.convert(item, (*location, index), around) for index, item in enumerate(node.value)
        ]


def _scalar(tag: str, text: str) -> Any:
    match tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return ("false", "true").index(text.lower()) == 1
        case "int":
            digits = text.replace("_", "")
            return int(digits, 0 if digits.lstrip("+-")[:2] in {"0x", "0o"} else 10)
        case "float":
            number = text.replace("_", "").lower()
            return Decimal(number.replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            return text
