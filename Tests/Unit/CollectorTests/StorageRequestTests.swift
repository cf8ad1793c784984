import Component
import Testing
import WriteAheadLog

@testable import Collector
@testable import SendingQueue

/// What `otelcol wal` asks reaches a running collector as it was meant, and answers are readable by programs.
@Suite struct StorageRequestTests {
    @Test("a request survives its text", arguments: StorageRequest.Operation.allCases)
    func roundTrip(operation: StorageRequest.Operation) throws {
        var request = StorageRequest(operation)
        #expect(try StorageRequest(text: request.text) == request)
        request.log = "traces/2"
        request.consumer = "otlphttp/a=b"
        request.heir = "otlphttp/c"
        request.exporter = "otlphttp"
        request.batch = String(repeating: "0a", count: 16)
        request.withPayload = true
        request.isJSON = true
        #expect(try StorageRequest(text: request.text) == request)
    }

    @Test(
        "what a newer client may ask is refused by name",
        arguments: ["operation=defragment", "operation=list\nsince=1h", "list", ""])
    func refusals(text: String) {
        #expect(throws: StorageError.self) { _ = try StorageRequest(text: text) }
    }

    @Test("a batch id is 32 hexadecimal digits")
    func batch() throws {
        var request = StorageRequest(.replay)
        request.batch = "00000000000000ff0000000000000001"
        request.exporter = "otlphttp/a/b"
        let filter = try request.filter()
        #expect(filter.batchID?.high == 255 && filter.batchID?.low == 1)
        #expect(filter.exporter?.type == "otlphttp" && filter.exporter?.name == "a/b")
        for text in ["xyz", "", "00000000000000ff00000000000000012", "00000000000000gg0000000000000001"] {
            request.batch = text
            #expect(throws: StorageError.self) { _ = try request.filter() }
        }
    }

    @Test(
        "directories are shown by their log's name",
        arguments: [("traces", "traces"), ("logs__a", "logs/a"), ("~C3~BC", "ü"), ("a~", "a~"), ("a~ZZ", "a~ZZ")])
    func names(directory: String, name: String) {
        #expect(StoppedStorage.logName(directory) == name)
    }

    @Test("JSON is escaped")
    func json() {
        let text = JSONText.object([
            ("a\"b", .array([.string("\\\n\u{1}ü"), .number(-1), .bool(true), .null])), ("c", .verbatim("{}")),
        ])
        #expect(text.text == #"{"a\"b":["\\\n\u0001ü",-1,true,null],"c":{}}"#)
    }
}
