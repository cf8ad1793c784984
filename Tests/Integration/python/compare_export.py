"""Compares what the file exporter wrote as JSON lines with the requests that were sent.

usage: compare_export.py traces|metrics|logs FILE REQUEST...
Prints "same: N items" and exits 0 when FILE holds each item of the REQUEST files (protobuf) exactly once, with its resource
and scope, every field, and every attribute in its order; else the first item that differs.

The requests are read field by field as their published schema says, by nothing but this program: no parser that refuses
or repairs strings has a say.
"""

import base64
import collections
import json
import struct
import sys

from google.protobuf.descriptor import FieldDescriptor as Field
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

REQUESTS = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}
FRAMES = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
IDS = {"traceId", "spanId", "parentSpanId"}
# Written also when there is nothing in them.
ALWAYS = IDS | {"resource", "scope", "status", "value", "body", "positive", "negative"}
SIGNED = {Field.TYPE_INT64, Field.TYPE_INT32, Field.TYPE_SFIXED64}
QUOTED = {Field.TYPE_INT64, Field.TYPE_UINT64, Field.TYPE_FIXED64, Field.TYPE_SFIXED64}
FIXED = {Field.TYPE_DOUBLE: "<d", Field.TYPE_FIXED64: "<Q", Field.TYPE_SFIXED64: "<q", Field.TYPE_FIXED32: "<I"}


def text(data):
    """UTF-8 with U+FFFD for each byte that is none."""
    result = ""
    while data:
        try:
            return result + data.decode()
        except UnicodeDecodeError as error:
            result += data[: error.start].decode() + "\ufffd"
            data = data[error.start + 1 :]
    return result


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, wire type, value) for each field."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        yield tag >> 3, kind, value


def scalar(field, value):
    if field.type in FIXED:
        value = struct.unpack(FIXED[field.type], value)[0]
    elif field.type in SIGNED and value >= 1 << 63:
        value -= 1 << 64
    elif field.type == Field.TYPE_BOOL:
        value = bool(value)
    elif field.type == Field.TYPE_STRING:
        value = text(value)
    elif field.type == Field.TYPE_BYTES:
        value = value.hex() if field.json_name in IDS else base64.b64encode(value).decode()
    return str(value) if field.type in QUOTED else value


def packed(field, data):
    if field.type in FIXED:
        size = struct.calcsize(FIXED[field.type])
        return [scalar(field, data[at : at + size]) for at in range(0, len(data), size)]
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(scalar(field, value))
    return values


def document(data, descriptor):
    """The message as OTLP JSON: defaults are left out, members of a oneof never."""
    result = {}
    for number, kind, value in fields(data):
        field = descriptor.fields_by_number[number]
        if field.type == Field.TYPE_MESSAGE:
            values = [document(value, field.message_type)]
        elif kind == 2 and field.type not in (Field.TYPE_STRING, Field.TYPE_BYTES):
            values = packed(field, value)
        else:
            values = [scalar(field, value)]
        if field.is_repeated:
            result.setdefault(field.json_name, []).extend(values)
        elif field.containing_oneof or field.type == Field.TYPE_MESSAGE or values[0] not in (0, 0.0, "", "0", False):
            result[field.json_name] = values[0]
    return result


def normal(node):
    """Without the frames that may be there or not, and with one form of numbers."""
    if isinstance(node, list):
        return [normal(element) for element in node]
    if isinstance(node, float) and node.is_integer():
        # A whole double looks like an integer in JSON.
        return int(node)
    if not isinstance(node, dict):
        return node
    pairs = ((key, normal(value)) for key, value in node.items())
    return {key: value for key, value in pairs if not (key in ALWAYS and value in ({}, ""))}


def items(signal, request):
    outer, inner, leaf = FRAMES[signal]
    for resource in request.get(outer, []):
        for scope in resource.get(inner, []):
            for item in scope.get(leaf, []):
                frame = [resource.get("resource"), resource.get("schemaUrl"), scope.get("scope"), scope.get("schemaUrl")]
                yield json.dumps(frame + [item], sort_keys=True, ensure_ascii=False)


def main():
    signal, name, *requests = sys.argv[1:]
    sent, written = collections.Counter(), collections.Counter()
    for request in requests:
        with open(request, "rb") as file:
            sent.update(items(signal, normal(document(file.read(), REQUESTS[signal].DESCRIPTOR))))
    with open(name, "rb") as file:
        for line in file:
            written.update(items(signal, normal(json.loads(line.decode("utf-8", "strict")))))
    for kind, difference in (("missing", sent - written), ("not sent", written - sent)):
        if difference:
            sys.exit(f"{sum(difference.values())} items {kind}, the first: {next(iter(difference))}")
    print(f"same: {sum(sent.values())} items")


if __name__ == "__main__":
    main()
