/// Elements by consecutive sequence numbers: added at the end, removed anywhere, found without hashing.
///
/// What is removed leaves a gap until everything before it is gone too.
struct SequenceRing<Element> {
    private var elements: [Element?] = []
    /// Where the oldest element lies in `elements`; gaps before it are dropped now and then.
    private var head = 0
    /// The sequence of `elements[head]`.
    private var oldest: UInt64

    /// - Parameter next: the sequence of the first element that will be appended.
    init(next: UInt64) { oldest = next }

    /// The sequence of the oldest element; nil when there is none.
    var first: UInt64? { head == elements.count ? nil : oldest }
    /// The sequence that the next element gets.
    var next: UInt64 { oldest + UInt64(elements.count - head) }

    mutating func append(_ element: Element) { elements.append(element) }

    /// Leaves out one sequence.
    mutating func appendGap() {
        elements.append(nil)
        dropGaps()
    }

    /// The element of `sequence`; nil if it was removed, or is not there yet.
    subscript(sequence: UInt64) -> Element? {
        guard sequence >= oldest, sequence < next else { return nil }
        return elements[index(sequence)]
    }

    /// Changes the element of `sequence`, which must be there.
    mutating func update<Result, Failure: Error>(
        _ sequence: UInt64, _ body: (inout Element) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(&elements[index(sequence)]!)
    }

    @discardableResult
    mutating func remove(_ sequence: UInt64) -> Element? {
        guard sequence >= oldest, sequence < next else { return nil }
        defer { dropGaps() }
        return elements[index(sequence)].take()
    }

    /// All sequences with an element, oldest first.
    var sequences: [UInt64] { (oldest..<next).filter { elements[index($0)] != nil } }

    private func index(_ sequence: UInt64) -> Int { head + Int(sequence - oldest) }

    private mutating func dropGaps() {
        while head < elements.count, elements[head] == nil {
            head += 1
            oldest += 1
        }
        if head == elements.count {
            elements.removeAll(keepingCapacity: head <= Self.keptMax)
            head = 0
        } else if head > Self.keptMax, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
    }

    /// Empty places that may stay.
    private static var keptMax: Int { 1024 }
}
