extension [UInt8] {
    /// A copy with a few bytes changed, inserted, removed, or a stretch repeated.
    package func corrupted(using random: inout SeededRandom) -> [UInt8] {
        var bytes = self
        for _ in 0..<random.int(in: 1...4) where !bytes.isEmpty {
            let index = random.int(in: 0...bytes.count - 1)
            switch random.int(in: 0...5) {
            case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[index] ^= 1 << UInt8(random.int(in: 0...7))
            case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
            case 3: bytes.remove(at: index)
            case 4: bytes[index] = random.element(of: [0, 0x7f, 0x80, 0xff])
            default:
                let end = Swift.min(bytes.count, index + random.int(in: 1...16))
                bytes.insert(contentsOf: bytes[index..<end], at: index)
            }
        }
        return bytes
    }
}
