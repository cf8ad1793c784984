import Component
import Foundation
import Testing

@testable import Collector

/// Guarantees: sources are merged in otelcol's order and by its rules, and `${…}` becomes what it becomes there.
@Suite struct ConfigurationResolverTests {
    private static let environment = [
        "PORT": "8888", "EMPTY": "", "BOOL": "true", "LIST": "[a, b]", "MAP": "{k: 1}", "TEXT": "hello",
        "OCTAL": "0123", "YES": "yes", "QUOTED": "\"q\"", "BROKEN": "[not a list", "REFERENCE": "${PORT}",
        "NAME_OF": "PORT", "LOOP": "x${LOOP}", "SELF": "${SELF}", "DOLLARS": "a$$b", "FLOAT": "1.50",
    ]

    @Test(
        "references take the type of their value",
        arguments: [
            ("${env:PORT}", "8888"), ("${PORT}", "8888"), ("${env:BOOL}", "true"), ("${env:LIST}", "[\"a\", \"b\"]"),
            ("${env:MAP}", "{k: 1}"), ("${env:TEXT}", "\"hello\""), ("${env:OCTAL}", "83"), ("${YES}", "\"yes\""),
            ("${QUOTED}", "\"\"q\"\""), ("${BROKEN}", "\"[not a list\""), ("${EMPTY}", "null"), ("${UNSET}", "null"),
            ("${UNSET:-7}", "7"), ("${env:UNSET:-x:y}", "\"x:y\""), ("${EMPTY:-7}", "null"), ("${UNSET:-}", "null"),
            ("x${PORT}", "\"x8888\""), ("${TEXT}-${PORT}", "\"hello-8888\""), ("0.0.0.0:${PORT}", "\"0.0.0.0:8888\""),
            ("x${UNSET}y", "\"xy\""), ("<${MAP}>", "\"<{k: 1}>\""),
            ("${REFERENCE}", "8888"), ("${env:${NAME_OF}}", "8888"), ("${${NAME_OF}}", "8888"),
            ("${UNSET:-${PORT}}", "8888"), ("${yaml:[1, x]}", "[1, \"x\"]"),
            ("$PORT", "\"$PORT\""), ("$", "\"$\""), ("$$", "\"$\""), ("$$$$", "\"$$\""), ("$$1", "\"$1\""),
            ("$${PORT}", "\"${PORT}\""), ("$$${PORT}", "\"$8888\""), ("$$$${PORT}", "\"$${PORT}\""),
            ("$${PORT} ${PORT}", "\"${PORT} 8888\""), ("${PORT", "\"${PORT\""), ("a}b${PORT}", "\"a}b8888\""),
            ("${DOLLARS}", "\"a$b\""), ("{}", "\"{}\""),
        ])
    func expansions(text: String, expected: String) throws {
        #expect(try rendered(value(text).node) == expected)
    }

    @Test("keys are not expanded; values in lists and maps are") func keys() throws {
        let tree = try resolved([.uri("yaml:{'${PORT}': ['${PORT}', {a: '${TEXT}'}]}")], Self.environment)
        #expect(rendered(tree.root) == "{${PORT}: [8888, {a: \"hello\"}]}")
    }

    @Test(
        "a text key takes the variable's own text",
        arguments: [
            ("${OCTAL}", "0123"), ("${YES}", "yes"), ("${BOOL}", "true"), ("${FLOAT}", "1.50"), ("${UNSET}", ""),
            ("${MAP}", "{k: 1}"), ("${QUOTED}", "\"q\""),
        ])
    func originalText(text: String, expected: String) throws {
        var map = try ConfigMap(try resolved([.uri("yaml:{a: '\(text)'}")], Self.environment).root, path: "")
        #expect(try map.take("a", default: "default") == expected)
    }

    @Test("an unset variable is no number") func unsetNumber() throws {
        var map = try ConfigMap(try resolved([.uri("yaml:{a: '${UNSET}'}")]).root, path: "")
        #expect(try map.take("a", default: 5) == 5)
    }

    @Test(
        "references that cannot be followed say where they stand",
        arguments: [
            ("${LOOP}", "c.yaml:1:4 (${env:LOOP}): too many recursive expansions"),
            ("${SELF}", "c.yaml:1:4 (${env:SELF}): too many recursive expansions"),
            ("${s3:x}", "c.yaml:1:4: expanding ${s3:x}: scheme \"s3\" is not supported for uri \"s3:x\""),
            (
                "${env:A B}",
                "c.yaml:1:4: expanding ${env:A B}: environment variable \"A B\" has invalid name: "
                    + "must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$"
            ),
            ("${env:A$B}", "c.yaml:1:4: the uri \"env:A$B\" contains unsupported characters ('$')"),
            (
                "${https://x/y}",
                "c.yaml:1:4: expanding ${https://x/y}: https: configurations are not fetched over the network; "
                    + "save the document and name the file"
            ),
        ])
    func failures(text: String, expected: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("c.yaml", "a: \(text)\n")
        let message = failure { try resolved([.uri(path)], Self.environment) }
        #expect(message?.replacingOccurrences(of: "\(directory.path)/", with: "") == expected)
    }

    @Test("an error in an expanded value names the variable, not its default") func origin() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("c.yaml", "a:\n  port: ${env:TEXT:-secret}\n")
        let root = try resolved([.uri(path)], Self.environment).root
        let message = failure {
            var map = try ConfigMap(root, path: "")
            var inner = try ConfigMap(map.takeNode("a") ?? root, path: "a")
            return try inner.take("port", default: 1)
        }
        #expect(
            message == "\(path):2:9 (${env:TEXT}): a::port: expected type 'int', got unconvertible type 'string', "
                + "value: 'hello'")
    }

    @Test("unset and empty variables are told of once") func notices() throws {
        let tree = try resolved([.uri("yaml:{a: '${UNSET}', b: '${EMPTY}', c: '${UNSET:-x}'}")], Self.environment)
        #expect(
            tree.notices.map(\.description) == [
                "Configuration references unset environment variable name=UNSET position=yaml:…:1:5",
                "Configuration references empty environment variable name=EMPTY position=yaml:…:1:20",
            ])
        #expect(tree.notices.map(\.level) == [.warning, .info])
    }

    @Test("files are embedded, and files that embed themselves end") func files() throws {
        let directory = try TemporaryDirectory()
        let inner = try directory.write("inner.yaml", "k: ${PORT}\nl: [1]\n")
        let secret = try directory.write("token", "abc123\n")
        let endless = try directory.write("endless.yaml", "a: ${file:\(directory.path)/endless.yaml}\n")
        let tree = try resolved(
            [.uri("yaml:{a: '${file:\(inner)}', b: 'x-${file:\(secret)}'}")], Self.environment)
        #expect(rendered(tree.root) == "{a: {k: 8888, l: [1]}, b: \"x-abc123\"}")
        #expect(failure { try resolved([.uri(endless)]) }?.contains("more than 200 lists and maps") == true)
        let twice = try directory.write(
            "twice.yaml", "a: ${file:\(directory.path)/twice.yaml}\nb: ${file:\(directory.path)/twice.yaml}\n")
        #expect(failure { try resolved([.uri(twice)]) } != nil)
        let missing = failure { try resolved([.uri("yaml:{a: '${file:/nope}'}")]) }
        #expect(missing?.contains("open /nope: no such file or directory") == true)
        let broken = try directory.write("broken.yaml", "a: [\n")
        #expect(failure { try resolved([.uri("yaml:{a: '${file:\(broken)}'}")]) }?.hasPrefix(broken + ":2:1") == true)
    }

    @Test(
        "later sources go on top",
        arguments: [
            (["{a: 1, b: {c: 1, d: 2}}", "{b: {c: 3}}"], "{a: 1, b: {c: 3, d: 2}}"),
            (["{a: [1, 2]}", "{a: [3]}"], "{a: [3]}"), (["{a: {b: 1}}", "{a: null}"], "{a: null}"),
            (["{a: null}", "{a: {b: 1}}"], "{a: {b: 1}}"), (["{a: {b: 1}}", "{a: x}"], "{a: \"x\"}"),
            (["{a: 1}", ""], "{a: 1}"), (["", "{a: 1}"], "{a: 1}"),
            (["{a::b::c: 1, a: {b: {d: 2}}}"], "{a: {b: {d: 2, c: 1}}}"),
            (["{a: {b: 1}}", "a::b: 2"], "{a: {b: 2}}"), (["{a: {x::y: 1}}"], "{a: {x: {y: 1}}}"),
            (["{a: [{x::y: 1}]}"], "{a: [{x::y: 1}]}"), (["{'::': 1, 'a::': 2}"], "{::: 1, a::: 2}"),
        ])
    func merging(documents: [String], expected: String) throws {
        #expect(try rendered(resolved(documents.map { .uri("yaml:\($0)") }).root) == expected)
    }

    @Test("--set comes last, wherever it stands") func assignments() throws {
        let tree = try resolved(
            [
                .set("a.b=7"), .uri("yaml:{a: {b: 1, c: 2}}"), .set("d=[x, 1]"), .set("e.f=k=v"), .set("g=${PORT}"),
                .set("h="),
            ],
            Self.environment)
        #expect(rendered(tree.root) == "{a: {b: 7, c: 2}, d: [\"x\", 1], e: {f: \"k=v\"}, g: 8888, h: null}")
        #expect(failure { try resolved([.uri("yaml:{}"), .set("a.b")]) } == "--set a.b: missing equal sign")
        let nested = String(repeating: "a.", count: 300) + "b=1"
        #expect(failure { try resolved([.uri("yaml:{}"), .set(nested)]) }?.contains("more than 200") == true)
    }

    @Test("sources are files, variables and texts") func sources() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("c.yaml", "a: 1\n")
        #expect(try rendered(resolved([.uri(path)]).root) == "{a: 1}")
        #expect(try rendered(resolved([.uri("file:\(path)")]).root) == "{a: 1}")
        #expect(try rendered(resolved([.uri("env:DOCUMENT")], ["DOCUMENT": "{b: 2}"]).root) == "{b: 2}")
        #expect(failure { try resolved([]) } == "at least one config flag must be provided")
        #expect(failure { try resolved([.set("a=b")]) } == "at least one config flag must be provided")
        #expect(
            failure { try resolved([.uri("c:/x.yaml")]) }
                == "unable to read the file file:c:/x.yaml: open c:/x.yaml: no such file or directory")
        #expect(
            failure { try resolved([.uri("s3:x")]) } == "scheme \"s3\" is not supported for uri \"s3:x\"")
        #expect(
            failure { try resolved([.uri("env:TEXT")], Self.environment) }
                == "env:TEXT:1:1: retrieved value (type=string) cannot be used as a Conf")
    }

    @Test("users' files resolve, whether their variables are set or not", arguments: UserConfigs.names)
    func userConfigs(name: String) throws {
        let tree = try resolved([.uri(UserConfigs.path(name))])
        guard case .map(let sections) = tree.root.value else {
            Issue.record("no map: \(rendered(tree.root))")
            return
        }
        #expect(Set(sections.map(\.key)).isSuperset(of: ["receivers", "processors", "exporters", "service"]))
        #expect(tree.notices.isEmpty)
    }

    @Test("the default of a variable in a user's file holds, and gives way to the variable") func userVariable() throws
    {
        func dsn(_ environment: [String: String]) throws -> String {
            let root = try resolved([.uri(UserConfigs.path("clickstack-local"))], environment).root
            let map = try ConfigMap(root, path: "")
            let node = map.peek("exporters", "otlphttp/uptrace", "headers", "uptrace-dsn")
            return try String.decode(try #require(node), path: "")
        }
        #expect(try dsn([:]) == "http://token@uptrace-2.pne.io?grpc=4317")
        #expect(try dsn(["UPTRACE_DSN": "http://x@y"]) == "http://x@y")
    }

    private func value(_ text: String) throws -> (node: ConfigNode?, notices: [ConfigNotice]) {
        let directory = try TemporaryDirectory()
        let quoted = text.replacingOccurrences(of: "'", with: "''")
        let path = try directory.write("c.yaml", "a: '\(quoted)'\n")
        let tree = try resolved([.uri(path)], Self.environment)
        return (try ConfigMap(tree.root, path: "").peek("a"), tree.notices)
    }
}
