"""Medians into tables (Markdown) and a plot (SVG)."""
import math
from statistics import median
from xml.sax.saxutils import escape

LIMIT, SUBJECT = "limit", "duplexd"
IDLE_KINDS = (("until all are connected, s", "connect"), ("CPU of all of them at rest, % of a core", "rest"),
              ("from SIGTERM until all are closed, s", "close"))


def number(value):
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


class Results:
    """Values by row and contestant: (row name, contestant name) -> kind -> list, one for each round."""

    def __init__(self, rows, contestants):
        self.rows, self.contestants = rows, contestants
        self.values = {}
        self.reasons = {}  # why a cell is empty

    def add(self, row, contestant, kind, value):
        self.values.setdefault((row.name, contestant.name), {}).setdefault(kind, []).append(value)

    def explain(self, row, contestant, reason):
        self.reasons[(row.name, contestant.name)] = reason

    def median(self, row_name, contestant_name, kind="cost"):
        values = self.values.get((row_name, contestant_name), {}).get(kind)
        return median(values) if values else None

    def lines(self):
        """What is a line of the tables: (title, row, kind)."""
        for row in self.rows:
            if row.name == "echo":
                yield f"{row.title}, p50, µs", row, "p50"
                yield f"{row.title}, p99, µs", row, "p99"
                yield f"{row.title}, CPU, µs", row, "cost"
            elif row.name == "idle":
                yield f"{row.title}, {row.unit}", row, "cost"
                for title, kind in IDLE_KINDS:
                    if any(self.median(row.name, contestant.name, kind) is not None for contestant in self.contestants):
                        yield title, row, kind
            else:
                yield f"{row.title}, {row.unit}", row, "cost"

    def table(self, cell):
        names = [c.title for c in self.contestants]
        out = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
        for title, row, kind in self.lines():
            cells = (cell(row, contestant, kind) for contestant in self.contestants)
            out.append(f"| {title} | " + " | ".join(cells) + " |")
        return "\n".join(out)

    def costs(self):
        return self.table(lambda row, contestant, kind: number(self.median(row.name, contestant.name, kind)))

    def ratios_to(self, name):
        def cell(row, contestant, kind):
            own, base = self.median(row.name, contestant.name, kind), self.median(row.name, name, kind)
            return f"{number(own / base)} ×" if own is not None and base else ""
        return self.table(cell)

    def walls(self):
        def cell(row, contestant, kind):
            return number(self.median(row.name, contestant.name, "wall")) if kind == "cost" else ""
        return self.table(cell)

    def empty_cells(self):
        titles = {row.name: row.title for row in self.rows}
        names = {c.name: c.title for c in self.contestants}
        return [f"- {titles[row]}: {names[name]}: {reason}" for (row, name), reason in self.reasons.items()]


COLOURS = ("#999999", "#d62728", "#ff9896", "#9edae5", "#1f77b4", "#17becf", "#2ca02c", "#bcbd22", "#ff7f0e", "#e7ba52")


def plot(results, note):
    """One group of bars for each line of the table, relative to duplexd, on a logarithmic scale."""
    label, width, bar, gap = 400, 560, 11, 16
    low, high = 0.05, 1000.0

    def x(ratio):
        share = (math.log10(min(max(ratio, low), high)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return label + share * width

    parts, y = [], 64
    for title, row, kind in results.lines():
        base = results.median(row.name, SUBJECT, kind)
        if not base:
            continue
        parts.append(f'<text x="{label - 8}" y="{y + 14}" text-anchor="end">{escape(title.replace("`", ""))}</text>')
        for colour, contestant in zip(COLOURS, results.contestants):
            own = results.median(row.name, contestant.name, kind)
            if own is None:
                continue
            ratio = own / base
            left, right = sorted((x(1), x(ratio)))
            parts.append(f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 1.5):.1f}" height="{bar - 2}" '
                         f'fill="{colour}"/>')
            parts.append(f'<text x="{right + 4:.1f}" y="{y + bar - 3}" class="value">{number(ratio)}</text>')
            y += bar
        y += gap
    grid = "".join(f'<line x1="{x(r):.1f}" x2="{x(r):.1f}" y1="52" y2="{y}" class="grid"/>'
                   f'<text x="{x(r):.1f}" y="48" text-anchor="middle" class="value">{r:g} ×</text>'
                   for r in (0.1, 1, 10, 100, 1000))
    key = "".join(f'<rect x="{10 + i * 104}" y="24" width="10" height="10" fill="{colour}"/>'
                  f'<text x="{23 + i * 104}" y="33" class="value">{escape(c.title)}</text>'
                  for i, (colour, c) in enumerate(zip(COLOURS, results.contestants)))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{label + width + 170}" height="{y + 10}" '
            'font-family="sans-serif" font-size="12"><style>.value{font-size:9px;fill:#444}'
            '.grid{stroke:#ccc;stroke-width:0.6}</style><rect width="100%" height="100%" fill="white"/>'
            f'<text x="10" y="16">Cost of each row, duplexd = 1; less is better. {escape(note)}</text>'
            f'{key}{grid}{"".join(parts)}</svg>\n')
