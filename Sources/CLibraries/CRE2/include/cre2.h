#pragma once
#include <stddef.h>

// A C face for RE2: linear-time regular expressions in otelcol's dialect.

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CRE2_regex CRE2_regex;

/// A part of the matched text; start is NULL when the group took no part in the match.
typedef struct {
    const char *start;
    size_t count;
} CRE2_span;

/// Compiles `pattern`. NULL when it is invalid: `error` then holds a NUL-terminated message, cut to `error_capacity`.
CRE2_regex *CRE2_compile(const char *pattern, size_t count, char *error, size_t error_capacity);
void CRE2_free(CRE2_regex *regex);
int CRE2_group_count(const CRE2_regex *regex);
/// The name of group `index` (from 1), or NULL; valid as long as the regex.
const char *CRE2_group_name(const CRE2_regex *regex, int index);
/// Searches `text` (unanchored). Fills `groups[0 ..< group_capacity]`: group 0 is the whole match. 1 when it matches.
int CRE2_match(const CRE2_regex *regex, const char *text, size_t count, CRE2_span *groups, int group_capacity);

#ifdef __cplusplus
}
#endif
