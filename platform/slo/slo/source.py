"""YAML documents together with the line that each value stands on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

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
        InvalidDeclarationError: the file cannot be read, is not YAML, or a mapping has a key twice.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        nodes = list(yaml.compose_all(file.read_text(encoding="utf-8")))
    except OSError as error:
        problem = Problem(file, 1, "(document)", f"cannot be read: {error.strerror}")
        raise InvalidDeclarationError([problem]) from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = Problem(file, line, "(document)", f"not valid YAML: {error.problem}")
        raise InvalidDeclarationError([problem]) from error
    return [_document(file, node) for node in nodes if node is not None]


def _document(file: Path, root: Node) -> Document:
    lines: dict[Location, int] = {(): root.start_mark.line + 1}
    duplicates: list[Problem] = []

    def convert(node: Node, location: Location) -> Any:
        if isinstance(node, MappingNode):
            result: dict[str, Any] = {}
            for key, value in node.value:
                inner = (*location, key.value)
                if key.value in result:
                    line = key.start_mark.line + 1
                    duplicates.append(Problem(file, line, render_path(inner), "key stands twice"))
                lines[inner] = key.start_mark.line + 1
                result[key.value] = convert(value, inner)
            return result
        if isinstance(node, SequenceNode):
            return [convert(item, inner) for item, inner in _items(node, location, lines)]
        return _scalar(str(node.tag), str(node.value))

    data = convert(root, ())
    if duplicates:
        raise InvalidDeclarationError(duplicates)
    return Document(file, data, lines)


def _items(
    node: SequenceNode, location: Location, lines: dict[Location, int]
) -> Iterator[tuple[Node, Location]]:
    for index, item in enumerate(node.value):
        lines[*location, index] = item.start_mark.line + 1
        yield item, (*location, index)


def _scalar(tag: str, text: str) -> Any:
    match tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            digits = text.replace("_", "")
            return int(digits, 0 if digits.lstrip("+-")[:2] in {"0x", "0o"} else 10)
        case "float":
            number = text.replace("_", "").lower()
            return Decimal(number.replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            return text
