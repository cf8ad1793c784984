"""What is sent, and h2load, which sends it."""

import dataclasses
import os
import re
import subprocess

from collector import Failure
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVICES = {
    "traces": ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/v1/traces"),
    "logs": ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", "/v1/logs"),
    "metrics": ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "/v1/metrics"),
}


def item_count(signal, body):
    """Spans, log records or data points of an export request, as Google's protobuf reads it."""
    if signal == "traces":
        request = ExportTraceServiceRequest.FromString(body)
        return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
    if signal == "logs":
        request = ExportLogsServiceRequest.FromString(body)
        return sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
    request = ExportMetricsServiceRequest.FromString(body)
    return sum(
        len(getattr(metric, metric.WhichOneof("data")).data_points)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.WhichOneof("data")
    )


@dataclasses.dataclass(frozen=True)
class Payload:
    """One request, sent again and again: the same seed makes the same bytes."""

    shape: str = "nginx"
    signal: str = "traces"
    items: int = 512
    encoding: str = "protobuf"
    compression: str = "none"

    def write(self, otelgen, directory, framing):
        """The path of the body; each is made once. Its items are counted by another program than the one tested."""
        name = "-".join([self.shape, self.signal, str(self.items), self.encoding, self.compression, framing])
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            self.generate(otelgen, self.encoding, framing, self.compression, path)
            plain = path + ".plain"
            self.generate(otelgen, "protobuf", "none", "none", plain)
            with open(plain, "rb") as file:
                count = item_count(self.signal, file.read())
            os.remove(plain)
            if count != self.items:
                raise Failure(f"otelgen made {count} items instead of {self.items}: {name}")
        return path

    def generate(self, otelgen, encoding, framing, compression, path):
        options = {
            "shape": self.shape, "signal": self.signal, "items": self.items, "seed": 1, "encoding": encoding,
            "framing": framing, "compression": compression, "time": 1_719_792_000 * 10**9, "output": path,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        result = subprocess.run([otelgen, "payload"] + words, capture_output=True, text=True)
        if result.returncode:
            raise Failure(f"otelgen payload failed: {result.stderr.strip()}")


@dataclasses.dataclass(frozen=True)
class Answers:
    """What the client saw. Latencies are seconds, ascending, from a request's start to its answer's end."""

    seconds: float
    latencies: list

    def latency(self, share):
        return self.latencies[round((len(self.latencies) - 1) * share)]


class Client:
    """h2load with one payload. `streams` requests at once on each of `connections` (one each over HTTP/1.1)."""

    def __init__(self, payload, transport, connections, streams, otelgen, directory):
        self.transport, self.connections, self.streams = transport, connections, streams
        self.path = SERVICES[payload.signal][0 if transport == "grpc" else 1]
        self.body = payload.write(otelgen, directory, "grpc" if transport == "grpc" else "none")
        self.log_path = os.path.join(directory, "requests.log")
        if transport == "grpc":
            self.headers = ["content-type: application/grpc", "te: trailers"]
            if payload.compression != "none":
                self.headers.append(f"grpc-encoding: {payload.compression}")
        else:
            content = {"protobuf": "application/x-protobuf", "json": "application/json"}[payload.encoding]
            self.headers = [f"content-type: {content}"]
            if payload.compression != "none":
                self.headers.append(f"content-encoding: {payload.compression}")

    def send(self, port, requests, rate=None):
        """Sends `requests` and waits for their answers, each of which must be 200.

        Closed loop: as fast as answers come. With `rate`, so many requests a second, evenly over the connections.
        """
        connections = min(self.connections, requests)
        words = ["h2load", f"--clients={connections}", f"--requests={requests}", f"--data={self.body}"]
        words += [f"--log-file={self.log_path}"]
        words += [f"--max-concurrent-streams={self.streams}"] if self.transport == "grpc" else ["--h1"]
        if rate:
            # h2load's clocks tick every 10 ms at the least, each from its connection's start: one after the other, or all
            # would send at the same moment, and the client would measure its own bursts.
            spacing = max(round(1000 / rate), 1)
            words += [f"--rps={rate / connections:.3f}", "--rate=1", f"--rate-period={spacing}ms"]
        words += [f"--header={header}" for header in self.headers]
        with open(self.log_path, "w"):
            pass  # h2load appends
        result = subprocess.run(words + [f"http://127.0.0.1:{port}{self.path}"], capture_output=True, text=True)
        with open(self.log_path) as log:
            rows = [line.split("\t") for line in log]
        statuses = [row[1] for row in rows]
        if result.returncode or len(rows) != requests or set(statuses) != {"200"}:
            counts = {status: statuses.count(status) for status in set(statuses)}
            raise Failure(f"of {requests} requests h2load saw {counts}: {result.stderr.strip()}")
        finished = re.search(r"finished in ([\d.]+)(us|ms|s)", result.stdout)
        seconds = float(finished.group(1)) * {"us": 1e-6, "ms": 1e-3, "s": 1}[finished.group(2)]
        return Answers(seconds, sorted(int(row[2]) / 1e6 for row in rows))
