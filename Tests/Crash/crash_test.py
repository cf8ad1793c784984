"""Kills the real otelcol again and again while clients send, and counts what became of every acknowledged span.

A debug build also kills itself, at named points of the log (`OTELCOL_KILL_POINT`, Sources/WriteAheadLog/Disk/KillPoint.swift)
and at a random passage of them, in two of five rounds; a release build knows no such points and is killed from outside.

usage: crash_test.py BINARY [--kills N] [--seed N] [--clients N] [--directory DIR]

Clients send numbered spans over gRPC and HTTP. At random moments (also right after the start, while the log is being
recovered, and twice in a row) the process gets SIGKILL and is started again on the same data. At the end it runs until
nothing waits any more. Then every span that was acknowledged must stand in the exporter's file at least once, and none may
stand there that nobody sent.

Prints: acked, delivered, duplicated, lost, invented. Exits 0 when nothing was lost and nothing invented.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

# Each with the most passages that a round lets go by: rare ones are met at once or not at all.
KILL_POINTS = {
    "beforeWrite": 60,
    "afterWrite": 60,
    "afterSync": 60,
    "cutWritten": 20,
    "doneWritten": 20,
    "midCheckpoint": 4,
    "segmentNamed": 4,
    "beforeSeal": 3,
    "segmentRecycled": 3,
    "midRecovery": 2,
    "lastSealed": 2,
}

CONFIG = """
extensions:
  file_storage:
    directory: {directory}/wal
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
  batch:
    timeout: 100ms
    send_batch_size: 200
    send_batch_max_size: 300
exporters:
  file:
    path: {directory}/spans.json
    append: true
    sending_queue:
      storage: file_storage
service:
  extensions: [file_storage, health_check]
  telemetry:
    metrics:
      readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [file]
"""


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Client(threading.Thread):
    """Sends requests one after another; remembers every span it tried and every span that was acknowledged."""

    def __init__(self, number, test):
        super().__init__(daemon=True)
        self.number, self.test = number, test
        self.random = random.Random(f"{test.seed}/{number}")
        self.tried, self.acked = set(), set()
        self.next = 1  # an id of zeros would count as none

    def request(self):
        request = trace_service_pb2.ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        ids = []
        for _ in range(self.random.choice([1, 5, 20, 250])):
            span_id = (self.number << 40 | self.next).to_bytes(8, "big")
            self.next += 1
            spans.add(trace_id=span_id * 2, span_id=span_id, name="crash", start_time_unix_nano=1, end_time_unix_nano=2)
            ids.append(span_id.hex())
        return request.SerializeToString(), ids

    def run(self):
        channel = grpc.insecure_channel(
            f"127.0.0.1:{self.test.ports['grpc']}",
            options=[("grpc.max_reconnect_backoff_ms", 100), ("grpc.initial_reconnect_backoff_ms", 50)],
        )
        export = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            request_serializer=bytes,
            response_deserializer=bytes,
        )
        while not self.test.finished.is_set():
            body, ids = self.request()
            self.tried.update(ids)
            if self.number % 2 == 0 and self.send_grpc(export, body) or self.number % 2 and self.send_http(body):
                self.acked.update(ids)
            else:
                self.test.finished.wait(0.02)
        channel.close()

    def send_grpc(self, export, body):
        try:
            export(body, timeout=10)
            return True
        except grpc.RpcError:
            return False

    def send_http(self, body):
        url = f"http://127.0.0.1:{self.test.ports['http']}/v1/traces"
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/x-protobuf"})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status == 200
        except (urllib.error.URLError, OSError, ValueError):
            return False


class CrashTest:
    def __init__(self, options, directory):
        self.binary, self.kills, self.seed = options.binary, options.kills, options.seed
        self.directory = directory
        self.random = random.Random(self.seed)
        self.ports = dict(zip(["grpc", "http", "health", "metrics"], free_ports(4)))
        self.finished = threading.Event()
        self.clients = [Client(number, self) for number in range(options.clients)]
        self.config = os.path.join(directory, "config.yaml")
        self.points = {}
        self.log = open(os.path.join(directory, "otelcol.log"), "ab")
        with open(self.config, "w") as file:
            file.write(CONFIG.format(directory=directory, **self.ports))

    def start(self, point=None):
        environment = dict(os.environ)
        if point:
            environment["OTELCOL_KILL_POINT"] = point
        return subprocess.Popen(
            [self.binary, "--config", self.config], stderr=self.log, stdout=self.log, env=environment
        )

    def kills_itself(self):
        """Starts the collector with a kill point. Whether it met it; if not, it is killed from outside."""
        name = self.random.choice(list(KILL_POINTS))
        process = self.start(f"{name}:{self.random.randint(1, KILL_POINTS[name])}")
        try:
            process.wait(self.random.uniform(1, 5))
            if process.returncode != -signal.SIGKILL:
                sys.exit(f"otelcol ended by itself with status {process.returncode}; see {self.log.name}")
            self.points[name] = self.points.get(name, 0) + 1
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_healthy(self, process):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if process.poll() is not None:
                sys.exit(f"otelcol ended by itself with status {process.returncode}; see {self.log.name}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['health']}/", timeout=5) as response:
                    if response.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.01)
        sys.exit("otelcol did not become healthy within a minute")

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=5) as response:
            return response.read().decode().splitlines()

    def waiting(self):
        """Batches that wait, as the collector says."""
        sums = {"otelcol_exporter_queue_size": 0.0, "otelcol_swift_exporter_in_flight_items": 0.0}
        for line in self.metrics():
            name = line.split("{", 1)[0]
            if name in sums:
                sums[name] += float(line.rsplit(" ", 1)[1])
        return sum(sums.values())

    def check_ledger(self):
        """Each series of the ledger's balance is there, and zero."""
        imbalances = [line for line in self.metrics() if line.startswith("otelcol_swift_ledger_imbalance{")]
        if len(imbalances) < 2 or any(float(line.rsplit(" ", 1)[1]) for line in imbalances):
            sys.exit(f"the ledger does not balance: {imbalances}")

    def run(self):
        process = self.start()
        self.wait_healthy(process)
        for client in self.clients:
            client.start()
        done = 0
        while done < self.kills:
            if self.random.random() < 0.4:
                process.send_signal(signal.SIGKILL)
                process.wait()
                self.kills_itself()
                done += 2
                process = self.start()
            if self.random.random() < 0.7:
                self.wait_healthy(process)
                time.sleep(self.random.uniform(0, 0.6))
            else:
                time.sleep(self.random.uniform(0, 0.08))
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            process = self.start()
        self.wait_healthy(process)
        self.finished.set()
        for client in self.clients:
            client.join()
        self.drain(process)
        return self.judge()

    def drain(self, process):
        deadline = time.monotonic() + 120
        quiet = 0
        while quiet < 5:
            if time.monotonic() > deadline:
                sys.exit("the backlog was not delivered within two minutes")
            quiet = quiet + 1 if self.waiting() == 0 else 0
            time.sleep(0.1)
        self.check_ledger()
        process.terminate()
        if process.wait(60) != 0:
            sys.exit(f"otelcol ended with status {process.returncode} on SIGTERM")

    def judge(self):
        delivered, duplicated = set(), 0
        with open(os.path.join(self.directory, "spans.json"), "rb") as file:
            for line in file:
                try:
                    document = json.loads(line)
                except ValueError:
                    continue  # a line that a kill cut short; what it held is sent again
                for resource in document["resourceSpans"]:
                    for scope in resource["scopeSpans"]:
                        for span in scope["spans"]:
                            duplicated += span["spanId"] in delivered
                            delivered.add(span["spanId"])
        acked = set().union(*(client.acked for client in self.clients))
        tried = set().union(*(client.tried for client in self.clients))
        lost, invented = acked - delivered, delivered - tried
        print(
            f"kills={self.kills} seed={self.seed} acked={len(acked)} delivered={len(delivered)} "
            f"duplicated={duplicated} lost={len(lost)} invented={len(invented)}"
        )
        if self.points:
            print("killed itself at", " ".join(f"{name}={count}" for name, count in sorted(self.points.items())))
        return 0 if not lost and not invented and acked else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--directory")
    options = parser.parse_args()
    if options.directory:
        os.makedirs(options.directory, exist_ok=True)
        sys.exit(CrashTest(options, os.path.abspath(options.directory)).run())
    with tempfile.TemporaryDirectory(prefix="otelcol-crash-") as directory:
        sys.exit(CrashTest(options, directory).run())


if __name__ == "__main__":
    main()
