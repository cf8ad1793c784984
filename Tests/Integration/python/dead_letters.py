"""What becomes of batches that a backend refuses, and what `otelcol wal` makes of them.

usage: dead_letters.py BINARY TEST DIRECTORY
Two otlphttp exporters on one pipeline, both with storage: `picky`, whose backend refuses some spans, and `good`.
Exits 0 when the test holds; else says where it does not.
"""

import gzip
import http.client
import http.server
import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

CONFIG = """
extensions:
  file_storage:
    directory: {directory}/wal
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:{http}
exporters:
  {picky}:
    endpoint: http://127.0.0.1:{picky_port}
    sending_queue:
      storage: file_storage
    retry_on_failure:
      initial_interval: 100ms
      max_interval: 500ms
{retry}
  otlphttp/good:
    endpoint: http://127.0.0.1:{good_port}
    sending_queue:
      storage: file_storage
service:
  extensions: [file_storage]
  telemetry:
    metrics:
      readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [{picky}, otlphttp/good]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, condition, limit=60):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.02)


class Backend:
    """Answers OTLP/HTTP with the status that `answer(names)` gives; remembers the spans it took."""

    def __init__(self, answer=lambda names: 200):
        self.answer = answer
        self.taken = []
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                status = backend.receive(trace_service_pb2.ExportTraceServiceRequest.FromString(body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Clients are killed here: broken connections are no news.
        self.server.handle_error = lambda *arguments: None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, request):
        names = [s.name for r in request.resource_spans for c in r.scope_spans for s in c.spans]
        with self.lock:
            status = self.answer(names)
            if status == 200:
                self.taken += names
        return status


def refuse_sevens(names):
    return 400 if any(name.endswith("7") for name in names) else 200


class Test:
    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.storage = f"{directory}/wal"
        self.picky = Backend(refuse_sevens)
        self.good = Backend()
        self.http = free_port()
        self.metrics = free_port()
        self.process = None

    def start(self, picky="otlphttp/picky", retry=""):
        with open(f"{self.directory}/config.yaml", "w") as file:
            file.write(
                CONFIG.format(
                    directory=self.directory, http=self.http, metrics=self.metrics, picky=picky, retry=retry,
                    picky_port=self.picky.port, good_port=self.good.port))
        self.process = subprocess.Popen(
            [self.binary, "--config", f"{self.directory}/config.yaml"],
            stderr=open(f"{self.directory}/log", "a"))
        until("the collector listens", self.is_listening)

    def is_listening(self):
        assert self.process.poll() is None, "the collector ended"
        try:
            socket.create_connection(("127.0.0.1", self.http)).close()
            return True
        except OSError:
            return False

    def end(self, number):
        self.process.send_signal(number)
        status = self.process.wait(30)
        assert status == (0 if number == signal.SIGTERM else -number), status

    def send(self, numbers):
        request = trace_service_pb2.ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for number in numbers:
            spans.add(name=f"span-{number}", trace_id=b"t" * 16, span_id=b"s" * 8)
        urllib.request.urlopen(
            urllib.request.Request(
                f"http://127.0.0.1:{self.http}/v1/traces", request.SerializeToString(),
                {"content-type": "application/x-protobuf"})).read()

    def wal(self, *arguments, status=0):
        result = subprocess.run(
            [self.binary, "wal", *arguments], capture_output=True, text=True, timeout=60)
        assert result.returncode == status, f"wal {arguments}: {result.returncode} {result.stdout}{result.stderr}"
        return result.stdout if status == 0 else result.stderr

    def list(self):
        logs = json.loads(self.wal("ls", self.storage, "--json"))["logs"]
        return {log["name"]: log for log in logs}

    def letters(self, *arguments):
        return json.loads(self.wal("show", self.storage, "--dead-letters", "--json", *arguments))

    def consumer(self, name):
        return {c["name"]: c for c in self.list()["traces"]["consumers"]}.get(name)

    def metric(self, name, *labels):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics").read().decode()
        lines = [line for line in text.splitlines() if line.startswith(name + "{")]
        return sum(float(line.split()[-1]) for line in lines if all(label in line for label in labels))

    def sevens_set_aside(self):
        """Sends 200 spans, 20 of them bad, and waits until each is where it belongs."""
        names = {f"span-{n}" for n in range(200)}
        bad = {name for name in names if name.endswith("7")}
        for start in range(0, 200, 20):
            self.send(range(start, start + 20))
        until("good has all", lambda: set(self.good.taken) == names)
        until("picky has the others", lambda: set(self.picky.taken) == names - bad)
        until("the bad ones are set aside", lambda: sum(x["items"] for x in self.letters()) == 20)
        return names, bad


def refused(test):
    """Only the bad remainder is set aside, with its reason; the other exporter has everything; a repaired backend gets it."""
    test.start()
    names, bad = test.sevens_set_aside()
    letters = test.letters("--payload")
    shown = [s["name"] for l in letters for r in l["payload"]["resourceSpans"] for c in r["scopeSpans"] for s in c["spans"]]
    assert sorted(shown) == sorted(bad), shown
    for letter in letters:
        assert letter["exporter"] == "otlphttp/picky" and letter["pipeline"] == "traces", letter
        assert letter["reason"] == "permanent_error" and "400" in letter["error"], letter
        assert letter["signal"] == "traces" and letter["attempts"] > 1 and letter["items"] == 1, letter
    log = test.list()
    assert log["dead-letters"]["deadLetters"] == [
        {"exporter": "otlphttp/picky", "signal": "traces", "reason": "permanent_error", "letters": 20, "items": 20,
         "bytes": sum(letter["bytes"] for letter in letters), "toBeReplayed": 0}], log
    assert test.consumer("otlphttp/picky")["deadLetteredItems"] == 20
    assert test.consumer("otlphttp/good")["deliveredItems"] == 200
    text = test.wal("ls", test.storage)
    assert "exporter otlphttp/picky (traces), permanent_error: 20 letters, 20 items" in text, text
    assert "HTTP Status Code 400" in test.wal("show", test.storage, "--dead-letters")
    gauge = ("otelcol_swift_dead_letter_items", 'exporter="otlphttp/picky"', 'reason="permanent_error"')
    assert test.metric(*gauge) == 20
    mode = os.stat(f"{test.storage}/control.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)

    # Asked for while the backend still refuses: they come back.
    test.wal("replay", test.storage, "--batch", letters[0]["batch"])
    until("refused again", lambda: test.metric("otelcol_swift_exporter_replayed_items") == 1)
    until("kept again", lambda: len(test.letters()) == 20 and not any(x["toBeReplayed"] for x in test.letters()))
    test.picky.answer = lambda names: 200
    answer = test.wal("replay", test.storage, "--exporter", "otlphttp/picky")
    assert answer == "20 letters with 20 items will be sent again now.\n", answer
    until("picky has all", lambda: set(test.picky.taken) == names)
    until("no letters are left", lambda: test.letters() == [])
    assert len(test.picky.taken) == 200 and len(test.good.taken) == 200, "something was sent twice"
    assert test.metric(*gauge) == 0
    assert test.metric("otelcol_exporter_sent_spans", "picky") == 200
    test.end(signal.SIGTERM)
    assert not os.path.exists(f"{test.storage}/control.sock")


def killed(test):
    """Letters, and what was asked for, survive kill -9; nothing is lost between replay and delivery."""
    test.start()
    names, bad = test.sevens_set_aside()
    test.end(signal.SIGKILL)
    # The socket that is left behind belongs to nobody.
    assert len(test.letters()) == 20
    test.start()
    assert len(test.letters()) == 20
    test.picky.answer = lambda names: 503
    test.wal("replay", test.storage, "--all")
    test.end(signal.SIGKILL)
    assert test.list()["dead-letters"]["deadLetters"][0]["toBeReplayed"] == 20
    for _ in range(3):
        test.start()
        test.end(signal.SIGKILL)
    test.picky.answer = lambda names: 200
    test.start()
    until("picky has all", lambda: set(test.picky.taken) == names)
    until("no letters are left", lambda: test.letters() == [])
    test.end(signal.SIGTERM)
    assert test.letters() == []


def crashes(test):
    """kill -9 at random moments, while batches are set aside and sent again: every acknowledged span arrives in the end."""
    seed = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
    print(f"TEST_SEED={seed}")
    chance = random.Random(seed)
    acknowledged, number = set(), 0
    for life in range(8):
        test.start()
        if life % 2 == 1:
            test.wal("replay", test.storage, "--all")
        killer = threading.Timer(chance.uniform(0, 0.4), test.process.kill)
        killer.start()
        try:
            while True:
                numbers = range(number, number + 10)
                number += 10
                test.send(numbers)
                acknowledged |= {f"span-{n}" for n in numbers}
        except (OSError, http.client.HTTPException):
            pass
        killer.join()
        test.process.wait(30)
    test.start()
    until("good has all", lambda: acknowledged <= set(test.good.taken))
    # Bad ones are in the dead letters by now, or on their way there.
    until("picky has the others", lambda: {n for n in acknowledged if n[-1] != "7"} <= set(test.picky.taken))
    test.picky.answer = lambda names: 200
    test.wal("replay", test.storage, "--all")

    def has_all():
        if test.letters():
            test.wal("replay", test.storage, "--all")
        return acknowledged <= set(test.picky.taken)

    until("picky has all", has_all)
    print(f"acknowledged {len(acknowledged)}, delivered {len(set(test.picky.taken))}, all {len(test.picky.taken)}")
    assert len(acknowledged) > 20
    test.end(signal.SIGTERM)


def expired(test):
    """What max_elapsed_time gave up is sent again by itself once the exporter delivers again; nothing is asked for."""
    test.picky.answer = lambda names: 503
    test.start(retry="      max_elapsed_time: 1s")
    test.send(range(20))
    until("given up", lambda: [x["reason"] for x in test.letters()] == ["retry_exhausted"])
    test.end(signal.SIGKILL)
    test.start(retry="      max_elapsed_time: 1s")
    test.picky.answer = lambda names: 200
    test.send(range(20, 30))
    until("all arrived", lambda: {f"span-{n}" for n in range(30)} == set(test.picky.taken))
    until("no letters are left", lambda: test.letters() == [])
    test.end(signal.SIGTERM)


def stopped(test):
    """ls and show tell the same of a stopped directory as of a running collector; replay waits for the start; purge purges."""
    test.start()
    names, bad = test.sevens_set_aside()
    live, live_letters = test.list(), test.letters("--payload")
    live_text = test.wal("show", test.storage, "--dead-letters")
    test.end(signal.SIGTERM)
    assert test.letters("--payload") == live_letters
    assert test.wal("show", test.storage, "--dead-letters") == live_text
    dead = test.list()
    assert dead["dead-letters"]["deadLetters"] == live["dead-letters"]["deadLetters"]
    for consumer in dead["traces"]["consumers"] + live["traces"]["consumers"]:
        consumer.pop("open")
    assert dead["traces"] == live["traces"], (dead, live)
    purged = test.wal("purge", test.storage, "--dead-letters", "--batch", live_letters[0]["batch"], "--yes")
    assert purged == "1 letters with 1 items are gone.\n", purged
    assert len(test.letters()) == 19
    answer = test.wal("replay", test.storage, "--all")
    assert answer == "19 letters with 19 items will be sent again when the collector starts.\n", answer
    test.picky.answer = lambda names: 200
    test.start()
    until("picky has all but the purged one", lambda: len(set(test.picky.taken)) == 199)
    until("no letters are left", lambda: test.letters() == [])
    test.picky.answer = refuse_sevens
    test.send([7])
    until("one letter", lambda: len(test.letters()) == 1)
    test.wal("purge", test.storage, "--dead-letters", "--exporter", "otlphttp/picky", "--yes")
    assert test.letters() == [] and test.wal("show", test.storage, "--dead-letters") == "No dead letters.\n"
    test.end(signal.SIGTERM)


def adopt(test):
    """An exporter that was renamed goes on where the old name stopped; an orphan can be purged."""
    test.picky.answer = lambda names: 503
    test.start()
    test.send(range(20))
    until("good has all", lambda: len(test.good.taken) == 20)
    refusal = test.wal("adopt", test.storage, "traces", "otlphttp/picky", "otlphttp/renamed", status=1)
    assert "consumer otlphttp/picky is in use" in refusal, refusal
    test.end(signal.SIGTERM)
    test.wal("adopt", test.storage, "traces", "otlphttp/picky", "otlphttp/renamed")
    renamed = test.consumer("otlphttp/renamed")
    assert test.consumer("otlphttp/picky") is None and renamed["waitingItems"] + renamed["inFlightItems"] == 20
    test.picky.answer = lambda names: 200
    test.start(picky="otlphttp/renamed")
    until("all arrived", lambda: set(test.picky.taken) == {f"span-{n}" for n in range(20)})
    test.picky.answer = lambda names: 503
    test.send(range(20, 30))
    until("good has all", lambda: len(test.good.taken) == 30)
    test.end(signal.SIGTERM)
    test.picky.answer = lambda names: 200
    # The log of a pipeline that is no longer configured.
    shutil.copytree(f"{test.storage}/traces", f"{test.storage}/traces__old")
    test.start(picky="otlphttp/third")
    unused = {c["name"]: c for c in test.list()["traces/old"]["consumers"]}
    assert unused["otlphttp/renamed"]["waitingItems"] + unused["otlphttp/renamed"]["inFlightItems"] == 10, unused
    test.wal("purge", test.storage, "--log", "traces/old", "--consumer", "otlphttp/renamed", "--yes")
    assert "otlphttp/renamed" not in test.wal("show", test.storage, "traces/old")
    # Beside a running collector: the orphan that nobody reads.
    purged = test.wal("purge", test.storage, "--log", "traces", "--consumer", "otlphttp/renamed", "--yes")
    assert purged == "Consumer otlphttp/renamed of log traces is gone, with 10 items.\n", purged
    assert test.consumer("otlphttp/renamed") is None
    test.end(signal.SIGTERM)


def hanging(test):
    """A backend that never answers a replayed letter does not keep the collector from stopping, and loses nothing."""
    test.start()
    names, bad = test.sevens_set_aside()
    reached, released = threading.Event(), threading.Event()

    def hang(names):
        reached.set()
        released.wait(60)
        return 503

    test.picky.receive = lambda request: hang(request)
    test.wal("replay", test.storage, "--all")
    assert reached.wait(30), "nothing was sent again"
    start = time.monotonic()
    test.end(signal.SIGTERM)
    assert time.monotonic() - start < 9, "the end took too long"
    released.set()
    assert [letter["toBeReplayed"] for letter in test.letters()] == [True] * 20


def errors(test):
    """What cannot be done is said in words, with status 1."""
    assert "no such file or directory" in test.wal("ls", f"{test.directory}/none", status=1)
    assert test.wal("ls", test.directory) == "No logs.\n"
    assert "there is no log logs" in test.wal("show", test.directory, "logs", status=1)
    assert "give --dead-letters" in test.wal("show", test.directory, status=1)
    assert "--yes" in test.wal("purge", test.directory, "--dead-letters", status=1)
    assert "give --exporter, --batch, or --all" in test.wal("replay", test.directory, status=1)
    assert "is no batch id" in test.wal("replay", test.directory, "--batch", "xyz", status=1)
    test.start()
    assert "there is no log logs" in test.wal("show", test.storage, "logs", status=1)
    assert "has no consumer nobody" in test.wal(
        "purge", test.storage, "--log", "traces", "--consumer", "nobody", "--yes", status=1)
    # Without its socket, a collector that runs keeps others out of its logs.
    os.unlink(f"{test.storage}/control.sock")
    for arguments in (["adopt", test.storage, "traces", "a", "b"], ["replay", test.storage, "--all"]):
        refusal = test.wal(*arguments, status=1)
        assert f"in use by process {test.process.pid}" in refusal, refusal
    assert f"in use by process {test.process.pid}" in test.wal("ls", test.storage)
    test.end(signal.SIGTERM)


def main():
    binary, name, directory = sys.argv[1:]
    tests = {t.__name__: t for t in (refused, killed, crashes, expired, stopped, adopt, hanging, errors)}
    test = Test(binary, directory)
    try:
        tests[name](test)
    except BaseException:
        if os.path.exists(f"{directory}/log"):
            print(open(f"{directory}/log").read()[-4000:])
        raise
    finally:
        if test.process is not None and test.process.poll() is None:
            test.process.kill()


if __name__ == "__main__":
    main()
