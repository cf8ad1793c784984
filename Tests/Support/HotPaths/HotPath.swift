import CAllocationCounter
import ClickHouseNative
import Compression
import Exporters
import Glibc
import OTLP
import RegularExpression
import Synchronization
import TelemetryGenerator
import Transport
import WriteAheadLog

/// A piece of the way that telemetry takes, ready to be run again and again on one request: what micro benchmarks time
/// and what has its allocations counted.
package struct HotPath: Sendable {
    /// The piece, and the shape of the request: `validate nginx`.
    package let name: String
    package let itemCount: Int
    /// Bytes that go in.
    package let byteCount: Int
    /// Does the work once.
    package let run: @Sendable () async throws -> Void

    package init(name: String, itemCount: Int, byteCount: Int, run: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.itemCount = itemCount
        self.byteCount = byteCount
        self.run = run
    }

    /// How often one run asks for memory, once everything that is kept between runs is there.
    ///
    /// Only what the calling thread allocates counts, which is all of it: no piece waits for another thread.
    package func allocationCount() async throws -> Int {
        for _ in 0..<3 { try await run() }
        var counts: [Int] = []
        for _ in 0..<5 {
            let thread = pthread_self()
            let before = CAllocationCounter_count()
            try await run()
            let after = CAllocationCounter_count()
            if pthread_equal(thread, pthread_self()) != 0 { counts.append(Int(after - before)) }
        }
        guard let count = counts.min() else { throw MovedBetweenThreads(name: name) }
        return count
    }

    private struct MovedBetweenThreads: Error {
        let name: String
    }

    /// All of them.
    package static func all() throws -> [HotPath] {
        try TelemetryGenerator.Shape.allCases.flatMap { shape in
            let request = Request(shape)
            return try request.decoding() + request.editing() + request.encoding() + request.compressing()
                + request.queueing()
        }
    }
}

/// The request that the pieces work on.
private struct Request {
    let shape: TelemetryGenerator.Shape
    let bytes: [UInt8]
    static let itemCount = 512

    init(_ shape: TelemetryGenerator.Shape) {
        self.shape = shape
        var generator = TelemetryGenerator(shape, seed: 1)
        bytes = generator.request(itemCount: Self.itemCount)
    }

    private func path(_ name: String, _ run: @escaping @Sendable () async throws -> Void) -> HotPath {
        HotPath(name: "\(name) \(shape)", itemCount: Self.itemCount, byteCount: bytes.count, run: run)
    }

    func decoding() -> [HotPath] {
        let bytes = bytes
        let count = UInt32(bytes.count)
        let framed = [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + bytes
        return [
            path("grpc message") {
                var assembler = GRPCMessageAssembler(limit: 1 << 30)
                for start in stride(from: 0, to: framed.count, by: 16_384) {
                    let part = framed[start..<min(start + 16_384, framed.count)]
                    try unsafe part.withUnsafeBytes { try unsafe assembler.append($0) }
                }
                _ = try assembler.finish()
            },
            path("validate") { _ = try OTLPRequest.validate(bytes, signal: .traces) },
        ]
    }

    /// The attribute edits of the collector that people run beside nginx, alone and with a resource's; and batches.
    func editing() throws -> [HotPath] {
        let bytes = bytes
        let pattern = try RegularExpression(
            #"^(?P<upstream_primary>[^,\s]+)(?:,\s*(?P<upstream_secondary>[^,\s]+))?"#)
        let extract = AttributeEdits([.init(.items, actions: [.extract(key: "upstream_addr", pattern: pattern)])])
        let resource = AttributeEdits([
            .init(
                .resource,
                actions: [
                    .upsert(key: "deployment.environment", from: .constant(.string("local"))),
                    .insert(key: "service.namespace", from: .constant(.string("clickstack"))),
                ])
        ])
        let both = extract.followed(by: resource)
        return [
            path("edit extract") { _ = try extract.apply(to: bytes, signal: .traces) },
            path("edit extract+resource") { _ = try both.apply(to: bytes, signal: .traces) },
            path("cut") { _ = try OTLPRequest.items(100..<400, of: bytes, signal: .traces) },
            path("merge") { _ = OTLPRequest.merge([bytes, bytes]) },
        ]
    }

    func encoding() throws -> [HotPath] {
        let bytes = bytes
        let encoder = ClickHouseTable.traces.makeEncoder(tableName: "otel_traces")
        let columns = (encoder.columnNames + encoder.optionalColumnNames).map { name in
            NativeBlock.Column(name: name, typeName: Self.tracesTypes[name] ?? "String")
        }
        let header = NativeBlock(columns: columns, rowCount: 0)
        let output = Mutex(BlockOutput(revision: Revision.client, compression: .none))
        return [
            path("clickhouse block") {
                try encoder.prepare(header: header)
                try encoder.append(bytes)
                try output.withLock { output in
                    output.removeAll()
                    try encoder.finishBlock(to: &output)
                    try output.endBlock()
                }
            },
            path("json") {
                var json: [UInt8] = []
                try OTLPRequest.appendJSON(of: bytes, signal: .traces, to: &json)
            },
        ]
    }

    /// The columns of otel_traces that are no String.
    private static let tracesTypes: [String: String] = {
        let word = "LowCardinality(String)"
        let map = "Map(LowCardinality(String), String)"
        return [
            "Timestamp": "DateTime64(9)", "SpanName": word, "SpanKind": word, "ServiceName": word,
            "ResourceAttributes": map, "SpanAttributes": map, "Duration": "UInt64", "StatusCode": word,
            "Events.Timestamp": "Array(DateTime64(9))", "Events.Name": "Array(\(word))",
            "Events.Attributes": "Array(\(map))", "Links.TraceId": "Array(String)", "Links.SpanId": "Array(String)",
            "Links.TraceState": "Array(String)", "Links.Attributes": "Array(\(map))",
        ]
    }()

    func compressing() throws -> [HotPath] {
        let bytes = bytes
        let zipped = try compress(bytes, encoding: .gzip)
        return [
            path("lz4 block") {
                _ = unsafe [UInt8](unsafeUninitializedCapacity: lz4BlockBound(bytes.count)) { target, count in
                    unsafe bytes.withUnsafeBytes { source in
                        unsafe count = lz4CompressBlock(source, into: UnsafeMutableRawBufferPointer(target)) ?? 0
                    }
                }
            },
            path("gzip") { _ = try compress(bytes, encoding: .gzip) },
            path("gunzip") { _ = try decompress(zipped, encoding: .gzip, limit: 1 << 30) },
            path("zstd") { _ = try compress(bytes, encoding: .zstd) },
        ]
    }

    /// A record's way through the log in memory.
    func queueing() throws -> [HotPath] {
        let bytes = bytes
        let log = MemoryLog(capacityBytes: 1 << 30)
        let consumer = try log.openConsumer("hot path", options: ConsumerOptions(isDurable: false))
        return [
            path("memory log") {
                log.append(LogRecord(payload: bytes, itemCount: Self.itemCount, receivedAtUnixNanos: 1)) { _ in }
                let records = try consumer.next(maxRecords: 8, maxBytes: 1 << 30)
                let cut = try await consumer.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) })
                consumer.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
            }
        ]
    }
}
