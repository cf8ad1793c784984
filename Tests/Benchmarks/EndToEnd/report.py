"""Medians of rounds as tables for people, for a page, and as JSON."""

import json
import os
import platform
import statistics
import time

# Figure, heading, format. What is better when larger has a ratio of ours to the peer's, the rest of the peer's to ours.
COLUMNS = {
    "throughput": [
        ("items_per_second", "items/s", ",.0f"),
        ("items_per_processor_second", "per CPU-s", ",.0f"),
        ("spread", "spread", ".0%"),
        ("memory_mib", "RSS MiB", ",.0f"),
        ("p50_ms", "p50 ms", ",.2f"),
        ("p99_ms", "p99 ms", ",.2f"),
        ("max_ms", "max ms", ",.1f"),
        ("accepted", "accepted", ",.0f"),
        ("delivered", "delivered", ",.0f"),
    ],
    "acknowledgement": [
        ("requests_per_second", "requests/s", ",.0f"),
        ("p50_ms", "p50 ms", ",.2f"),
        ("p99_ms", "p99 ms", ",.2f"),
        ("max_ms", "max ms", ",.1f"),
        ("items_per_processor_second", "per CPU-s", ",.0f"),
        ("memory_mib", "RSS MiB", ",.0f"),
    ],
    "idle": [("memory_mib", "RSS MiB", ",.1f"), ("processor_percent", "CPU %", ".3f")],
    "start": [
        ("start_ms", "median ms", ",.1f"),
        ("start_min_ms", "min ms", ",.1f"),
        ("start_max_ms", "max ms", ",.1f"),
        ("start_processor_ms", "CPU ms", ",.1f"),
    ],
    "backlog": [
        ("backlog_gib", "GiB", ".2f"),
        ("fill_items_per_second", "fill/s", ",.0f"),
        ("fill_memory_mib", "RSS MiB", ",.0f"),
        ("start_ms", "start ms", ",.1f"),
        ("start_memory_mib", "RSS MiB", ",.0f"),
        ("drain_items_per_second", "drain/s", ",.0f"),
        ("drain_items_per_processor_second", "per CPU-s", ",.0f"),
        ("drain_memory_mib", "RSS MiB", ",.0f"),
    ],
    "loops": [
        ("one_loop_ns", "1 loop ns/item", ",.0f"),
        ("two_loops_ns", "2 loops ns/item", ",.0f"),
        ("two_to_one", "2 : 1", ".2f"),
    ],
}
LARGER_IS_BETTER = ("per_second", "per_processor_second")


def medians(rounds):
    """The median of each figure over the rounds; none when a round failed.

    `spread`: how far the rounds' items per processor second lie apart, as a share of their median.
    """
    if any("failure" in figures for figures in rounds):
        return None
    result = {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
    name = "items_per_processor_second"
    if name in result:
        values = [figures[name] for figures in rounds]
        result["spread"] = (max(values) - min(values)) / result[name]
    return result


class Report:
    """Collects each round's figures as they come; `binaries` are names, the first is ours."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.results = []
        self.failures = []

    def add(self, scenario, rounds):
        """`rounds`: for each binary's name the figures of its rounds. Prints the scenario's rows at once."""
        columns = COLUMNS[scenario.measure]
        if not self.results or self.results[-1]["measure"] != scenario.measure:
            self.row("", "", [heading for _, heading, _ in columns])
        summary = {name: medians(rounds[name]) for name in self.binaries}
        for name in self.binaries:
            failures = [figures["failure"] for figures in rounds[name] if "failure" in figures]
            self.failures += [(scenario.name, name, failure) for failure in failures]
            if failures:
                print(f"FAILED {scenario.name} ({name}), {len(failures)} of {len(rounds[name])} rounds: {failures[0]}")
            else:
                self.row(
                    scenario.name, name, [format(summary[name][figure], style) for figure, _, style in columns]
                )
        if len(self.binaries) == 2 and all(summary.values()):
            self.row("", "ratio", [self.ratio(summary, figure) for figure, _, _ in columns])
        self.results.append(
            {"scenario": scenario.name, "measure": scenario.measure, "medians": summary, "rounds": rounds}
        )

    def ratio(self, summary, figure):
        """How many times better we are."""
        ours, theirs = (summary[name][figure] for name in self.binaries)
        if figure in ("accepted", "delivered", "spread", "backlog_gib") or not ours or not theirs:
            return ""
        return f"{ours / theirs if figure.endswith(LARGER_IS_BETTER) else theirs / ours:.2f}x"

    def row(self, scenario, binary, cells):
        names = f"{scenario:<24}" + (f"{binary:<8}" if len(self.binaries) == 2 else "")
        print(names + "".join(f"{cell:>13}" for cell in cells), flush=True)

    def write_markdown(self, path):
        """The same tables in Markdown, as docs/performance.md shows them."""
        lines, measure = [], None
        for result in self.results:
            columns = COLUMNS[result["measure"]]
            if result["measure"] != measure:
                measure = result["measure"]
                names = ["scenario"] + (["program"] if len(self.binaries) == 2 else [])
                headings = names + [heading for _, heading, _ in columns]
                lines += ["", row_of(headings), row_of(["---"] * len(names) + ["---:"] * len(columns))]
            for name in self.binaries:
                summary = result["medians"][name]
                cells = [format(summary[figure], style) if summary else "FAILED" for figure, _, style in columns]
                lines.append(row_of([result["scenario"]] + ([name] if len(self.binaries) == 2 else []) + cells))
        with open(path, "w") as file:
            file.write("\n".join(lines[1:]) + "\n")

    def write(self, path, options):
        document = {
            "date": time.strftime("%Y-%m-%d %H:%M:%S"),
            "machine": f"{os.cpu_count()} processors, {processor_name()}, Linux {platform.release()}",
            "options": {name: value for name, value in vars(options).items()},
            "results": self.results,
        }
        with open(path, "w") as file:
            json.dump(document, file, indent=1)


def row_of(cells):
    return "| " + " | ".join(cells) + " |"


def processor_name():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()
