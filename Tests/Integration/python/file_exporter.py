"""What a file of JSON lines must hold when the real otelcol, or its disk, fails in the middle of a line.

usage: file_exporter.py BINARY SCENARIO     SCENARIO: killed or disk_full (root: mounts a small file system)

Each request is one line, and a client hears OK only when its line is written. Prints its figures; exits 0 when all held, 1
with the reason when not.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

from collector import Clients, Collector, require, wait_until

CONFIG = """
extensions:
  health_check:
    endpoint: 127.0.0.1:{health}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{grpc}
      http:
        endpoint: 127.0.0.1:{http}
exporters:
  file:
    path: {path}
    append: true
service:
  extensions: [health_check]
  telemetry:
    metrics:
      readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [file]
"""


def collector_with_file(binary, directory, path):
    collector = Collector(binary, directory, [])
    with open(collector.config, "w") as file:
        file.write(CONFIG.format(path=path, **collector.ports))
    return collector


def read_lines(path):
    """The span numbers of each whole line, and the number of torn lines. The last line must be ended."""
    lines, torn = [], 0
    with open(path, "rb") as file:
        for line in file:
            require(line.endswith(b"\n"), "the last line is not ended")
            try:
                request = json.loads(line)
            except ValueError:
                torn += 1
                continue
            lines.append(
                [
                    int(span["spanId"], 16)
                    for resource in request["resourceSpans"]
                    for scope in resource["scopeSpans"]
                    for span in scope["spans"]
                ]
            )
    return lines, torn


def check(clients, lines):
    """Every acknowledged request is a whole line, once; no line is anything but one whole request."""
    starts = [numbers[0] for numbers in lines]
    require(len(starts) == len(set(starts)), "a line is there twice")
    for numbers in lines:
        require(
            numbers == list(range(numbers[0], numbers[0] + len(numbers))) and len(numbers) == clients.per_request,
            f"a line has {len(numbers)} spans from {numbers[0]} on",
        )
    missing = [numbers.start for numbers in clients.acked if numbers.start not in set(starts)]
    require(not missing, f"{len(missing)} acknowledged requests are not in the file, as {missing[:5]}")


def killed(binary, directory, seed):
    """SIGKILL at random moments while lines of a megabyte are written: no line is lost that was acknowledged, and at most
    one a kill is torn, which no other line continues."""
    path = os.path.join(directory, "out.json")
    collector = collector_with_file(binary, directory, path)
    kills, moments = 12, random.Random(seed)
    clients = None
    try:
        collector.start()
        clients = Clients(collector, spans=1 << 30, per_request=400, padding=2000).start()
        for _ in range(kills):
            before = clients.acked_count()
            wait_until(lambda: clients.acked_count() > before, "requests are acknowledged")
            time.sleep(moments.uniform(0, 0.3))
            collector.kill()
            collector.start()
        before = clients.acked_count()
        wait_until(lambda: clients.acked_count() > before, "requests are acknowledged")
        clients.stop()
        collector.stop()
        lines, torn = read_lines(path)
        check(clients, lines)
        require(torn <= kills, f"{torn} torn lines by {kills} kills")
        print(f"kills={kills} lines={len(lines)} torn={torn} acked={len(clients.acked)} lost=0")
    finally:
        if clients:
            clients.stopped = True
        collector.kill()


def disk_full(binary, directory, seed):
    """The disk fills up in the middle of lines: the clients of those are refused, nothing of them stays, and lines are
    written again when there is space."""
    disk = os.path.join(directory, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk], check=True)
    collector = None
    path = os.path.join(disk, "out.json")
    filler = os.path.join(disk, "filler")
    clients = None
    try:
        with open(filler, "wb") as file:
            file.write(bytes(20 << 20))
        collector = collector_with_file(binary, directory, path).start()
        clients = Clients(collector, spans=1 << 30, per_request=400, padding=2000).start()
        wait_until(lambda: sum(clients.refusals.values()) > 20, "refusals", 120)
        require(set(clients.refusals) <= {"503", "UNAVAILABLE"}, f"clients were refused with {clients.refusals}")
        full = os.path.getsize(path)
        before = clients.acked_count()
        os.remove(filler)
        wait_until(lambda: clients.acked_count() > before + 400 * 4, "clients are taken again")
        clients.stop()
        collector.stop()
        lines, torn = read_lines(path)
        check(clients, lines)
        require(torn == 0, f"{torn} lines are torn")
        require(len(lines) == len(clients.acked), f"{len(lines)} lines, {len(clients.acked)} acknowledged requests")
        print(f"full_at={full} refused={clients.refusals} lines={len(lines)} torn=0 lost=0")
    finally:
        if clients:
            clients.stopped = True
        if collector:
            collector.kill()
        subprocess.run(["umount", "-l", disk])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("scenario", choices=["killed", "disk_full"])
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otelcol-file-") as directory:
        try:
            globals()[options.scenario](os.path.abspath(options.binary), directory, options.seed)
        except AssertionError as error:
            sys.exit(f"{options.scenario}, seed {options.seed}: {error}")


if __name__ == "__main__":
    main()
