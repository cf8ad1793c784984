import Testing

@testable import Component

/// Only what the page cache still has is unmapped.
@Suite struct ProcessMemoryImageTests {
    @Test("read-only mappings of files without pages of their own are found, and nothing else")
    func mappings() {
        let smaps = """
            55d000001000-55d000003000 r-xp 00001000 fe:00 42    /usr/bin/otel col
            Rss:                 100 kB
            Anonymous:             0 kB
            VmFlags: rd ex mr mw me
            55d000003000-55d000004000 r--p 00003000 fe:00 42    /usr/bin/otel col
            Rss:                   4 kB
            Anonymous:             4 kB
            55d000004000-55d000005000 rw-p 00003000 fe:00 42    /usr/bin/otel col
            Anonymous:             0 kB
            7f0000000000-7f0000001000 r--p 00000000 00:00 0
            Anonymous:             0 kB
            7f0000001000-7f0000002000 r--p 00000000 fe:00 43    /lib/libc.so.6
            Anonymous:             0 kB
            7ffc00000000-7ffc00001000 r-xp 00000000 00:00 0     [vdso]
            Anonymous:             0 kB
            """
        #expect(
            ProcessMemory.cleanFileMappings(in: smaps)
                == [0x55d0_0000_1000..<0x55d0_0000_3000, 0x7f00_0000_1000..<0x7f00_0000_2000])
    }

    @Test("a process goes on as before")
    func release() {
        let words = (0..<100).map { String($0, radix: 36) }
        for _ in 0..<3 {
            ProcessMemory.releaseImage()
            #expect(words.sorted().count == 100 && ProcessMemory.text(of: "/proc/self/smaps") != nil)
        }
    }
}
