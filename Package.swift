// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every target: warnings are errors, raw memory access says `unsafe`.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func cLibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/CLibraries/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings)
}

/// Test doubles and helpers that several test targets share.
func testSupport(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/Support/\(name)", swiftSettings: settings)
}

func unitTests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/Unit/\(name)", swiftSettings: settings)
}

let package = Package(
    name: "otelcol-swift",
    products: [
        .executable(name: "otelcol", targets: ["otelcol"]),
        .executable(name: "otelgen", targets: ["otelgen"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // System libraries: each has one owner target, and no C type crosses that target's edge.
        cLibrary("CNGHTTP2", pkgConfig: "libnghttp2", apt: "libnghttp2-dev"),
        cLibrary("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        cLibrary("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev"),
        cLibrary("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        cLibrary("CLZ4", pkgConfig: "liblz4", apt: "liblz4-dev"),
        cLibrary("CProtobufC", pkgConfig: "libprotobuf-c", apt: "libprotobuf-c-dev"),
        cLibrary("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        .systemLibrary(name: "CMalloc", path: "Sources/CLibraries/CMalloc"),
        .systemLibrary(name: "CFallocate", path: "Sources/CLibraries/CFallocate"),
        .target(name: "CRE2", path: "Sources/CLibraries/CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CCurl", path: "Sources/CLibraries/CCurl"),
        .target(name: "CChecksum", path: "Sources/CLibraries/CChecksum"),
        .target(
            name: "CRPCMessages", dependencies: ["CProtobufC"], path: "Sources/CLibraries/CRPCMessages",
            exclude: ["rpc_messages.proto"]),

        // Engines: bytes and protocol words only.
        module("Compression", ["CDeflate", "CZstd", "CLZ4", "CChecksum"]),
        module("RegularExpression", ["CRE2"]),
        module("OTLP", ["CRPCMessages", "CProtobufC", "COpenSSL", "RegularExpression"]),
        module("WriteAheadLog", ["Compression"]),
        module("ClickHouseNative", ["Compression"]),
        module("Transport", nio + ["CNGHTTP2", "COpenSSL"]),
        module("HTTPClient", ["CCurl"]),
        module("TelemetryGenerator", ["OTLP"]),

        // Contracts, and what is built on them.
        module("Component", ["OTLP", "WriteAheadLog", "CMalloc", logging]),
        module("SendingQueue", ["Component", "OTLP", "WriteAheadLog", logging]),
        module("Receivers", nio + ["Component", "OTLP", "Compression", "Transport", logging]),
        module("Processors", ["Component", "OTLP", "RegularExpression", logging]),
        module(
            "Exporters",
            [
                "Component", "OTLP", "WriteAheadLog", "ClickHouseNative", "Compression", "HTTPClient", "Transport",
                "CFallocate", logging,
            ]),
        module("Extensions", ["Component", "WriteAheadLog", "Transport", logging]),
        module(
            "Collector",
            ["Component", "OTLP", "WriteAheadLog", "SendingQueue", "Transport", "CYAML", "CMalloc", logging]),
        .executableTarget(
            name: "otelcol",
            dependencies: [
                "Collector", "Component", "OTLP", "Receivers", "Processors", "Exporters", "Extensions", argumentParser,
                logging,
            ],
            path: "Sources/otelcol", swiftSettings: settings),
        .executableTarget(
            name: "otelgen",
            dependencies: ["TelemetryGenerator", "OTLP", "Compression", "HTTPClient", argumentParser],
            path: "Sources/otelgen", swiftSettings: settings),

        // Tests.
        .target(
            name: "COTLPMessages", dependencies: ["CProtobufC"], path: "Tests/Support/COTLPMessages",
            exclude: ["otlp_messages.proto"]),
        .target(name: "CChildProcess", path: "Tests/Support/CChildProcess"),
        testSupport("TestSupport", ["OTLP", "CChildProcess"]),
        testSupport("SocketTestSupport", ["TestSupport"]),
        testSupport("HTTPTestServer"),
        testSupport("LogTestSupport", ["WriteAheadLog"]),
        .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter"),
        testSupport(
            "HotPaths",
            [
                "CAllocationCounter", "ClickHouseNative", "Compression", "Exporters", "OTLP", "RegularExpression",
                "TelemetryGenerator", "Transport", "WriteAheadLog",
            ]),
        unitTests("AllocationTests", ["HotPaths"]),
        unitTests("CompressionTests", ["Compression", "CChecksum"]),
        unitTests("RegularExpressionTests", ["RegularExpression"]),
        unitTests(
            "OTLPTests",
            ["OTLP", "RegularExpression", "TelemetryGenerator", "TestSupport", "COTLPMessages", "CProtobufC"]),
        unitTests("WriteAheadLogTests", ["WriteAheadLog", "LogTestSupport", "TestSupport"]),
        unitTests("TransportTests", ["Transport", "SocketTestSupport", "TestSupport"]),
        unitTests("HTTPClientTests", ["HTTPClient", "HTTPTestServer", "TestSupport"]),
        unitTests("TelemetryGeneratorTests", ["TelemetryGenerator", "OTLP"]),
        unitTests("OtelgenTests", ["otelgen"]),
        unitTests("SendingQueueTests", ["SendingQueue", "Component", "OTLP", "WriteAheadLog", logging]),
        unitTests(
            "ProcessorsTests", ["Processors", "Component", "OTLP", "RegularExpression", "TestSupport", logging]),
        unitTests(
            "ReceiversTests",
            ["Receivers", "Component", "OTLP", "Compression", "Transport", "SocketTestSupport", "TestSupport", logging]),
        unitTests(
            "ExportersTests",
            [
                "Exporters", "Component", "OTLP", "WriteAheadLog", "Compression", "HTTPClient", "HTTPTestServer",
                "ClickHouseNative", "TestSupport", logging,
            ]),
        unitTests("ClickHouseNativeTests", ["ClickHouseNative", "Compression", "TestSupport"]),
        unitTests("ExtensionsTests", ["Extensions", "LogTestSupport", "Component", "WriteAheadLog", logging]),
        unitTests("ComponentTests", ["Component", logging]),
        unitTests(
            "CollectorTests",
            ["Collector", "Component", "OTLP", "WriteAheadLog", "SendingQueue", "TestSupport", logging]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["otelcol", "otelgen", "TelemetryGenerator", "TestSupport", "HTTPTestServer"],
            path: "Tests/Integration/CollectorTests", swiftSettings: settings),
        .testTarget(
            name: "ClickHouseTests",
            dependencies: [
                "otelcol", "Exporters", "ClickHouseNative", "Component", "OTLP", "WriteAheadLog", "Compression",
                "HTTPClient", "TelemetryGenerator", "TestSupport", "Transport", "SocketTestSupport", logging,
            ],
            path: "Tests/Integration/ClickHouseTests", swiftSettings: settings),
        // With the real process, and real disks that fill up and fail.
        .testTarget(
            name: "DurabilityTests", dependencies: ["otelcol", "TestSupport"],
            path: "Tests/Integration/DurabilityTests", swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)

// Benchmarks: see docs/performance.md.
if Context.environment["OTELCOL_BENCHMARKS"] != nil {
    package.targets += [
        .executableTarget(
            name: "WriteAheadLogBenchmark", dependencies: ["WriteAheadLog"],
            path: "Tests/Benchmarks/WriteAheadLogBenchmark", swiftSettings: settings),
        .executableTarget(
            name: "MicroBenchmark", dependencies: ["HotPaths"], path: "Tests/Benchmarks/MicroBenchmark",
            swiftSettings: settings),
    ]
}

// Fuzzers need the sanitizer's runtime as their main program, so they join on demand: see docs/testing.md.
if Context.environment["OTELCOL_FUZZ"] != nil {
    package.targets += ["OTLPWire", "OTLPJSON"].map { name in
        .executableTarget(
            name: "\(name)Fuzzer", dependencies: ["OTLP", "TestSupport"], path: "Tests/Fuzz/\(name)",
            exclude: ["Corpus"],
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
    }
}
