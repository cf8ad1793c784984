"""The real otelcol with backends of a test's own, clients that number their spans, and what the collector says of itself."""

import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

CONFIG = """
extensions:
  file_storage/otc:
    directory: {storage}
    create_directory: true
  health_check:
    endpoint: 127.0.0.1:{health}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{grpc}
      http:
        endpoint: 127.0.0.1:{http}
processors:
  attributes:
    actions:
      - key: upstream_addr
        pattern: '^(?P<upstream_primary>[^,\\s]+)(?:,\\s*(?P<upstream_secondary>[^,\\s]+))?'
        action: extract
  batch:
    timeout: 200ms
    send_batch_size: 1024
    send_batch_max_size: 2048
exporters:
{exporters}
service:
  extensions: [health_check, file_storage/otc]
  telemetry:
    metrics:
      readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [attributes, batch]
      exporters: [{names}]
"""

EXPORTER = """
  otlphttp/{name}:
    endpoint: http://127.0.0.1:{port}
    compression: gzip
    timeout: 5s
    retry_on_failure:
      initial_interval: 300ms
      max_interval: 1s
{queue}
"""


def require(condition, message):
    if not condition:
        raise AssertionError(message)


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        require(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Collector:
    """The real process. `exporters` are (name, port, has storage)."""

    def __init__(self, binary, directory, exporters, storage=None, extra=""):
        self.binary, self.directory = binary, directory
        self.storage = storage or os.path.join(directory, "wal")
        self.ports = dict(zip(["grpc", "http", "health", "metrics"], free_ports(4)))
        self.log_path = os.path.join(directory, "otelcol.log")
        blocks = [
            EXPORTER.format(
                name=name, port=port, queue="    sending_queue:\n      storage: file_storage/otc" if durable else ""
            )
            for name, port, durable in exporters
        ]
        self.config = os.path.join(directory, "config.yaml")
        with open(self.config, "w") as file:
            file.write(
                CONFIG.format(
                    storage=self.storage + extra,
                    exporters="".join(blocks),
                    names=", ".join(f"otlphttp/{name}" for name, _, _ in exporters),
                    **self.ports,
                )
            )
        self.process = None

    def start(self, healthy=True):
        with open(self.log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen([self.binary, "--config", self.config], stdout=log, stderr=log)
        started = time.monotonic()
        if healthy:
            wait_until(lambda: self.ended() or self.get("/")[0] == 200, "healthy")
            require(not self.ended(), f"otelcol ended with status {self.process.poll()}:\n{self.log()}")
            self.start_seconds = time.monotonic() - started
        return self

    def ended(self):
        return self.process.poll() is not None

    def log(self):
        with open(self.log_path, errors="replace") as file:
            file.seek(self.log_start)
            return file.read()

    def logged_number(self, message, field):
        """The sum of a field over the log lines of this run that have `message`."""
        lines = [line for line in self.log().splitlines() if message in line]
        return sum(int(re.search(rf'"{field}": "?(\d+)', line).group(1)) for line in lines)

    def stop(self):
        self.process.terminate()
        require(self.process.wait(60) == 0, f"SIGTERM ended with {self.process.returncode}:\n{self.log()}")

    def kill(self):
        if self.process and not self.ended():
            self.process.kill()
            self.process.wait()

    def get(self, path, port="health"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self):
        status, body = self.get("/ready")
        return status, json.loads(body)

    def metrics(self):
        """Every series: (name, labels) and its value."""
        series = []
        for line in self.get("/metrics", "metrics")[1].splitlines():
            match = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
            if match:
                labels = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
                series.append((match.group(1), labels, float(match.group(3))))
        return series

    def metric(self, name, **labels):
        return sum(
            value
            for found, has, value in self.metrics()
            if found == name and all(has.get(key) == wanted for key, wanted in labels.items())
        )

    def ledger(self, exporter):
        return {
            labels["state"]: int(value)
            for name, labels, value in self.metrics()
            if name == "otelcol_swift_ledger_items" and labels.get("exporter", "") == exporter
        }

    def check_ledger(self):
        """The equations hold, as the collector says and as its numbers say."""
        imbalances = [s for s in self.metrics() if s[0] == "otelcol_swift_ledger_imbalance"]
        require(imbalances, "no ledger in the metrics")
        require(all(value == 0 for _, _, value in imbalances), f"the ledger does not balance: {imbalances}")
        for exporter in {labels["exporter"] for _, labels, _ in imbalances} - {""}:
            entry = self.ledger(exporter)
            came = entry.pop("recovered") + entry.pop("appended")
            require(came == sum(entry.values()), f"the ledger of {exporter} does not add up: {came}, {entry}")

    def memory(self, field="VmHWM"):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"{field}:\s+(\d+)", status.read()).group(1)) >> 10


class Clients:
    """Threads that send numbered spans over HTTP (and one over gRPC), each request once, and remember the answers."""

    def __init__(self, collector, spans, threads=4, per_request=200, padding=0, first=1, with_grpc=True):
        self.collector, self.end, self.per_request, self.padding = collector, first + spans, per_request, padding
        self.lock = threading.Lock()
        self.next = first
        self.acked, self.refusals, self.sent_at = [], {}, {}
        self.stopped = False
        self.threads = [
            threading.Thread(target=self.run, args=(with_grpc and index == 0,), daemon=True) for index in range(threads)
        ]

    def body(self, numbers):
        request = trace_service_pb2.ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for number in numbers:
            identity = number.to_bytes(8, "big")
            span = spans.add(
                trace_id=identity * 2, span_id=identity, name="GET /", start_time_unix_nano=1, end_time_unix_nano=2
            )
            address = span.attributes.add(key="upstream_addr")
            address.value.string_value = "10.0.0.1:80, 10.0.0.2:80"
            if self.padding:
                span.attributes.add(key="padding").value.bytes_value = os.urandom(self.padding)
        return request.SerializeToString()

    def run(self, over_grpc):
        http_connection = http.client.HTTPConnection("127.0.0.1", self.collector.ports["http"], timeout=120)
        channel = grpc.insecure_channel(f"127.0.0.1:{self.collector.ports['grpc']}")
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        while not self.stopped:
            with self.lock:
                numbers = range(self.next, min(self.next + self.per_request, self.end))
                self.next = numbers.stop
            if not numbers:
                break
            body = self.body(numbers)
            sent = time.monotonic()
            try:
                if over_grpc:
                    export(body, timeout=120)
                    answer = "OK"
                else:
                    http_connection.request(
                        "POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"}
                    )
                    response = http_connection.getresponse()
                    response.read()
                    answer = "OK" if response.status == 200 else str(response.status)
            except grpc.RpcError as error:
                answer = error.code().name
            except (OSError, http.client.HTTPException) as error:
                answer = type(error).__name__
                http_connection.close()
            with self.lock:
                if answer == "OK":
                    self.acked.append(numbers)
                    self.sent_at[numbers.start] = sent
                else:
                    self.refusals[answer] = self.refusals.get(answer, 0) + 1
            if answer != "OK":
                time.sleep(0.02)
        channel.close()

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def join(self, seconds=1200):
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(deadline - time.monotonic(), 0))
            require(not thread.is_alive(), "clients did not finish")
        return self

    def stop(self):
        self.stopped = True
        return self.join(60)

    def acked_count(self):
        with self.lock:
            return sum(len(numbers) for numbers in self.acked)

    def missing(self, sink):
        return sum(not sink.has(number) for numbers in self.acked for number in numbers)

    def delays(self, sink):
        """Seconds from each acknowledged request to the arrival of its first span, ascending."""
        return sorted(sink.arrived_at[numbers.start] - self.sent_at[numbers.start] for numbers in self.acked)


def send(collector, spans, first=1, **options):
    """Sends and requires that nothing was refused."""
    clients = Clients(collector, spans, first=first, **options).start().join()
    require(not clients.refusals, f"refused: {clients.refusals}\n{collector.log()[-3000:]}")
    return clients


def arrives(clients, sink, collector, seconds=300):
    try:
        wait_until(lambda: sink.received >= clients.acked_count() and clients.missing(sink) == 0, "arrival", seconds)
    except AssertionError:
        raise AssertionError(
            f"lost {clients.missing(sink)} of {clients.acked_count()} acknowledged spans; received {sink.received}\n"
            + collector.log()[-3000:]
        ) from None
