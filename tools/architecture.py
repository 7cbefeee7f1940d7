"""Draw the ports service as its code is: its parts, and who imports whom, as an SVG.

The arrows are the imports that are found in the code; only the places of the boxes are told here.
Usage: python -m tools.architecture > docs/architecture.svg
"""

from collections.abc import Iterator, Mapping

import grimp

from tools.flows import STYLE

ROWS = (
    ("entry points",),
    ("bootstrap", "settings"),
    ("http", "document", "feed", "store", "measures"),
    ("application",),
    ("domain",),
)
LIBRARIES = ("service", "telemetry")
# Modules that start something: gunicorn, Django or a person at a terminal calls them.
ENTRIES = {"urls", "wsgi", "management", "apps", "checks"}
COLUMN, ROW, BOX_WIDTH, BOX_HEIGHT, MARGIN = 170, 96, 132, 40, 24
COLUMNS = max(len(row) for row in ROWS)


def part(module: str) -> str:
    """Name the box that a module is in."""
    package, *path = module.split(".")
    if package in LIBRARIES or not path:
        return package
    if path[0] == "adapters":
        return path[1] if len(path) > 1 else package
    if path[0] == "names":  # what is measured, by name
        return "measures"
    return "entry points" if path[0] in ENTRIES else path[0]


def arrows() -> list[tuple[str, str]]:
    """Find the imports between boxes in the code."""
    graph = grimp.build_graph("seaports", *LIBRARIES)
    found = {
        (part(importer), part(imported))
        for importer in graph.modules
        if importer.startswith("seaports")
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    return sorted((start, end) for start, end in found if start != end)


def places() -> Mapping[str, tuple[float, float]]:
    """Place each box: the middle of its upper edge."""
    middle = MARGIN + COLUMN * COLUMNS / 2
    placed = {
        name: (middle + COLUMN * (column - (len(row) - 1) / 2), MARGIN + ROW * index)
        for index, row in enumerate(ROWS)
        for column, name in enumerate(row)
    }
    beside = MARGIN + COLUMN * (COLUMNS + 0.5)
    return placed | {name: (beside, MARGIN + ROW * (1 + i)) for i, name in enumerate(LIBRARIES)}


def svg() -> Iterator[str]:
    """Yield the lines of the picture."""
    width = MARGIN * 2 + COLUMN * (COLUMNS + 1)
    height = MARGIN * 2 + ROW * (len(ROWS) - 1) + BOX_HEIGHT
    placed = places()
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="sans-serif" font-size="14" text-anchor="middle">'
    )
    yield f"<title>Parts of the ports service and their imports</title><style>{STYLE}</style>"
    yield (
        '<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker>'
    )
    yield f'<rect class="back" width="{width}" height="{height}"/>'
    for start, end in arrows():
        yield _line(placed[start], placed[end], dashed=end in LIBRARIES)
    for name, (x, y) in placed.items():
        yield (
            f'<rect x="{x - BOX_WIDTH / 2:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
            'rx="6"/>'
        )
        yield f'<text x="{x:g}" y="{y + 25:g}">{name}</text>'
    yield "</svg>"


def _line(start: tuple[float, float], end: tuple[float, float], *, dashed: bool) -> str:
    (x1, y1), (x2, y2) = start, end
    if dashed or y1 == y2:  # from side to side
        x1, x2 = x1 + BOX_WIDTH / 2, x2 - BOX_WIDTH / 2
        y1, y2 = y1 + BOX_HEIGHT / 2, y2 + BOX_HEIGHT / 2
    else:
        y1 += BOX_HEIGHT
    style = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}"{style} marker-end="url(#arrow)"/>'


if __name__ == "__main__":
    print(*svg(), sep="\n")
