"""Collects single measurements and prints figures: ours, peer, ratio, target, verdict."""

import datetime
import math
import statistics

from . import settings


def pretty(value, unit):
    """A number with as many digits as are worth reading."""
    if math.isnan(value):
        return "none"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


class Report:
    """Writes each measurement at once, so that an interrupted run leaves what it had."""

    def __init__(self):
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        self.folder = settings.BUILD / "bench" / stamp
        self.folder.mkdir(parents=True, exist_ok=True)
        self.samples_ = {}
        self.figures = []
        self.foreign_percent = 0.0
        self.write_("measurements.tsv", "side", "repetition", "metric", "value")
        self.write_("figures.tsv", "figure", "ours", "peer", "unit", "ratio", "target", "verdict")

    def write_(self, name, *fields):
        with (self.folder / name).open("a") as file:
            file.write("\t".join(str(field) for field in fields) + "\n")

    def sample(self, side, repetition, metrics):
        """Notes one measurement of one side, and tells it."""
        for metric, value in metrics.items():
            self.samples_.setdefault((side, metric), []).append(float(value))
            self.write_("measurements.tsv", side, repetition, metric, f"{value:.4f}")
        told = ", ".join(f"{metric} {value:,.1f}" for metric, value in metrics.items())
        print(f"  {side} #{repetition}: {told}", flush=True)

    def median(self, side, metric="per_second"):
        values = self.samples_.get((side, metric))
        return statistics.median(values) if values else math.nan

    def worst(self, side, metric):
        return max(self.samples_.get((side, metric), [math.nan]))

    def figure(self, name, ours, peer, unit, at_least=None, at_most=None):
        """A comparison: the target bounds ours / peer."""
        ratio = ours / peer if peer else math.nan
        target = "" if at_least is None and at_most is None else (
            f">= {at_least} x" if at_least is not None else f"<= {at_most} x")
        self.add_(name, ours, peer, unit, ratio, target, self.holds_(ratio, at_least, at_most))

    def bound(self, name, ours, unit, at_least=None, at_most=None):
        """A figure without a peer: the target bounds it directly."""
        limit = at_least if at_least is not None else at_most
        target = f"{'>=' if at_least is not None else '<='} {pretty(limit, unit)}"
        verdict = self.holds_(ours, at_least, at_most)
        self.add_(name, ours, math.nan, unit, math.nan, target, verdict)

    @staticmethod
    def holds_(value, at_least, at_most):
        if at_least is None and at_most is None:
            return ""
        if math.isnan(value):
            return "miss"
        return "pass" if (value >= at_least if at_least is not None else value <= at_most) else "miss"

    def add_(self, name, ours, peer, unit, ratio, target, verdict):
        cells = (
            name,
            pretty(ours, unit),
            "" if math.isnan(peer) else pretty(peer, unit),
            "" if math.isnan(ratio) else f"{ratio:.2f} x",
            target,
            verdict,
        )
        self.figures.append(cells)
        self.write_("figures.tsv", name, f"{ours:.4f}", f"{peer:.4f}", unit, f"{ratio:.4f}", target,
                    verdict)

    def missed(self):
        return [cells[0] for cells in self.figures if cells[5] == "miss"]

    def table(self):
        """The figures as a Markdown table, aligned so that it reads well in a terminal too."""
        head = ("figure", "ours", "peer", "ratio", "target", "verdict")
        widths = [max(len(row[i]) for row in (head, *self.figures)) for i in range(len(head))]
        lines = [head, tuple("-" * width for width in widths), *self.figures]
        return "\n".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
            for row in lines
        )
