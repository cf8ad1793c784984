import CLoader

extension ProcessMemory {
    /// Unmaps the pages of program and libraries that are not written to; those still needed come back from the page
    /// cache when they are touched.
    ///
    /// Loading, relocating and configuring touch most of the code once, and the kernel maps 16 pages for each one touched.
    /// Without this they count as used memory for as long as the process runs.
    package static func releaseImage() { CLoader_release_unwritten_segments() }
}
