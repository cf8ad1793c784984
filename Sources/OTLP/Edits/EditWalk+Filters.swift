import RegularExpression

/// Filters are decided from the outside in: the resource, the scope and the metric close gates for all items below
/// them.
extension EditWalk {
    /// Whether an item stage can still work on some item.
    func hasOpenStage(_ gates: [Gate]) -> Bool {
        for index in program.stages.indices where program.stages[index].target == .items {
            if program.stages[index].include == EditProgram.KeyTable.none { return true }
            if gates[index].contains(.include) { return true }
        }
        return false
    }

    mutating func takeResourceGates() {
        for index in resourceGates.indices { scopeGates[index] = resourceGates[index] }
    }

    mutating func takeScopeGates() {
        for index in scopeGates.indices { itemGates[index] = scopeGates[index] }
    }

    /// Runs the stages in order over the resource's attributes: those of the resource edit them, those of items look at
    /// them as they are at that point.
    mutating func runResourceStages() throws(WireError) {
        for index in program.stages.indices {
            let stage = program.stages[index]
            switch stage.target {
            case .resource: try run(stage.operations, keys: program.resourceKeys)
            case .items:
                resourceGates[index] = try openGates(of: stage) { (matcher) throws(WireError) in
                    try matchesResource(matcher)
                }
            }
        }
    }

    mutating func runItemStages() throws(WireError) {
        for index in program.stages.indices {
            let stage = program.stages[index]
            guard stage.target == .items else { continue }
            if stage.isFiltered {
                guard try passes(stage, gate: itemGates[index]) else { continue }
            }
            try run(stage.operations, keys: program.itemKeys)
        }
    }

    mutating func closeScopeGates(scopeEnvelope: WireBytes) throws(WireError) {
        var name = scopeEnvelope.slice(0..<0)
        var version = name
        var cursor = WireCursor(scopeEnvelope)
        while let field = try cursor.nextField() {
            guard field.number == ScopeEnvelopeField.scope, field.type == .lengthDelimited else { continue }
            var scope = WireCursor(field.bytes)
            while let field = try scope.nextField() {
                guard field.type == .lengthDelimited else { continue }
                if field.number == InstrumentationScopeField.name { name = field.bytes }
                if field.number == InstrumentationScopeField.version { version = field.bytes }
            }
        }
        for index in program.stages.indices {
            let open = openGates(of: program.stages[index]) { matcher in
                let libraries = matcher.conditions.libraries
                return libraries.isEmpty
                    || libraries.contains { $0.name.matches(name) && ($0.version?.matches(version) ?? true) }
            }
            scopeGates[index] = resourceGates[index].intersection(open)
        }
    }

    mutating func closeMetricGates(metric: WireBytes) throws(WireError) {
        var name = metric.slice(0..<0)
        var cursor = WireCursor(metric)
        while let field = try cursor.nextField() {
            if field.number == MetricField.name, field.type == .lengthDelimited { name = field.bytes }
        }
        for index in program.stages.indices {
            let open = openGates(of: program.stages[index]) { $0.conditions.metricNames?.matches(name) ?? true }
            itemGates[index] = scopeGates[index].intersection(open)
        }
    }

    /// The gates of the stage's matchers that `isMatched`; a half that the stage does not have stays open.
    private func openGates<Failure: Error>(
        of stage: EditProgram.Stage, where isMatched: (EditProgram.Matcher) throws(Failure) -> Bool
    ) throws(Failure) -> Gate {
        var open = Gate.both
        let none = EditProgram.KeyTable.none
        if stage.include != none, try !isMatched(program.matchers[stage.include]) { open.remove(.include) }
        if stage.exclude != none, try !isMatched(program.matchers[stage.exclude]) { open.remove(.exclude) }
        return open
    }

    private func passes(_ stage: EditProgram.Stage, gate: Gate) throws(WireError) -> Bool {
        if stage.include != EditProgram.KeyTable.none {
            guard gate.contains(.include), try matchesItem(program.matchers[stage.include]) else { return false }
        }
        if stage.exclude != EditProgram.KeyTable.none, gate.contains(.exclude) {
            return try !matchesItem(program.matchers[stage.exclude])
        }
        return true
    }

    private func matchesResource(_ matcher: EditProgram.Matcher) throws(WireError) -> Bool {
        if let services = matcher.conditions.services {
            let name: [UInt8]
            if let index = table.firstIndex(of: matcher.serviceKey) {
                name = try text(of: table.entries[index].value)
            } else {
                name = Array("<nil-service-name>".utf8)
            }
            if !name.withWireBytes({ services.matches($0) }) { return false }
        }
        return try hold(matcher.resources)
    }

    private func matchesItem(_ matcher: EditProgram.Matcher) throws(WireError) -> Bool {
        let conditions = matcher.conditions
        if conditions.isNever { return false }
        let text = item.text ?? source.slice(0..<0)
        if let names = conditions.spanNames, !names.matches(text) { return false }
        if conditions.spanKinds != nil, item.number > 63 || matcher.spanKinds & 1 << item.number == 0 { return false }
        if let texts = conditions.severityTexts, !texts.matches(text) { return false }
        if let severity = conditions.severityNumber, !severity.matches(item.number) { return false }
        if let bodies = conditions.logBodies, let body = item.body,
            case .string(let text) = try AnyValueView(body), !bodies.matches(text)
        {
            return false
        }
        return try hold(matcher.attributes)
    }

    /// Whether all `conditions` hold for the attributes in the table.
    private func hold(_ conditions: [EditProgram.Condition]) throws(WireError) -> Bool {
        for condition in conditions {
            guard let index = table.firstIndex(of: condition.key) else { return false }
            let value = table.entries[index].value
            switch condition.test {
            case .isPresent: break
            case .equals(let constant):
                let constant = try AnyValueView(constants.slice(constant))
                if try !AnyValueView.areEqual(AnyValueView(value), constant) { return false }
            case .matches(let expression):
                let text = try text(of: value)
                if unsafe !text.withUnsafeBufferPointer({ unsafe expression.matches($0) }) { return false }
            }
        }
        return true
    }
}
