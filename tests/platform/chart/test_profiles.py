"""One value chooses how large the platform is, and another names the cluster."""

from pathlib import Path

import pytest
from stack import values

from tests.platform.chart import render
from tests.platform.charts import vendor

PROFILES = ("local", "single", "scaled")
OVERLAYS = sorted(values.PLATFORM.glob("profiles/*/*.yaml"))


def applications(*flags: str) -> dict[str, dict[str, object]]:
    """Applications of the platform by name, rendered with these flags of helm."""
    given = ("--values", "platform/adopt.yaml", *flags)
    rendered = render.helm("template", "apps", "platform/argocd/apps", *given)
    found = (each for each in render.objects(rendered) if each["kind"] == "Application")
    return {each["metadata"]["name"]: each["spec"]["sources"][0]["helm"] for each in found}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_component_takes_the_file_of_the_profile(profile: str) -> None:
    for name, helm in applications(f"--set=profile={profile}").items():
        assert helm["valueFiles"] == [f"/platform/profiles/{profile}/{name}.yaml"]
        assert helm["ignoreMissingValueFiles"] is True, "a component without differences has none"


def test_a_component_takes_the_files_of_chosen_options_as_well() -> None:
    option = "values-tail-sampling.yaml"
    assert (values.PLATFORM / "otel-collector" / option).is_file()
    for profile in PROFILES:
        flags = (f"--set=profile={profile}", f"--set=platform.otel-collector.options={{{option}}}")
        files = applications(*flags)["otel-collector"]["valueFiles"]
        assert files == [f"/platform/profiles/{profile}/otel-collector.yaml", option]


def test_without_a_choice_each_component_is_one_replica() -> None:
    assert applications() == applications("--set=profile=single")
    assert applications() != applications("--set=profile=scaled")


@pytest.mark.parametrize("profile", ["huge", "Scaled", ""])
def test_an_unknown_profile_is_refused_with_those_there_are(profile: str) -> None:
    said = rf"profile={profile}: must be one of local, single, scaled \(platform/argocd/apps"
    with pytest.raises(render.RefusedError, match=said):
        applications(f"--set=profile={profile}")


@pytest.mark.parametrize("cluster", ["", "EU", "eu_1", "-eu"])
def test_a_name_of_a_cluster_that_is_no_label_is_refused(cluster: str) -> None:
    with pytest.raises(render.RefusedError, match=f"cluster={cluster}: must be a name"):
        applications(f"--set=cluster={cluster}")


@pytest.mark.parametrize("file", OVERLAYS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_file_of_a_profile_is_of_a_component(file: Path) -> None:
    """A file of another name would be ignored by everyone."""
    assert file.parent.name in PROFILES
    assert file.stem in {each.split("/")[0] for each in vendor.UMBRELLAS}


def test_single_is_what_the_charts_say() -> None:
    assert not list(values.PLATFORM.glob("profiles/single/*"))
