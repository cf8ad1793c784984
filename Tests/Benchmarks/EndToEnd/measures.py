"""How scenarios are measured. Each function runs fresh processes and returns their figures by name, or raises Failure."""

import contextlib
import dataclasses
import os
import shutil
import statistics
import tempfile
import time

from client import Client
from collector import Collector, Failure, total
from sinks import Sinks

MIB = 1 << 20


class Bench:
    """What all runs share: the sinks, the payloads, and where their files are."""

    def __init__(self, binary, options):
        self.options = options
        self.otelgen = options.otelgen
        self.directory = tempfile.mkdtemp(prefix="otelcol-bench-", dir=options.directory)
        self.sinks = Sinks(binary, self.directory, options.independent_sink)

    def close(self):
        self.sinks.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextlib.contextmanager
    def collector(self, scenario, binary, sink):
        """A collector that is not started yet, with a directory of its own; nothing of it stays."""
        directory = tempfile.mkdtemp(prefix=f"{scenario.name}-", dir=self.directory)
        variables = {
            "batch_size": scenario.batch[0], "batch_max": scenario.batch[1], "compression": scenario.compression,
            **sink.variables,
        }
        collector = Collector(binary, scenario.config, directory, variables)
        sink.reset()
        sink.attach(collector)
        try:
            yield collector
        finally:
            collector.kill()
            shutil.rmtree(directory, ignore_errors=True)

    def client(self, scenario, **changes):
        scenario = dataclasses.replace(scenario, **changes)
        return Client(
            scenario.payload, scenario.transport, scenario.connections, scenario.streams, self.otelgen, self.directory
        )

    def run(self, scenario, binary):
        return MEASURES[scenario.measure](self, scenario, binary)


def await_delivery(sink, expected, what="delivered", silence=30):
    """Waits until `expected` items have arrived, and returns their number; fails when for `silence` seconds none does."""
    delivered, changed = sink.delivered(), time.monotonic()
    while delivered < expected:
        time.sleep(0.02)
        previous, delivered = delivered, sink.delivered()
        if delivered > previous:
            changed = time.monotonic()
        elif time.monotonic() - changed > silence:
            break
    if delivered != expected:
        raise Failure(f"{what} {delivered:,} of {expected:,} items")
    return delivered


def check_counters(collector, expected):
    """The receiver has accepted `expected` items, and nothing was refused or given up anywhere; returns the accepted."""
    series = collector.metrics()
    accepted = int(total(series, "otelcol_receiver_accepted_"))
    refused = int(total(series, "otelcol_receiver_refused_"))
    if accepted != expected or refused:
        raise Failure(f"the receiver accepted {accepted:,} and refused {refused:,} of {expected:,} items")
    for name in ("send_failed", "enqueue_failed"):
        if lost := int(total(series, f"otelcol_exporter_{name}_")):
            raise Failure(f"{lost:,} items counted as {name}")
    return accepted


def load(collector, client, sink, scenario, requests, **changes):
    """Warm-up and one measured load; returns its figures. The collector runs before and has ended after.

    Processor time: of the whole process, from the first measured request until its end, so that the drain is in it and
    start and warm-up are not. Wall time: until the sink has the last item.
    """
    port, items = collector.ports[scenario.transport], scenario.payload.items
    warm = max(requests // 320, 1) * 16
    client.send(port, warm)
    await_delivery(sink, warm * items, "warm-up: delivered")
    before, started = collector.processor_seconds(), time.monotonic()
    answers = client.send(port, requests, **changes)
    expected = (warm + requests) * items
    delivered = await_delivery(sink, expected)
    seconds = time.monotonic() - started
    accepted = check_counters(collector, expected)
    memory = collector.memory_mib("VmHWM")
    used = collector.stop() - before
    if scenario.sink != "nop":
        await_delivery(sink, expected, "after the end: delivered")
    if scenario.config == "headline.yaml" and scenario.payload.signal != "metrics" and sink.processed() != expected:
        raise Failure(f"the processors changed only {sink.processed():,} of {expected:,} items")
    measured = requests * items
    return {
        "items_per_second": measured / seconds,
        "items_per_processor_second": measured / used,
        "memory_mib": memory,
        "p50_ms": answers.latency(0.5) * 1e3,
        "p99_ms": answers.latency(0.99) * 1e3,
        "max_ms": answers.latency(1) * 1e3,
        "accepted": accepted - warm * items,
        "delivered": delivered - warm * items,
        "client_seconds": answers.seconds,
        "processor_seconds": used,
    }


def throughput(bench, scenario, binary):
    """As fast as the answers come."""
    sink = bench.sinks.get(scenario.sink)
    requests = bench.options.requests or scenario.requests
    with bench.collector(scenario, binary, sink) as collector:
        collector.start()
        return load(collector, bench.client(scenario), sink, scenario, requests)


def acknowledgement(bench, scenario, binary):
    """Two processes: one for the highest rate, one at half of it for ten seconds, requests evenly spaced.

    With `--rate` the second alone, so that a peer answers as many requests.
    """
    rate = bench.options.rate
    if not rate:
        rate = throughput(bench, scenario, binary)["items_per_second"] / scenario.payload.items / 2
    requests = round(bench.options.seconds * rate / 16) * 16
    sink = bench.sinks.get(scenario.sink)
    with bench.collector(scenario, binary, sink) as collector:
        collector.start()
        figures = load(collector, bench.client(scenario), sink, scenario, requests, rate=rate)
    if figures["client_seconds"] > 1.1 * requests / rate + 1:
        raise Failure(f"{requests} requests took {figures['client_seconds']:.1f} s instead of {requests / rate:.1f}")
    names = ("p50_ms", "p99_ms", "max_ms", "items_per_processor_second", "memory_mib")
    return {"requests_per_second": rate} | {name: figures[name] for name in names}


def idle(bench, scenario, binary):
    """After three seconds of rest; the processor time of the ten that follow."""
    sink = bench.sinks.get(scenario.sink)
    with bench.collector(scenario, binary, sink) as collector:
        collector.start()
        time.sleep(3)
        before, started = collector.processor_seconds(), time.monotonic()
        time.sleep(bench.options.seconds)
        used, seconds = collector.processor_seconds() - before, time.monotonic() - started
        figures = {"memory_mib": collector.memory_mib("VmRSS"), "processor_percent": 100 * used / seconds}
        collector.stop()
    return figures


def start(bench, scenario, binary):
    """The median of twenty starts, each with an empty directory."""
    sink = bench.sinks.get(scenario.sink)
    seconds, used = [], []
    for _ in range(20):
        with bench.collector(scenario, binary, sink) as collector:
            seconds.append(collector.start(pause=0.0005))
            used.append(collector.processor_seconds())
            collector.stop()
    return {
        "start_ms": statistics.median(seconds) * 1e3,
        "start_min_ms": min(seconds) * 1e3,
        "start_max_ms": max(seconds) * 1e3,
        "start_processor_ms": statistics.median(used) * 1e3,
    }


def backlog(bench, scenario, binary):
    """Fills the log while ClickHouse is down, ends the collector, starts it again, lets ClickHouse come, and drains."""
    client = bench.client(scenario)
    items = scenario.payload.items
    bytes_wanted = bench.options.backlog_gib * 1024 * MIB
    requests = round(bytes_wanted / os.path.getsize(client.body) / 16) * 16
    sink = bench.sinks.get(scenario.sink)
    with bench.collector(scenario, binary, sink) as collector:
        sink.down()
        try:
            collector.start()
            answers = client.send(collector.ports["grpc"], requests)
            check_counters(collector, requests * items)
            filling = collector.memory_mib("VmHWM")
            collector.stop()
            opened = collector.start(pause=0.0005)
            opened_memory = collector.memory_mib("VmRSS")
        finally:
            sink.up()
        before, started = collector.processor_seconds(), time.monotonic()
        await_delivery(sink, requests * items)
        seconds = time.monotonic() - started
        draining = collector.memory_mib("VmHWM")
        used = collector.stop() - before
    return {
        "backlog_gib": requests * os.path.getsize(client.body) / MIB / 1024,
        "fill_items_per_second": requests * items / answers.seconds,
        "fill_memory_mib": filling,
        "start_ms": opened * 1e3,
        "start_memory_mib": opened_memory,
        "drain_items_per_second": requests * items / seconds,
        "drain_items_per_processor_second": requests * items / used,
        "drain_memory_mib": draining,
    }


def loops(bench, scenario, binary):
    """A connection belongs to one event loop: 32 requests at once keep one loop busy over one connection, two over two."""
    sink = bench.sinks.get(scenario.sink)
    requests = bench.options.requests or scenario.requests
    cost = {}
    for connections in (1, 2):
        with bench.collector(scenario, binary, sink) as collector:
            collector.start()
            client = bench.client(scenario, connections=connections, streams=32 // connections)
            figures = load(collector, client, sink, scenario, requests)
            cost[connections] = 1e9 / figures["items_per_processor_second"]
    return {"one_loop_ns": cost[1], "two_loops_ns": cost[2], "two_to_one": cost[2] / cost[1]}


MEASURES = {measure.__name__: measure for measure in (throughput, acknowledgement, idle, start, backlog, loops)}
