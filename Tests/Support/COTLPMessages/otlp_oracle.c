#include "otlp_oracle.h"

#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

#include "otlp_messages.pb-c.h"

static const ProtobufCMessageDescriptor *request_descriptor(int signal) {
  switch (signal) {
    case OTLP_TRACES: return &otlp__traces_request__descriptor;
    case OTLP_METRICS: return &otlp__metrics_request__descriptor;
    default: return &otlp__logs_request__descriptor;
  }
}

uint8_t *otlp_normal_form(int signal, const uint8_t *data, size_t count, size_t *result_count) {
  ProtobufCMessage *message = protobuf_c_message_unpack(request_descriptor(signal), NULL, count, data);
  if (message == NULL) return NULL;
  uint8_t *result = malloc(protobuf_c_message_get_packed_size(message) + 1);
  *result_count = protobuf_c_message_pack(message, result);
  protobuf_c_message_free_unpacked(message, NULL);
  return result;
}

// What is around the item at hand, as a growing run of packed messages; a stack, cut back by its count.
typedef struct {
  uint8_t *data;
  size_t count;
  size_t capacity;
  int64_t items;
  otlp_item_visitor visit;
  void *context;
} Path;

static void push(Path *path, const ProtobufCMessage *message) {
  uint64_t size = protobuf_c_message_get_packed_size(message);
  if (path->capacity < path->count + 8 + size) {
    path->capacity = 2 * (path->count + 8 + size);
    path->data = realloc(path->data, path->capacity);
  }
  memcpy(path->data + path->count, &size, 8);
  protobuf_c_message_pack(message, path->data + path->count + 8);
  path->count += 8 + size;
}

// Pushes an envelope as if it had no children.
static void push_envelope(Path *path, const ProtobufCMessage *envelope, size_t *child_count) {
  size_t saved = *child_count;
  *child_count = 0;
  push(path, envelope);
  *child_count = saved;
}

static void visit_items(Path *path, size_t count, ProtobufCMessage **items) {
  for (size_t index = 0; index < count; index++) {
    size_t start = path->count;
    push(path, items[index]);
    path->visit(path->context, path->data, path->count);
    path->items++;
    path->count = start;
  }
}

#define VISIT_DATA(CASE, MEMBER)                                                                   \
  case CASE: {                                                                                     \
    size_t *count = &metric->MEMBER->n_data_points;                                                \
    push_envelope(path, &metric->base, count);                                                     \
    visit_items(path, *count, (ProtobufCMessage **)metric->MEMBER->data_points);                   \
    break;                                                                                         \
  }

static void visit_metric(Path *path, Otlp__Metric *metric) {
  size_t start = path->count;
  switch (metric->data_case) {
    VISIT_DATA(OTLP__METRIC__DATA_GAUGE, gauge)
    VISIT_DATA(OTLP__METRIC__DATA_SUM, sum)
    VISIT_DATA(OTLP__METRIC__DATA_HISTOGRAM, histogram)
    VISIT_DATA(OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM, exponential_histogram)
    VISIT_DATA(OTLP__METRIC__DATA_SUMMARY, summary)
    default: break;
  }
  path->count = start;
}

static void visit_metrics(Path *path, size_t count, ProtobufCMessage **metrics) {
  for (size_t index = 0; index < count; index++) visit_metric(path, (Otlp__Metric *)metrics[index]);
}

#define VISIT_REQUEST(TYPE, RESOURCES, SCOPES, ITEMS, VISIT)                                       \
  for (size_t r = 0; r < ((TYPE *)message)->n_##RESOURCES; r++) {                                  \
    __typeof__(((TYPE *)message)->RESOURCES[0]) resource = ((TYPE *)message)->RESOURCES[r];        \
    size_t resource_start = path.count;                                                            \
    push_envelope(&path, &resource->base, &resource->n_##SCOPES);                                  \
    for (size_t s = 0; s < resource->n_##SCOPES; s++) {                                            \
      size_t scope_start = path.count;                                                             \
      push_envelope(&path, &resource->SCOPES[s]->base, &resource->SCOPES[s]->n_##ITEMS);           \
      VISIT(&path, resource->SCOPES[s]->n_##ITEMS, (ProtobufCMessage **)resource->SCOPES[s]->ITEMS); \
      path.count = scope_start;                                                                    \
    }                                                                                              \
    path.count = resource_start;                                                                   \
  }

int64_t otlp_visit_items(int signal, const uint8_t *data, size_t count, otlp_item_visitor visit, void *context) {
  ProtobufCMessage *message = protobuf_c_message_unpack(request_descriptor(signal), NULL, count, data);
  if (message == NULL) return -1;
  Path path = {.visit = visit, .context = context};
  switch (signal) {
    case OTLP_TRACES: VISIT_REQUEST(Otlp__TracesRequest, resource_spans, scope_spans, spans, visit_items) break;
    case OTLP_METRICS:
      VISIT_REQUEST(Otlp__MetricsRequest, resource_metrics, scope_metrics, metrics, visit_metrics) break;
    default: VISIT_REQUEST(Otlp__LogsRequest, resource_logs, scope_logs, log_records, visit_items) break;
  }
  free(path.data);
  protobuf_c_message_free_unpacked(message, NULL);
  return path.items;
}
