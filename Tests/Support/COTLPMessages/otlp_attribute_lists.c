#include "otlp_oracle.h"

#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

typedef struct {
  otlp_attributes_visitor visit;
  void *context;
} Visitor;

static void visit_resource(const Visitor *visitor, Otlp__Resource **resource) {
  Otlp__Resource *absent = NULL;
  if (*resource == NULL) *resource = absent = otlp__resource__unpack(NULL, 0, NULL);
  visitor->visit(visitor->context, &(*resource)->n_attributes, &(*resource)->attributes);
  if (absent == NULL || absent->n_attributes > 0) return;
  otlp__resource__free_unpacked(absent, NULL);
  *resource = NULL;
}

static void visit_span(const Visitor *visitor, Otlp__Span *span) {
  visitor->visit(visitor->context, &span->n_attributes, &span->attributes);
}

static void visit_log_record(const Visitor *visitor, Otlp__LogRecord *record) {
  visitor->visit(visitor->context, &record->n_attributes, &record->attributes);
}

#define VISIT_POINTS(CASE, MEMBER)                                                                            \
  case CASE:                                                                                                  \
    for (size_t p = 0; p < metric->MEMBER->n_data_points; p++) {                                              \
      visitor->visit(                                                                                         \
          visitor->context, &metric->MEMBER->data_points[p]->n_attributes,                                    \
          &metric->MEMBER->data_points[p]->attributes);                                                       \
    }                                                                                                         \
    break;

static void visit_metric(const Visitor *visitor, Otlp__Metric *metric) {
  switch (metric->data_case) {
    VISIT_POINTS(OTLP__METRIC__DATA_GAUGE, gauge)
    VISIT_POINTS(OTLP__METRIC__DATA_SUM, sum)
    VISIT_POINTS(OTLP__METRIC__DATA_HISTOGRAM, histogram)
    VISIT_POINTS(OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM, exponential_histogram)
    VISIT_POINTS(OTLP__METRIC__DATA_SUMMARY, summary)
    default: break;
  }
}

#define EDIT_REQUEST(REQUEST, NAME, RESOURCES, SCOPES, ITEMS, VISIT_ITEM)                                     \
  {                                                                                                           \
    REQUEST *request = otlp__##NAME##__unpack(NULL, count, data);                                             \
    if (request == NULL) return NULL;                                                                         \
    for (size_t r = 0; r < request->n_##RESOURCES; r++) {                                                     \
      __typeof__(request->RESOURCES[r]) envelope = request->RESOURCES[r];                                     \
      if (target == OTLP_RESOURCES) {                                                                         \
        visit_resource(&visitor, &envelope->resource);                                                        \
        continue;                                                                                             \
      }                                                                                                       \
      for (size_t s = 0; s < envelope->n_##SCOPES; s++) {                                                     \
        for (size_t i = 0; i < envelope->SCOPES[s]->n_##ITEMS; i++) {                                         \
          VISIT_ITEM(&visitor, envelope->SCOPES[s]->ITEMS[i]);                                                \
        }                                                                                                     \
      }                                                                                                       \
    }                                                                                                         \
    uint8_t *result = malloc(otlp__##NAME##__get_packed_size(request) + 1);                                   \
    *result_count = otlp__##NAME##__pack(request, result);                                                    \
    otlp__##NAME##__free_unpacked(request, NULL);                                                             \
    return result;                                                                                            \
  }

uint8_t *otlp_edit_attributes(
    int signal, int target, const uint8_t *data, size_t count, otlp_attributes_visitor visit, void *context,
    size_t *result_count) {
  const Visitor visitor = {.visit = visit, .context = context};
  switch (signal) {
    case OTLP_TRACES:
      EDIT_REQUEST(Otlp__TracesRequest, traces_request, resource_spans, scope_spans, spans, visit_span)
    case OTLP_METRICS:
      EDIT_REQUEST(Otlp__MetricsRequest, metrics_request, resource_metrics, scope_metrics, metrics, visit_metric)
    default: EDIT_REQUEST(Otlp__LogsRequest, logs_request, resource_logs, scope_logs, log_records, visit_log_record)
  }
}
