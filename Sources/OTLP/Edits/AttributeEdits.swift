/// A compiled program of attribute actions that works on the wire bytes of a request.
///
/// The request must be canonical. It is walked once, however many stages there are; what no action changes keeps its
/// bytes, and a request in which nothing changes is handed back as it came. Lengths of enclosing messages are written
/// minimal. New attributes follow the last one of their set. Safe to use from several threads at once.
package struct AttributeEdits: Sendable {
    package enum Target: Sendable {
        case resource
        /// Spans, log records and metric data points.
        case items
    }

    /// Actions on the attributes of one target, applied in order: one processor's share of the program.
    package struct Stage: Sendable {
        package let target: Target
        package let actions: [AttributeAction]
        /// Which items the actions concern; means nothing for the resource.
        package let filter: ItemFilter?

        package init(_ target: Target, actions: [AttributeAction], filter: ItemFilter? = nil) {
            self.target = target
            self.actions = actions
            self.filter = filter
        }
    }

    package let stages: [Stage]
    private let program: EditProgram

    package init(_ stages: [Stage]) {
        self.stages = stages
        program = EditProgram(stages)
    }

    /// One program that does what `self` and then `next` do, in a single walk.
    package func followed(by next: AttributeEdits) -> AttributeEdits { AttributeEdits(stages + next.stages) }

    /// Applies the program.
    ///
    /// - Parameters:
    ///   - request: a canonical export request of `signal`.
    ///   - context: the encoded AnyValue of a name in `AttributeSource.context`, nil if there is none; asked at most
    ///     once for each name in a request.
    /// - Returns: `request` itself, without a copy, when nothing changes.
    /// - Throws: when the bytes are not protobuf.
    package func apply(
        to request: consuming [UInt8], signal: Signal, context: (String) -> [UInt8]? = { _ in nil }
    ) throws(WireError) -> [UInt8] {
        let edited = try request.withWireBytes { (source) throws(WireError) -> [UInt8]? in
            try program.constants.withWireBytes { (constants) throws(WireError) -> [UInt8]? in
                var walk = EditWalk(program, source: source, constants: constants, signal: signal)
                walk.setContext(context)
                try walk.editRequest()
                return walk.output()
            }
        }
        if let edited { return edited }
        return request
    }
}
