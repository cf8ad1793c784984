import OTLP
import TestSupport

/// Feeds libFuzzer's bytes to the JSON reader and, if they are read, what came of them to all that trusts it.
///
/// Checked: nothing traps or reads out of bounds; white space changes neither the result nor the reason of a refusal;
/// what is read passes the door unchanged, and written as JSON it reads back with all its items, from then on to the
/// same bytes. The first byte chooses the signal.
@c(LLVMFuzzerTestOneInput)
func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let data = unsafe data, count > 0 else { return 0 }
    let signal = unsafe Signal.allCases[Int(data[0]) % Signal.allCases.count]
    let json = unsafe Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    let result = read(json, signal)
    let resultOfSpaced = read(spacedJSON(json), signal)
    switch (result, resultOfSpaced) {
    case (.success(let request), .success(let other)):
        precondition(request == other, "white space changes what is read")
        do { try check(request, signal) } catch { fatalError("what was read is no request: \(error)") }
    case (.failure(let error), .failure(let other)):
        precondition(error.code == other.code, "white space changes the reason: \(error), \(other)")
        precondition((0...json.count).contains(error.offset), "the error is outside of the input")
    default: fatalError("white space changes whether it is read: \(result), \(resultOfSpaced)")
    }
    return 0
}

private func read(_ json: [UInt8], _ signal: Signal) -> Result<[UInt8], JSONError> {
    Result { () throws(JSONError) in try OTLPRequest.fromJSON(json, signal: signal) }
}

private func check(_ request: [UInt8], _ signal: Signal) throws(WireError) {
    let validated = try OTLPRequest.validate(request, signal: signal)
    precondition(validated.bytes == request, "what was read is not canonical")
    var previous = request
    // Bytes that are not UTF-8 are kept the first time, and are characters from the second on.
    for round in 0..<2 {
        var json: [UInt8] = []
        try OTLPRequest.appendJSON(of: previous, signal: signal, to: &json)
        guard case .success(let again) = read(json, signal) else { fatalError("our own JSON is refused") }
        precondition(round == 0 || again == previous, "writing and reading changed the request")
        previous = again
    }
    let itemCount = try OTLPRequest.itemCount(of: previous, signal: signal)
    precondition(itemCount == validated.itemCount, "writing and reading lost or invented items")
}
