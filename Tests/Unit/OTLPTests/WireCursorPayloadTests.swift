import TestSupport
import Testing

@testable import OTLP

/// Looking for one tag ahead of all fields finds the same fields.
struct WireCursorPayloadTests {
    /// Scenario: random span requests, whole and cut off anywhere, read field by field and with a look for one tag.
    /// Guarantees: the same payloads in the same order, or the same error.
    @Test("a look for one tag changes nothing", arguments: Seeds.regression.prefix(4) + Seeds.fresh(count: 2))
    func sameFields(seed: UInt64) {
        var generator = OTLPGenerator(seed: seed)
        generator.countMax = 3
        for _ in 0..<4 {
            let request = generator.request(.traces).bytes
            let cut = generator.random.int(in: 0...request.count)
            for bytes in [request, Array(request[..<cut])] {
                bytes.withWireBytes { wire in
                    for tag: UInt8 in [0x0a, 0x12, 0x4a] {
                        let isSame = Self.fields(of: wire, lookingFor: tag) == Self.fields(of: wire, lookingFor: nil)
                        #expect(isSame)
                    }
                }
            }
        }
    }

    /// All length-delimited payloads, of the messages in them too, and how it ended.
    private static func fields(of message: WireBytes, lookingFor tag: UInt8?, depth: Int = 0) -> [String] {
        var fields: [String] = []
        var cursor = WireCursor(message)
        do throws(WireError) {
            while true {
                while let tag, let payload = try cursor.nextPayload(ifTag: tag) {
                    fields.append("\(UInt32(tag >> 3)) \(payload.array)")
                    if depth < 3 { fields += Self.fields(of: payload, lookingFor: tag, depth: depth + 1) }
                }
                guard let field = try cursor.nextField() else { break }
                guard field.type == .lengthDelimited else { continue }
                fields.append("\(field.number) \(field.bytes.array)")
                if depth < 3 { fields += Self.fields(of: field.bytes, lookingFor: tag, depth: depth + 1) }
            }
        } catch {
            fields.append("\(error)")
        }
        return fields
    }
}
