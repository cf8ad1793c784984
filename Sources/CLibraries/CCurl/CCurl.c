// libcurl, loaded when it is first used: with the libraries it stands on it takes longer to load than all others
// together, and most collectors never speak HTTP to anybody.
//
// The functions of libcurl that this program calls are defined here under their own names, hidden from other libraries,
// and forward to the library. Where it is missing, each fails as libcurl itself does when memory runs out;
// curl_global_init() comes first and says so.

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>

#pragma GCC visibility push(hidden)
#define CURL_DISABLE_TYPECHECK
#include "CCurl.h"
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#undef curl_share_setopt

static void *library;

static void load(void) {
    library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
}

static void *find(const char *name) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return library ? dlsym(library, name) : NULL;
}

// Defines `result name parameters`, which calls the library's function of that name with `arguments`, or gives `failure`.
#define FORWARD(result, name, parameters, arguments, failure)                                                          \
    result name parameters {                                                                                           \
        static _Atomic(void *) known;                                                                                  \
        void *function = known;                                                                                        \
        if (!function) known = function = find(#name);                                                                 \
        return function ? ((result(*) parameters)function)arguments : failure;                                         \
    }

// The same for functions of one variable argument. Whatever its type, a number or a pointer, it takes one register of 64
// bits, so it is passed on as a pointer.
_Static_assert(sizeof(void *) == 8 && sizeof(long) == 8 && sizeof(curl_off_t) == 8, "arguments of different sizes");
#define FORWARD_VARIABLE(result, name, handle_type, option_type, failure)                                              \
    result name(handle_type *handle, option_type option, ...) {                                                        \
        static _Atomic(void *) known;                                                                                  \
        void *function = known;                                                                                        \
        if (!function) known = function = find(#name);                                                                 \
        va_list list;                                                                                                  \
        va_start(list, option);                                                                                        \
        void *argument = va_arg(list, void *);                                                                         \
        va_end(list);                                                                                                  \
        return function ? ((result(*)(handle_type *, option_type, ...))function)(handle, option, argument) : failure;  \
    }

FORWARD(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)
FORWARD(CURL *, curl_easy_init, (void), (), NULL)
FORWARD(void, curl_easy_cleanup, (CURL *handle), (handle), (void)0)
FORWARD(const char *, curl_easy_strerror, (CURLcode code), (code), "libcurl cannot be loaded")
FORWARD(void, curl_free, (void *memory), (memory), (void)0)
FORWARD(struct curl_slist *, curl_slist_append, (struct curl_slist *list, const char *text), (list, text), NULL)
FORWARD(void, curl_slist_free_all, (struct curl_slist *list), (list), (void)0)
FORWARD(CURLM *, curl_multi_init, (void), (), NULL)
FORWARD(CURLMcode, curl_multi_cleanup, (CURLM *multi), (multi), CURLM_OUT_OF_MEMORY)
FORWARD(CURLMcode, curl_multi_add_handle, (CURLM *multi, CURL *handle), (multi, handle), CURLM_OUT_OF_MEMORY)
FORWARD(CURLMcode, curl_multi_remove_handle, (CURLM *multi, CURL *handle), (multi, handle), CURLM_OUT_OF_MEMORY)
FORWARD(CURLMcode, curl_multi_perform, (CURLM *multi, int *running), (multi, running), CURLM_OUT_OF_MEMORY)
FORWARD(
    CURLMcode, curl_multi_poll,
    (CURLM *multi, struct curl_waitfd extra[], unsigned int extra_count, int timeout_ms, int *count),
    (multi, extra, extra_count, timeout_ms, count), CURLM_OUT_OF_MEMORY)
FORWARD(CURLMcode, curl_multi_wakeup, (CURLM *multi), (multi), CURLM_OUT_OF_MEMORY)
FORWARD(CURLMsg *, curl_multi_info_read, (CURLM *multi, int *waiting), (multi, waiting), NULL)
FORWARD(CURLSH *, curl_share_init, (void), (), NULL)
FORWARD(CURLSHcode, curl_share_cleanup, (CURLSH *share), (share), CURLSHE_NOMEM)
FORWARD(CURLU *, curl_url, (void), (), NULL)
FORWARD(void, curl_url_cleanup, (CURLU *url), (url), (void)0)
FORWARD(
    CURLUcode, curl_url_set, (CURLU *url, CURLUPart what, const char *part, unsigned int flags),
    (url, what, part, flags), CURLUE_OUT_OF_MEMORY)
FORWARD_VARIABLE(CURLcode, curl_easy_setopt, CURL, CURLoption, CURLE_FAILED_INIT)
FORWARD_VARIABLE(CURLcode, curl_easy_getinfo, CURL, CURLINFO, CURLE_FAILED_INIT)
FORWARD_VARIABLE(CURLMcode, curl_multi_setopt, CURLM, CURLMoption, CURLM_OUT_OF_MEMORY)
FORWARD_VARIABLE(CURLSHcode, curl_share_setopt, CURLSH, CURLSHoption, CURLSHE_NOMEM)

CURLUcode CCurl_url_get(CURLU *url, CURLUPart what, char **part, unsigned int flags) {
    CURLUcode (*function)(CURLU *, CURLUPart, char **, unsigned int) = find("curl_url_get");
    return function ? function(url, what, part, flags) : CURLUE_OUT_OF_MEMORY;
}
