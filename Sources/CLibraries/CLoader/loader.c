// dl_iterate_phdr is GNU's, and Swift's view of the C library is made without its extensions.
#define _GNU_SOURCE
#include "CLoader.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int release_object(struct dl_phdr_info *object, size_t size, void *data) {
    (void)size, (void)data;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        const uintptr_t address = object->dlpi_addr + segment->p_vaddr;
        const uintptr_t start = address / page * page;
        // Memory that cannot be given up (locked, or the kernel's own) stays, which is as well.
        madvise((void *)start, address - start + segment->p_memsz, MADV_DONTNEED);
    }
    return 0;
}

void CLoader_release_unwritten_segments(void) { dl_iterate_phdr(release_object, NULL); }
