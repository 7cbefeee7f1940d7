"""Files of the template for a new service, rendered without Node."""

import re

from tests.service import ROOT

SKELETON = ROOT / "platform" / "backstage" / "template" / "skeleton"


def rendered(text: str, **values: str) -> str:
    """Render a text as for a service without an option.

    Args:
        text: A file's content.
        values: What the form asks for, by the names that the template gives it.
    """
    text = re.sub(r"\{% if .*?%\}\n?(.*?)\{% endif %\}\n?", _otherwise, text, flags=re.DOTALL)
    for name, value in values.items():
        text = text.replace(f"${{{{ values.{name} }}}}", value)
    return text


def _otherwise(block: re.Match[str]) -> str:
    return block[1].partition("{% else %}\n")[2]
