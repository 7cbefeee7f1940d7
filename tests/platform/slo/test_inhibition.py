"""The generated inhibition in a real Alertmanager: a page silences tickets of its SLO alone."""

from pathlib import Path

import httpx
from ruamel.yaml import YAML

from tests.platform.slo.real import ROOT, run, serving, tool
from tests.service import free_port

FRAGMENT = ROOT / "platform/generated/platform/alertmanager.yaml"


def alert(severity: str, slo: str | None, environment: str) -> dict[str, dict[str, str]]:
    labels = {
        "alertname": f"{severity}-{slo}",
        "severity": severity,
        "service_name": "ports",
        "deployment_environment_name": environment,
    }
    return {"labels": labels | ({"slo": slo} if slo else {})}


def test_a_page_silences_the_tickets_of_its_slo_and_environment_alone(tmp_path: Path) -> None:
    yaml = YAML(typ="safe")
    config = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    file = tmp_path / "alertmanager.yaml"
    yaml.dump(config | yaml.load(FRAGMENT), file)
    assert "SUCCESS" in run(tool("amtool"), "check-config", str(file))
    url = f"http://127.0.0.1:{free_port()}"
    command = (
        tool("alertmanager"),
        f"--config.file={file}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    )
    with serving(*command, url=url, ready="/-/ready", log=tmp_path / "log"):
        sent = [
            alert("page", "availability", "prod"),
            alert("ticket", "availability", "prod"),
            alert("ticket", "latency", "prod"),
            alert("ticket", "availability", "staging"),
            alert("ticket", None, "prod"),
        ]
        httpx.post(f"{url}/api/v2/alerts", json=sent).raise_for_status()
        found = httpx.get(f"{url}/api/v2/alerts").json()
    silenced = {
        (each["labels"].get("slo"), each["labels"]["deployment_environment_name"])
        for each in found
        if each["status"]["inhibitedBy"]
    }
    assert len(found) == len(sent)
    assert silenced == {("availability", "prod")}
