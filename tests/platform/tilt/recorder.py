"""A stand-in for Tilt: its Tiltfile runs in a Starlark interpreter, its built-ins are recorded.

Tilt needs a cluster and a container engine. The recorder shows the calls of the Tiltfile for each
choice of parts, with arguments and order. It does not show what Tilt makes of them. The built-ins
that read files do read them, the service chart is rendered by the real helm, and what is generated
by the real kustomize. A name that the recorder does not know is an error.
"""

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import starlark
from ruamel.yaml import YAML

# Built-ins that are objects with functions, made in Starlark of recorded ones.
_PRELUDE = """
config = struct(
    define_string = _config_define_string, parse = _config_parse, tilt_subcommand = _subcommand()
)
os = struct(path = struct(exists = _exists))
v1alpha1 = struct(ui_button = _ui_button, cmd = _cmd)
"""
# Only recorded; their result identifies the call's target, for calls that nest.
_RECORDED = (
    "docker_build", "k8s_yaml", "k8s_resource", "local_resource", "_config_define_string",
    "_ui_button", "_cmd",
)  # fmt: skip
_NESTED = ("sync", "fall_back_on", "port_forward", "link", "probe", "tcp_socket_action")


KUSTOMIZE = Path(__file__).parents[3] / "tools/bin/kustomize"


class TiltfileError(Exception):
    """The Tiltfile failed, on purpose (`fail`) or not."""


@dataclass
class Call:
    """One call of a built-in."""

    name: str
    arguments: list[Any]
    options: dict[str, Any]


@dataclass
class Recorded:
    """The calls of a Tiltfile."""

    calls: list[Call] = field(default_factory=list)

    def of(self, name: str) -> list[Call]:
        """Return the calls of a built-in."""
        return [call for call in self.calls if call.name == name]

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the options of each named resource."""
        named = self.of("k8s_resource") + self.of("local_resource")
        return {(*call.arguments, call.options.get("new_name"))[0]: call.options for call in named}


def evaluate(
    root: Path, helm: Callable[..., str], subcommand: str = "up", **flags: str
) -> Recorded:
    """Evaluate a checkout's Tiltfile.

    Args:
        root: The checkout.
        helm: Renders a chart: called with its folder and the options of Tilt's `helm`.
        subcommand: What stands behind `tilt`.
        flags: What stands behind `tilt up --`.

    Raises:
        TiltfileError: It failed.
    """
    recorded = Recorded()
    module = starlark.Module()
    for name, function in _functions(root, helm, flags, recorded).items():
        module.add_callable(name, function)
    module.add_callable("_subcommand", lambda: subcommand)
    dialect = starlark.Dialect.extended()
    dialect.enable_top_level_stmt = True
    dialect.enable_f_strings = False
    dialect.enable_types = starlark.DialectTypes.DISABLE
    libraries = starlark.Globals.extended_by([starlark.LibraryExtension.StructType])
    source = _PRELUDE + (root / "Tiltfile").read_text()
    try:
        starlark.eval(module, starlark.parse("Tiltfile", source, dialect), libraries)
    except starlark.StarlarkError as error:
        raise TiltfileError(str(error)) from error
    return recorded


def _functions(
    root: Path, helm: Callable[..., str], flags: dict[str, str], recorded: Recorded
) -> dict[str, Callable[..., Any]]:
    def record(name: str, /, *arguments: Any, **options: Any) -> None:
        recorded.calls.append(Call(name, list(arguments), options))

    def nest(name: str, /, *arguments: Any, **options: Any) -> dict[str, Any]:
        return {name: [*arguments], **options}

    def named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        return lambda *arguments, **options: function(name, *arguments, **options)

    def parse() -> dict[str, str]:
        known = {call.arguments[0] for call in recorded.of("_config_define_string")}
        if unknown := flags.keys() - known:
            fail(f"unknown flags: {unknown}")
        return flags

    def rendered(chart: str, **options: Any) -> str:
        record("helm", chart, **options)
        return helm(chart, **options)

    def kustomize(folder: str) -> str:
        record("kustomize", folder)
        return _output(shlex.join([str(KUSTOMIZE), "build", folder]), root)

    def local(command: str | list[str], **options: Any) -> str:
        record("local", command, **options)
        return "" if isinstance(command, list) else _output(command, root)

    yaml = YAML(typ="safe", pure=True)
    return {
        **{name: named(record, name) for name in _RECORDED},
        **{name: named(nest, name) for name in _NESTED},
        "_config_parse": parse,
        "_exists": lambda path: (root / path).exists(),
        "local": local,
        "helm": rendered,
        "kustomize": kustomize,
        "fail": fail,
        "read_yaml": lambda path: yaml.load((root / path).read_text()),
        "encode_yaml": lambda value: value,
        "decode_yaml_stream": lambda text: list(yaml.load_all(text)),
    }


def fail(message: str) -> None:
    """Tilt's `fail`."""
    raise ValueError(message)


def _output(command: str, folder: Path) -> str:
    """Run what the Tiltfile runs; commands given as lists would download, and are only recorded."""
    shell = ["sh", "-c", command]
    return subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=True).stdout
