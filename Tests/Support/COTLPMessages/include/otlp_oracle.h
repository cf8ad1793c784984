// An independent reading of export requests, for tests to compare with.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "otlp_messages.pb-c.h"

enum { OTLP_TRACES = 0, OTLP_METRICS = 1, OTLP_LOGS = 2 };

// The request unpacked and packed again: known fields by number, unknown ones behind them. Two requests mean the same
// where their normal forms are equal. NULL where it does not parse; else to be freed with free().
uint8_t *otlp_normal_form(int signal, const uint8_t *data, size_t count, size_t *result_count);

// Receives one item together with all that is around it: resource envelope, scope envelope, Metric and its data without
// points (metrics only), item; each packed, with its byte count in front (8 bytes, little-endian).
typedef void (*otlp_item_visitor)(void *context, const uint8_t *data, size_t count);

// Visits all items in order. Returns how many there are, or -1 where the request does not parse.
int64_t otlp_visit_items(int signal, const uint8_t *data, size_t count, otlp_item_visitor visit, void *context);

enum { OTLP_RESOURCES = 0, OTLP_ITEMS = 1 };

// Receives one attribute list of an unpacked message; may change it and everything in it. What is in it, and the array
// itself, belongs to malloc and free.
typedef void (*otlp_attributes_visitor)(void *context, size_t *count, Otlp__KeyValue ***attributes);

// Unpacks a request, shows the attribute list of each of its resources or items to `visit`, in order, and packs it
// again. An absent resource counts as one without attributes. NULL where it does not parse; else to be freed with
// free().
uint8_t *otlp_edit_attributes(
    int signal, int target, const uint8_t *data, size_t count, otlp_attributes_visitor visit, void *context,
    size_t *result_count);
