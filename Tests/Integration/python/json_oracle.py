"""Google's protobuf as the oracle of the JSON coders.

Reads one command per line from standard input and answers each with one line:
  json SIGNAL PROTOBUF             the request's OTLP JSON
  compare-json SIGNAL PROTOBUF JSON        "same", or what differs between the request and its JSON
  compare-protobuf SIGNAL PROTOBUF PROTOBUF  the same for two requests
SIGNAL is traces, metrics or logs; PROTOBUF and JSON (UTF-8) are in hexadecimal, an empty one is "-".
"""

import base64
import json
import math
import sys

try:
    from google.protobuf import json_format
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
except ImportError as error:
    sys.exit(f"{error}: install the oracle with `pip install opentelemetry-proto`")

REQUESTS = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}
IDS = {"traceId", "spanId", "parentSpanId"}
# Written by otelcol even when there is nothing in them.
ALWAYS = IDS | {"resource", "scope", "status", "value", "body", "positive", "negative"}


def from_hex(text):
    return b"" if text == "-" else bytes.fromhex(text)


def document(signal, protobuf):
    """The request as OTLP JSON: protobuf's mapping, but hexadecimal ids."""
    request = REQUESTS[signal]()
    request.ParseFromString(protobuf)
    return with_hex_ids(json_format.MessageToDict(request, use_integers_for_enums=True))


def with_hex_ids(node):
    if isinstance(node, list):
        return [with_hex_ids(element) for element in node]
    if not isinstance(node, dict):
        return node
    return {
        key: base64.b64decode(value).hex() if key in IDS else with_hex_ids(value)
        for key, value in node.items()
    }


def normal(node):
    """The document without what may be there or not: empty frames, ids of zeros, doubles that are -0."""
    if isinstance(node, list):
        return [normal(element) for element in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        value = normal(value)
        if key in IDS and value.strip("0") == "":
            continue
        if key in ALWAYS and value == {}:
            continue
        if isinstance(value, float) and value == 0 and math.copysign(1, value) < 0:
            continue
        result[key] = value
    return result


def parsed(text):
    # A double may look like an integer; Python would compare it exactly, and read "-0" as 0.
    return json.loads(text, parse_int=float)


def difference(ours, theirs, path=""):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                return f"{path}.{key}: only in {'ours' if key in ours else 'the oracle'}"
            found = difference(ours[key], theirs[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs)):
            found = difference(*pair, f"{path}[{index}]")
            if found:
                return found
        return None
    same = ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)
    return None if same else f"{path}: {ours!r} instead of {theirs!r}"


def answer(command, signal, protobuf, *other):
    theirs = document(signal, from_hex(protobuf))
    if command == "json":
        return json.dumps(theirs)
    ours = parsed(from_hex(other[0])) if command == "compare-json" else document(signal, from_hex(other[0]))
    return difference(normal(ours), normal(theirs)) or "same"


for line in sys.stdin:
    try:
        print(answer(*line.split()))
    except Exception as error:
        print(f"{type(error).__name__}: {error}".replace("\n", " "))
