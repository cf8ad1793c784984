#pragma once
#include <stdint.h>

/// How often this thread has asked for memory. A program that links this target has its allocations counted.
uint64_t CAllocationCounter_count(void);
