"""Whether an environment's file switches the Rollout on.

Apart from `environment`, which `tools/propose` runs where no package is installed.
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from promote.errors import PromotionError


def has_rollout(text: str, where: Path) -> bool:
    """Tell whether an environment's file switches the Rollout on.

    Raises:
        PromotionError: it is not YAML.
    """
    try:
        values = YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError as error:
        raise PromotionError(f"{where}: not valid YAML") from error
    return bool((values.get("rollout") or {}).get("enabled"))
