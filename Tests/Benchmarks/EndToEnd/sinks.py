"""Where a collector delivers to. Each sink counts by itself what arrived: `delivered()` items since `reset()`."""

import glob
import gzip
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from client import item_count
from collector import Collector, Failure, free_port, total

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))


class NopSink:
    """Nothing arrives anywhere: delivered is what the collector says that its nop exporter took.

    otelcol's nop exporter has no counter; there it is what the receiver took, which the exporter sees at once.
    """

    variables = {}

    def __init__(self):
        self.collector = None

    def reset(self):
        pass

    def attach(self, collector):
        self.collector = collector

    def delivered(self):
        series = self.collector.metrics()
        has_counter = any(name.startswith("otelcol_exporter_sent_") for name, _, _ in series)
        return int(total(series, "otelcol_exporter_sent_" if has_counter else "otelcol_receiver_accepted_"))

    def close(self):
        pass


class ClickHouseSink:
    """A real server with the exporter's tables, but of the engine Null, and a view on each that counts its rows."""

    # Rows of spans and log records through which the headline's processors have gone.
    PROCESSED = {
        "otel_traces": "ResourceAttributes['deployment.environment'] = 'local' AND"
        " (SpanAttributes['upstream_addr'] != '') = mapContains(SpanAttributes, 'upstream_primary')",
        "otel_logs": "ResourceAttributes['deployment.environment'] = 'local'",
    }

    def __init__(self, directory):
        self.port = free_port()
        self.variables = {"sink": self.port}
        self.directory = directory
        self.up()
        self.create_tables()

    def up(self):
        """Starts the server; the tables of a former one on the same directory are there, their counts are not."""
        script = os.path.join(ROOT, "Tests/Integration/python/clickhouse_server.py")
        log_path = os.path.join(self.directory, "clickhouse.log")
        with open(log_path, "ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, script, os.path.join(self.directory, "clickhouse"), "--tcp", str(self.port)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )
        ready = re.match(r"READY tcp=\d+ http=(\d+)", self.server.stdout.readline())
        if not ready:
            with open(log_path, errors="replace") as log:
                raise Failure(f"the ClickHouse server did not start: {log.read()[-500:]}")
        self.url = f"http://127.0.0.1:{ready.group(1)}/?user=otel&password=secret"

    def down(self):
        self.server.stdin.close()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()

    def create_tables(self):
        self.query("CREATE DATABASE otel")
        self.query("CREATE TABLE otel.counted (rows UInt64, processed UInt64) ENGINE = Memory")
        for path in sorted(glob.glob(os.path.join(ROOT, "Tests/Fixtures/clickhouse/*.sql"))):
            table = os.path.basename(path).removesuffix(".sql")
            if table.startswith("otel_traces_trace_id_ts"):
                # Both the index of trace ids and, in place of its view, a table: the server shares our processors.
                self.query(f"CREATE TABLE otel.{table} (TraceId String, Start DateTime, End DateTime) ENGINE = Null")
                continue
            with open(path) as file:
                columns = file.read().split("\nENGINE")[0]
            self.query(re.sub(r",?\n    INDEX [^\n]*", "", columns) + "\nENGINE = Null")
            self.query(
                f"CREATE MATERIALIZED VIEW otel.{table}_counted TO otel.counted AS "
                f"SELECT count() AS rows, countIf({self.PROCESSED.get(table, '0')}) AS processed FROM otel.{table}"
            )

    def query(self, statement):
        try:
            with urllib.request.urlopen(self.url, statement.encode(), timeout=60) as response:
                return response.read().decode().strip()
        except urllib.error.HTTPError as error:
            raise Failure(f"ClickHouse refused {statement[:100]}: {error.read().decode()[:500]}") from None

    def reset(self):
        self.query("TRUNCATE TABLE otel.counted")

    def attach(self, collector):
        pass

    def delivered(self):
        return int(self.query("SELECT sum(rows) FROM otel.counted"))

    def processed(self):
        return int(self.query("SELECT sum(processed) FROM otel.counted"))

    def close(self):
        self.down()


class CollectorSink:
    """A collector that counts with its receiver what it gets over HTTP. Fast, but a program of this project."""

    def __init__(self, binary, directory):
        directory = os.path.join(directory, "sink")
        os.makedirs(directory)
        self.collector = Collector(binary, "nop.yaml", directory)
        self.collector.start()
        self.variables = {"sink": self.collector.ports["http"]}
        self.before = 0

    def count(self):
        return int(total(self.collector.metrics(), "otelcol_receiver_accepted_"))

    def reset(self):
        self.before = self.count()

    def attach(self, collector):
        pass

    def delivered(self):
        return self.count() - self.before

    def close(self):
        self.collector.stop()


class ProtobufSink:
    """Counts what it gets over HTTP with Google's protobuf: nobody's word but theirs. Slow, so for few requests."""

    def __init__(self):
        sink = self
        self.items, self.lock = 0, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                signal = self.path.removeprefix("/v1/")
                with sink.lock:
                    sink.items += item_count(signal, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.variables = {"sink": self.server.server_address[1]}
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self):
        with self.lock:
            self.items = 0

    def attach(self, collector):
        pass

    def delivered(self):
        with self.lock:
            return self.items

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class FileSink:
    """The file exporter's lines. Spans are counted by a key each of them has once; some lines are read as JSON to see
    that this is the number of spans in them."""

    KEY = b'"startTimeUnixNano"'
    variables = {}

    def __init__(self):
        self.reset()

    def reset(self):
        self.path, self.offset, self.count, self.lines_checked = None, 0, 0, 0

    def attach(self, collector):
        self.path = os.path.join(collector.directory, "out.json")

    def delivered(self):
        if not os.path.exists(self.path):
            return 0
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.offset += len(line)
                count = line.count(self.KEY)
                self.count += count
                if self.lines_checked < 4:
                    self.check(line, count)
        return self.count

    def check(self, line, count):
        self.lines_checked += 1
        resources = json.loads(line)["resourceSpans"]
        spans = sum(len(scope["spans"]) for resource in resources for scope in resource["scopeSpans"])
        if spans != count:
            raise Failure(f"a line of {self.path} holds {spans} spans, but {count} times {self.KEY.decode()}")

    def close(self):
        pass


class Sinks:
    """Makes each sink when it is first needed, and closes them all. The collector that serves as a sink is `binary`."""

    def __init__(self, binary, directory, is_independent):
        makers = {
            "nop": NopSink,
            "clickhouse": lambda: ClickHouseSink(directory),
            "otlp": ProtobufSink if is_independent else lambda: CollectorSink(binary, directory),
            "file": FileSink,
        }
        self.makers, self.sinks = makers, {}

    def get(self, kind):
        if kind not in self.sinks:
            self.sinks[kind] = self.makers[kind]()
        return self.sinks[kind]

    def close(self):
        for sink in self.sinks.values():
            sink.close()
