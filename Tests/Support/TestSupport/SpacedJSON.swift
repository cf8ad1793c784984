/// `json` with white space on both sides of each of `{}[],:` outside strings, so that a reader takes nothing in one
/// piece.
package func spacedJSON(_ json: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var isInString = false
    var isEscaped = false
    for byte in json {
        let isStructure = !isInString && "{}[],:".utf8.contains(byte)
        if isStructure { result.append(UInt8(ascii: "\t")) }
        result.append(byte)
        if isStructure { result.append(UInt8(ascii: " ")) }
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = isInString
        } else if byte == UInt8(ascii: "\"") {
            isInString.toggle()
        }
    }
    return result
}
