"""What is measured: one line for each scenario."""

import dataclasses

from client import Payload


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`requests` are the measured ones; `measure` names the function of measures.py that does it.

    `batch` are send_batch_size and send_batch_max_size (0: none).
    """

    name: str
    summary: str
    config: str = "nop.yaml"
    sink: str = "nop"
    payload: Payload = Payload()
    transport: str = "grpc"
    connections: int = 4
    streams: int = 8
    requests: int = 4000
    batch: tuple = (8192, 0)
    compression: str = "none"
    measure: str = "throughput"


def nop(name, summary, **options):
    return Scenario(name, summary, **options)


def clickhouse(name, summary, **options):
    options = {"requests": 1600} | options
    return Scenario(name, summary, config="clickhouse.yaml", sink="clickhouse", **options)


def headline(name, summary, **options):
    """The batch sizes are those of configs/clickstack-local.yaml."""
    options = {"requests": 1600, "batch": (1024, 2048)} | options
    return Scenario(name, summary, config="headline.yaml", sink="clickhouse", **options)


def otlphttp(name, summary, **options):
    return Scenario(name, summary, config="otlphttp.yaml", sink="otlp", requests=1600, **options)


HTTP = {"transport": "http", "connections": 16, "streams": 1}
SERVICE = Payload("service")
LOGS, METRICS = Payload(signal="logs"), Payload("service", "metrics")

SCENARIOS = [
    nop("grpc-nop", "gRPC to nop"),
    nop("grpc-nop-service", "gRPC to nop, service spans", payload=SERVICE),
    nop("grpc-nop-tiny", "gRPC to nop, tiny spans", payload=Payload("tiny")),
    nop("grpc-nop-logs", "gRPC to nop, log records", payload=LOGS),
    nop("grpc-nop-metrics", "gRPC to nop, data points", payload=METRICS),
    nop("grpc-nop-gzip", "gzip over gRPC to nop", payload=Payload(compression="gzip")),
    nop("http-nop", "HTTP to nop", **HTTP),
    nop("http-nop-gzip", "gzip over HTTP to nop", payload=Payload(compression="gzip"), **HTTP),
    nop("json-nop", "JSON over HTTP to nop", payload=Payload(encoding="json"), requests=2000, **HTTP),
    nop("small-requests", "gRPC to nop, 5 spans a request", payload=Payload(items=5), requests=200_000),
    nop("many-connections", "gRPC to nop, 500 connections", connections=500, streams=1),
    clickhouse("clickhouse-8192", "gRPC to ClickHouse from memory, batches of 8192"),
    clickhouse("clickhouse-8192-service", "the same, service spans", payload=SERVICE),
    clickhouse("clickhouse-1024", "the same, batches of 1024 to 2048", batch=(1024, 2048)),
    clickhouse("clickhouse-logs", "log records to ClickHouse", payload=LOGS),
    clickhouse("clickhouse-metrics", "data points to ClickHouse", payload=METRICS),
    headline("headline", "log on disk with fsync, the user's processors, ClickHouse, batches of 1024 to 2048"),
    headline("headline-service", "the same, service spans", payload=SERVICE),
    headline("headline-8192", "the headline with batches of 8192", batch=(8192, 0)),
    headline("headline-8192-service", "the same, service spans", batch=(8192, 0), payload=SERVICE),
    headline("headline-logs", "the headline with log records", payload=LOGS),
    headline("headline-metrics", "the headline with data points", payload=METRICS),
    otlphttp("otlphttp-gzip", "gRPC to otlphttp, gzip", compression="gzip"),
    otlphttp("otlphttp-none", "gRPC to otlphttp, uncompressed"),
    Scenario("file-json", "gRPC to a file of JSON lines", config="file.yaml", sink="file", requests=1600),
    headline(
        "acknowledgement", "time to the answer, log on disk with fsync, at half of the highest rate",
        measure="acknowledgement",
    ),
    nop("idle", "memory and processor time without load, gRPC and HTTP to nop", measure="idle"),
    headline("idle-headline", "the same with the headline's configuration", measure="idle"),
    nop("start", "exec to the health check's 200, gRPC and HTTP to nop", measure="start"),
    headline("start-headline", "the same with the headline's configuration and empty logs", measure="start"),
    headline("backlog", "ClickHouse down: fill the log, restart, drain it", measure="backlog"),
    nop("loops", "processor time per span: two event loops against one", measure="loops"),
]

GROUPS = {
    "nop": [scenario.name for scenario in SCENARIOS if scenario.sink == "nop" and scenario.measure == "throughput"],
    "clickhouse": [
        "clickhouse-8192", "clickhouse-8192-service", "headline-8192", "headline-8192-service", "headline",
        "headline-service",
    ],
    "all": [scenario.name for scenario in SCENARIOS],
}


def chosen(names):
    """The scenarios that `names`, each a scenario's or a group's, stand for; in their order, each once.

    Throws: KeyError with the name that is neither.
    """
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    result = []
    for name in names:
        for scenario in [by_name[one] for one in (GROUPS[name] if name in GROUPS else [name])]:
            if scenario not in result:
                result.append(scenario)
    return result
