// An independent reading of export requests, for tests to compare with.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { OTLP_TRACES = 0, OTLP_METRICS = 1, OTLP_LOGS = 2 };

// The request unpacked and packed again: known fields by number, unknown ones behind them. Two requests mean the same
// where their normal forms are equal. NULL where it does not parse; else to be freed with free().
uint8_t *otlp_normal_form(int signal, const uint8_t *data, size_t count, size_t *result_count);

// Receives one item together with all that is around it: resource envelope, scope envelope, Metric and its data without
// points (metrics only), item; each packed, with its byte count in front (8 bytes, little-endian).
typedef void (*otlp_item_visitor)(void *context, const uint8_t *data, size_t count);

// Visits all items in order. Returns how many there are, or -1 where the request does not parse.
int64_t otlp_visit_items(int signal, const uint8_t *data, size_t count, otlp_item_visitor visit, void *context);
