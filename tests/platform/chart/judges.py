"""Programs that judge what a chart renders."""

import subprocess

from tests.platform.chart.render import ROOT


def tool(name: str, *arguments: str, manifests: str) -> subprocess.CompletedProcess[str]:
    program = ROOT / "tools/bin" / name
    return subprocess.run(
        [program, *arguments], input=manifests, capture_output=True, text=True, check=False
    )


def kubeconform(pattern: str, manifests: str) -> subprocess.CompletedProcess[str]:
    return tool(
        "kubeconform", "-strict", "-summary", "-schema-location", pattern, "-", manifests=manifests
    )
