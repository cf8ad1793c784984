import OTLP

/// Feeds libFuzzer's bytes to the door and, if they pass, to all that trusts it.
///
/// Checked: nothing traps or reads out of bounds; what passes passes again unchanged with the same count; any cut of it
/// into parts keeps every item. The first byte chooses the signal.
@c(LLVMFuzzerTestOneInput)
func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let data = unsafe data, count > 0 else { return 0 }
    let signal = unsafe Signal.allCases[Int(data[0]) % Signal.allCases.count]
    let bytes = unsafe Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    guard let validated = try? OTLPRequest.validate(bytes, signal: signal) else { return 0 }
    do {
        try check(validated, signal)
    } catch {
        fatalError("what passed the door was refused behind it: \(error)")
    }
    return 0
}

private func check(_ validated: ValidatedRequest, _ signal: Signal) throws(WireError) {
    let again = try OTLPRequest.validate(validated.bytes, signal: signal)
    precondition(again.bytes == validated.bytes, "the rewritten request is not canonical")
    precondition(again.itemCount == validated.itemCount, "the walk counts differently the second time")
    let itemCount = try OTLPRequest.itemCount(of: validated.bytes, signal: signal)
    precondition(itemCount == validated.itemCount, "the quick count differs from the walk's")
    let parts = try OTLPRequest.split(validated.bytes, signal: signal, maxItems: max(1, itemCount / 3))
    var partsItemCount = 0
    for part in parts { partsItemCount += try OTLPRequest.validate(part, signal: signal).itemCount }
    precondition(partsItemCount == itemCount, "splitting lost or invented items")
}
