"""Draw how a request, a commit and an SLO go through the platform, each as an SVG.

Usage: flows.py runtime|delivery|slo > docs/images/<name>.svg. A box may name a path of the
repository; a path that does not exist is an error.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMN, ROW, WIDTH, HEIGHT, MARGIN = 232, 104, 176, 58, 20
# Dark where the reader's system is: a page embeds the picture, and cannot style it.
STYLE = (
    "rect{fill:#eef4fa;stroke:#4a6785}text{fill:#16222c}.note{fill:#51606d;font-size:12px}"
    ".back{fill:#fff;stroke:none}.ours{fill:#d9e8f6}path{stroke:#4a6785;fill:none}"
    ".head{fill:#4a6785}.halo{stroke:#fff;stroke-width:4px;paint-order:stroke}"
    "@media(prefers-color-scheme:dark){rect{fill:#1b2733;stroke:#7f9db8}text{fill:#e4ebf1}"
    ".note{fill:#a9b8c5}.back{fill:#10171e}.ours{fill:#1f3a52}path{stroke:#7f9db8}"
    ".head{fill:#7f9db8}.halo{stroke:#10171e}}"
)


@dataclass(frozen=True)
class Box:
    """A box at a column and a row: its name, a line below, its path if it is of this repository."""

    column: float
    row: float
    name: str
    note: str = ""
    path: str = ""

    @property
    def middle(self) -> tuple[float, float]:
        """The middle, in pixels."""
        x = MARGIN + COLUMN * self.column + WIDTH / 2
        return x, MARGIN + ROW * self.row + HEIGHT / 2


@dataclass(frozen=True)
class Flow:
    """A picture: its title, its boxes by a short name, its arrows with what goes along them."""

    title: str
    boxes: dict[str, Box]
    arrows: tuple[tuple[str, str, str], ...]


FLOWS = {
    "runtime": Flow(
        "How a request and its signals go through the platform",
        {
            "client": Box(0, 0, "Client"),
            "service": Box(1, 0, "Service", "request id, span, metrics", "packages/service"),
            "store": Box(2, 0, "Store", "memory or PostgreSQL", "services/ports"),
            "agent": Box(1, 1, "Agent", "Collector, one per node", "platform/otel-collector"),
            "gateway": Box(
                1, 2, "Gateway", "Collector, redacts secrets", "platform/otel-collector"
            ),
            "prometheus": Box(2, 1, "Prometheus", "rules of the SLOs", "platform/prometheus"),
            "alertmanager": Box(3, 1, "Alertmanager", "pages and tickets"),
            "jaeger": Box(0, 2, "Jaeger", "traces", "platform/jaeger"),
            "loki": Box(1, 3, "Loki", "log lines", "platform/loki"),
            "grafana": Box(2, 3, "Grafana", "dashboards, links", "platform/grafana"),
            "person": Box(3, 2, "Person on call", "runbook"),
        },
        (
            ("client", "service", "HTTP"),
            ("service", "store", ""),
            ("service", "agent", "OTLP, log lines"),
            ("prometheus", "service", "scrapes /metrics"),
            ("agent", "gateway", "OTLP"),
            ("gateway", "jaeger", ""),
            ("gateway", "loki", ""),
            ("gateway", "prometheus", "OTLP metrics"),
            ("prometheus", "alertmanager", "alerts"),
            ("alertmanager", "person", ""),
            ("grafana", "prometheus", "asks"),
            ("grafana", "loki", "asks"),
            ("grafana", "jaeger", ""),
            ("person", "grafana", "opens"),
        ),
    ),
    "delivery": Flow(
        "How a commit reaches production",
        {
            "commit": Box(0, 0, "Commit on main"),
            "image": Box(1, 0, "Image", "built, scanned, signed", ".github/workflows/release.yml"),
            "registry": Box(2, 0, "Registry", "image by digest"),
            "dev": Box(1, 1, "dev", "pull request by release", "platform/argocd/environments/dev"),
            "staging": Box(1, 2, "staging", "make promote", "platform/argocd/environments/staging"),
            "prod": Box(1, 3, "prod", "make promote", "platform/argocd/environments/prod"),
            "gate": Box(0, 3, "slo gate", "error budget left?", "platform/promote"),
            "argocd": Box(2, 2, "Argo CD", "one app per environment", "platform/argocd"),
            "cluster": Box(3, 2, "Cluster", "image by digest"),
        },
        (
            ("commit", "image", "release"),
            ("image", "registry", "push"),
            ("image", "dev", "digest"),
            ("dev", "staging", "same digest"),
            ("staging", "prod", "same digest"),
            ("gate", "prod", "allows"),
            ("dev", "argocd", ""),
            ("staging", "argocd", "git"),
            ("prod", "argocd", ""),
            ("argocd", "cluster", "applies"),
            ("registry", "cluster", "pulls"),
        ),
    ),
    "slo": Flow(
        "What is compiled from an SLO",
        {
            "slo": Box(0, 0, "slo.yaml", "objective, indicator", "services/ports/slo.yaml"),
            "names": Box(
                0, 1, "names.py", "metrics and labels", "services/ports/seaports/names.py"
            ),
            "routes": Box(0, 2, "openapi.json", "routes", "services/ports/openapi.json"),
            "adopt": Box(0, 3, "adopt.yaml", "addresses", "platform/adopt.yaml"),
            "compiler": Box(1, 1.5, "SLO compiler", "make generate", "platform/slo"),
            "rules": Box(
                2, 0, "rules.yaml", "burn rates, alerts", "platform/generated/ports/rules.yaml"
            ),
            "tests": Box(
                2,
                1,
                "rules.test.yaml",
                "promtool test per alert",
                "platform/generated/ports/rules.test.yaml",
            ),
            "dashboards": Box(
                2,
                2,
                "dashboards/",
                "overview, SLOs, requests",
                "platform/generated/ports/dashboards",
            ),
            "pages": Box(2, 3, "ports.md, links.yaml", "docs, catalog", "docs/slos/ports.md"),
            "prometheus": Box(3, 0.5, "Prometheus"),
            "grafana": Box(3, 2, "Grafana"),
            "backstage": Box(3, 3, "Backstage"),
        },
        (
            ("slo", "compiler", ""),
            ("names", "compiler", ""),
            ("routes", "compiler", ""),
            ("adopt", "compiler", ""),
            ("compiler", "rules", ""),
            ("compiler", "tests", ""),
            ("compiler", "dashboards", ""),
            ("compiler", "pages", ""),
            ("rules", "prometheus", ""),
            ("tests", "prometheus", "checks"),
            ("dashboards", "grafana", ""),
            ("pages", "backstage", ""),
        ),
    ),
}


def edge(box: Box, towards: Box) -> tuple[float, float]:
    """Return where the line from a box's middle to another's leaves the box."""
    (x, y), (to_x, to_y) = box.middle, towards.middle
    across, down = to_x - x, to_y - y
    share = min(
        WIDTH / 2 / abs(across) if across else 9.0, (HEIGHT / 2) / abs(down) if down else 9.0
    )
    return x + across * share, y + down * share


def svg(flow: Flow) -> Iterator[str]:
    """Yield the lines of a picture.

    Raises:
        FileNotFoundError: A box names a path that does not exist.
    """
    for box in flow.boxes.values():
        if not (ROOT / box.path).exists():
            raise FileNotFoundError(f"{box.name}: no {box.path}")
    width = 2 * MARGIN + WIDTH + COLUMN * max(box.column for box in flow.boxes.values())
    height = 2 * MARGIN + HEIGHT + ROW * max(box.row for box in flow.boxes.values())
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        'font-family="sans-serif" font-size="15" text-anchor="middle">'
    )
    yield f"<title>{escape(flow.title)}</title><style>{STYLE}</style>"
    yield (
        '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker>'
    )
    yield f'<rect class="back" width="{width:g}" height="{height:g}"/>'
    for start, end, text in flow.arrows:
        (x1, y1), (x2, y2) = (
            edge(flow.boxes[start], flow.boxes[end]),
            edge(flow.boxes[end], flow.boxes[start]),
        )
        yield f'<path marker-end="url(#head)" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>'
        if text:
            x, y = (x1 + x2) / 2, (y1 + y2) / 2 + (4 if x1 == x2 else -6)
            yield f'<text class="note halo" x="{x:.0f}" y="{y:.0f}">{escape(text)}</text>'
    for box in flow.boxes.values():
        x, y = box.middle
        kind = ' class="ours"' if box.path else ""
        yield (
            f'<rect{kind} x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" '
            f'height="{HEIGHT}" rx="6"/>'
        )
        yield f'<text x="{x:g}" y="{y + (-3 if box.note else 5):g}">{escape(box.name)}</text>'
        if box.note:
            yield f'<text class="note" x="{x:g}" y="{y + 17:g}">{escape(box.note)}</text>'
    yield "</svg>"


if __name__ == "__main__":
    print(*svg(FLOWS[sys.argv[1]]), sep="\n")
