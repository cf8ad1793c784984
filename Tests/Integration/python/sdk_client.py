"""Sends traces, logs and metrics with the OpenTelemetry SDK.

usage: sdk_client.py grpc|http HOST:PORT COUNT
Prints nothing and exits 0 when every export was acknowledged.
"""

import logging
import sys

from opentelemetry.sdk.resources import Resource


def exporters(protocol, endpoint):
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return (
            OTLPSpanExporter(endpoint=endpoint, insecure=True),
            OTLPLogExporter(endpoint=endpoint, insecure=True),
            OTLPMetricExporter(endpoint=endpoint, insecure=True),
        )
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    base = f"http://{endpoint}/v1"
    return (
        OTLPSpanExporter(endpoint=f"{base}/traces", compression=Compression.Gzip),
        OTLPLogExporter(endpoint=f"{base}/logs", compression=Compression.Gzip),
        OTLPMetricExporter(endpoint=f"{base}/metrics", compression=Compression.Gzip),
    )


def main():
    protocol, endpoint, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    resource = Resource.create({"service.name": f"sdk-{protocol}", "service.instance.id": "1"})
    spans, logs, metrics = exporters(protocol, endpoint)

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    tracer_provider = TracerProvider(resource=resource)
    tracer_provider.add_span_processor(BatchSpanProcessor(spans))
    tracer = tracer_provider.get_tracer("sdk-client", "1.0")
    for index in range(count):
        with tracer.start_as_current_span(f"span-{index}", attributes={"index": index, "text": "käse", "list": [1, 2]}) as span:
            span.add_event("event", {"n": 1.5})
    assert tracer_provider.force_flush()
    tracer_provider.shutdown()

    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    logger_provider = LoggerProvider(resource=resource)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    logger = logging.getLogger("sdk-client")
    logger.addHandler(LoggingHandler(logger_provider=logger_provider))
    for index in range(count):
        logger.warning("log-%d", index)
    assert logger_provider.force_flush()
    logger_provider.shutdown()

    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=3_600_000)
    meter_provider = MeterProvider(resource=resource, metric_readers=[reader])
    meter = meter_provider.get_meter("sdk-client")
    counter = meter.create_counter("requests")
    histogram = meter.create_histogram("latency")
    for index in range(count):
        counter.add(1, {"index": index})
        histogram.record(index * 1.5)
    assert meter_provider.force_flush()
    meter_provider.shutdown()


if __name__ == "__main__":
    main()
