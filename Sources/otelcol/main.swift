print("otelcol")
