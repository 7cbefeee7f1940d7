"""An image is built once for its content; engine, crane and make are stand-ins."""

from pathlib import Path

import pytest
from demo.errors import DemoError
from demo.image import Builder

from tests.unit.demo.conftest import Programs, git

DIGEST = f"sha256:{'1' * 64}"
REGISTRY = "127.0.0.1:5000"


@pytest.fixture
def builder(programs: Programs) -> Builder:
    return Builder(("engine", "--flag"), "crane")


def test_an_image_that_the_registry_has_is_not_built(
    builder: Builder, programs: Programs, checkout: Path
) -> None:
    programs.answer("^crane digest", f"{DIGEST}\n")
    assert builder.publish(checkout, "shop", REGISTRY) == (DIGEST, False)
    (first,) = programs.calls()
    # Neither another commit nor another folder makes another image.
    (checkout / "README.md").write_text("more")
    git(checkout, "add", "README.md")
    git(checkout, "commit", "--quiet", "--message=More")
    builder.publish(checkout, "shop", REGISTRY)
    assert programs.calls() == [first, first]
    (checkout / "services/shop/more").touch()
    git(checkout, "add", "services")
    git(checkout, "commit", "--quiet", "--message=Change")
    builder.publish(checkout, "shop", REGISTRY)
    assert programs.calls()[-1] != first


def test_an_image_is_built_and_pushed(
    builder: Builder, programs: Programs, checkout: Path, tmp_path: Path
) -> None:
    programs.answer("^crane digest", "MANIFEST_UNKNOWN: manifest unknown", 1)
    programs.answer("^make .*SERVICE=shop TAG=demo-.* ENGINE='?engine --flag'? build$")
    programs.answer("^engine --flag image ls", "other/shop:demo-0\nr.test/shop:latest\n")
    with pytest.raises(DemoError, match="not among the images of engine after the build"):
        builder.publish(checkout, "shop", REGISTRY)
    (tagged,) = programs.calls("crane digest")
    name = tagged.rpartition("/")[2]
    programs.answer("^engine --flag image ls", f"r.test/{name}\n")
    programs.answer(f"^engine --flag save --output \\S+ r.test/{name}$")
    programs.answer(f"^crane push \\S+ {REGISTRY}/{name}$")
    with pytest.raises(DemoError, match="pushed, but the registry does not have it"):
        builder.publish(checkout, "shop", REGISTRY)
    programs.answer("^crane digest", "denied", 1)
    with pytest.raises(DemoError, match="denied"):
        builder.publish(checkout, "shop", REGISTRY)


def test_only_the_demos_images_are_removed(builder: Builder, programs: Programs) -> None:
    programs.answer("image ls", "r.test/shop:latest\nr.test/other:demo-1\n")
    builder.remove("shop")
    programs.answer("image ls", "r.test/shop:latest\nr.test/shop:demo-1\n")
    programs.answer("image rm --force r.test/shop:demo-1$")
    builder.remove("shop")
    assert len(programs.calls("engine --flag image rm")) == 1
