"""End-to-end measurements of an otelcol binary, alone or beside a peer: see docs/performance.md.

Every run is a fresh process that gets a fixed amount of work. A run counts only if every request was answered with
success, and the sink has exactly what the receiver accepted; any other is reported as FAILED and is in no median.
"""

import argparse
import os
import signal
import sys

from collector import Failure
from measures import Bench
from report import Report
from scenarios import GROUPS, SCENARIOS, chosen


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="scenarios or groups of them; see --list")
    parser.add_argument("--list", action="store_true", help="list the scenarios and groups")
    parser.add_argument("--binary", default=".build/release/otelcol", help="the otelcol to measure")
    parser.add_argument("--otelgen", help="the program that makes the payloads (otelgen beside the binary)")
    parser.add_argument("--peer", help="another otelcol, measured in alternation with the first")
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes for each scenario and binary (3)")
    parser.add_argument("--requests", type=int, help="measured requests, instead of each scenario's own number")
    parser.add_argument("--seconds", type=float, default=10, help="of idleness, or at a constant rate (10)")
    parser.add_argument("--rate", type=float, help="acknowledgement: requests a second, instead of half of the highest")
    parser.add_argument("--backlog-gib", type=float, default=0.25, help="size of the scenario `backlog` (0.25)")
    parser.add_argument("--independent-sink", action="store_true", help="otlphttp: count with Google's protobuf; slow")
    parser.add_argument("--directory", help="where logs and files of the runs go (the temporary directory)")
    parser.add_argument("--json", metavar="FILE", help="write every round's figures there")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or (options.requests is not None and options.requests < 1):
        parser.error("--rounds and --requests must be at least 1")
    return options


def show_list():
    for scenario in SCENARIOS:
        print(f"{scenario.name:<24}{scenario.summary}")
    for name, members in GROUPS.items():
        print(f"{name:<24}all of the above" if name == "all" else f"{name:<24}= {' '.join(members)}")


def main():
    options = parse(sys.argv[1:])
    if options.list or not options.scenarios:
        show_list()
        return 0
    try:
        scenarios = chosen(options.scenarios)
    except KeyError as error:
        print(f"no scenario or group is called {error}; scripts/bench --list shows them", file=sys.stderr)
        return 2
    binaries = {"ours": os.path.abspath(options.binary)}
    if options.peer:
        binaries["peer"] = os.path.abspath(options.peer)
    options.otelgen = os.path.abspath(options.otelgen or os.path.join(os.path.dirname(binaries["ours"]), "otelgen"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # on the way out every process is ended
    report = Report(list(binaries))
    bench = Bench(binaries["ours"], options)
    try:
        for scenario in scenarios:
            rounds = {name: [] for name in binaries}
            for _ in range(options.rounds):
                for name, binary in binaries.items():
                    try:
                        rounds[name].append(bench.run(scenario, binary))
                    except Failure as failure:
                        rounds[name].append({"failure": str(failure)})
            report.add(scenario, rounds)
            if options.json:
                report.write(options.json, options)
            if options.markdown:
                report.write_markdown(options.markdown)
    finally:
        bench.close()
    if report.failures:
        print(f"\n{len(report.failures)} rounds FAILED:")
        for scenario, name, failure in report.failures:
            print(f"  {scenario} ({name}): {failure}")
    return 1 if report.failures else 0


sys.exit(main())
