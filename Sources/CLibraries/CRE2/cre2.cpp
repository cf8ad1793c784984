#include "cre2.h"

#include <re2/re2.h>

#include <cstring>
#include <string>
#include <vector>

struct CRE2_regex {
    RE2 expression;
    std::vector<std::string> names;
    CRE2_regex(re2::StringPiece pattern, const RE2::Options &options) : expression(pattern, options) {}
};

extern "C" CRE2_regex *CRE2_compile(const char *pattern, size_t count, char *error, size_t error_capacity) {
    // Latin1: subjects may hold invalid UTF-8, which must not make a match fail. A pattern with non-ASCII text is compiled as UTF-8.
    bool ascii = true;
    for (size_t index = 0; index < count; index++) ascii = ascii && static_cast<unsigned char>(pattern[index]) < 0x80;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_encoding(ascii ? RE2::Options::EncodingLatin1 : RE2::Options::EncodingUTF8);
    CRE2_regex *regex = new CRE2_regex(re2::StringPiece(pattern, count), options);
    if (!regex->expression.ok()) {
        if (error_capacity > 0) {
            std::strncpy(error, regex->expression.error().c_str(), error_capacity - 1);
            error[error_capacity - 1] = 0;
        }
        delete regex;
        return nullptr;
    }
    regex->names.resize(regex->expression.NumberOfCapturingGroups() + 1);
    for (const auto &entry : regex->expression.CapturingGroupNames()) regex->names[entry.first] = entry.second;
    return regex;
}

extern "C" void CRE2_free(CRE2_regex *regex) { delete regex; }

extern "C" int CRE2_group_count(const CRE2_regex *regex) { return regex->expression.NumberOfCapturingGroups(); }

extern "C" const char *CRE2_group_name(const CRE2_regex *regex, int index) {
    if (index < 1 || index >= static_cast<int>(regex->names.size()) || regex->names[index].empty()) return nullptr;
    return regex->names[index].c_str();
}

extern "C" int CRE2_match(const CRE2_regex *regex, const char *text, size_t count, CRE2_span *groups, int group_capacity) {
    re2::StringPiece subject(text, count);
    re2::StringPiece pieces[32];
    int wanted = group_capacity < 32 ? group_capacity : 32;
    if (!regex->expression.Match(subject, 0, count, RE2::UNANCHORED, pieces, wanted)) return 0;
    for (int index = 0; index < wanted; index++) {
        groups[index].start = pieces[index].data();
        groups[index].count = pieces[index].size();
    }
    return 1;
}
