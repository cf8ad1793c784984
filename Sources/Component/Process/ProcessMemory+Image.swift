import Glibc

extension ProcessMemory {
    /// Unmaps the pages of program and libraries that are not written to; those still needed come back from the page
    /// cache when they are touched.
    ///
    /// Loading, relocating and configuring touch most of the code once, and the kernel maps 16 pages for each one touched.
    /// Without this they count as used memory for as long as the process runs. Only segments that the loader never writes
    /// are given up: relocations of others exist nowhere but in memory.
    package static func releaseImage() {
        unsafe dl_iterate_phdr(
            { object, _, _ in
                guard let object = unsafe object?.pointee, let headers = unsafe object.dlpi_phdr else { return 0 }
                let pageBytes = UInt(sysconf(Int32(_SC_PAGESIZE)))
                for index in 0..<Int(unsafe object.dlpi_phnum) {
                    let header = unsafe headers[index]
                    guard header.p_type == UInt32(PT_LOAD), header.p_flags & UInt32(PF_W) == 0 else { continue }
                    let address = unsafe UInt(object.dlpi_addr) + UInt(header.p_vaddr)
                    let start = address / pageBytes * pageBytes
                    // Memory that cannot be given up (locked, or the kernel's own) stays, which is as well.
                    unsafe madvise(
                        UnsafeMutableRawPointer(bitPattern: start), Int(address - start) + Int(header.p_memsz),
                        MADV_DONTNEED)
                }
                return 0
            }, nil)
    }
}
