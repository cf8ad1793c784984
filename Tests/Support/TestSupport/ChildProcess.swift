import CChildProcess
package import Foundation
import Glibc
import Synchronization

/// A program that runs beside the tests.
///
/// Foundation's `Process` will not do where many run at once: it learns of a child's end by a descriptor that other
/// children may have inherited, and waits for them one after another. This one has a thread that waits for the process,
/// and hands down three descriptors and no more.
package final class ChildProcess: Sendable {
    /// What a child reads or writes.
    package enum Stream: Sendable {
        case null
        case pipe
        case file(URL)
        /// The test program's own.
        case inherited
    }

    package struct StartFailure: Error, CustomStringConvertible {
        package let description: String
    }

    package let processID: Int32
    /// The test's ends of the pipes; nil where there is none.
    package let input: FileHandle?
    package let output: FileHandle?
    package let errors: FileHandle?
    private let end = End()

    /// Starts `arguments[0]`, a path or a name found in PATH.
    ///
    /// - Parameter environment: variables beside those of the test program.
    package init(
        _ arguments: [String], directory: URL? = nil, environment: [String: String] = [:], input: Stream = .null,
        output: Stream = .pipe, errors: Stream = .inherited
    ) throws {
        let inside = try Ends(input, isRead: true)
        let outside = try Ends(output, isRead: false)
        let beside = try Ends(errors, isRead: false)
        defer { for ends in [inside, outside, beside] { ends.closeChilds() } }
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        processID = try spawn(
            arguments, variables, directory, [inside.childs(0), outside.childs(1), beside.childs(2)])
        (self.input, self.output, self.errors) = (inside.own, outside.own, beside.own)
        Thread.detachNewThread { [processID, end] in end.wait(for: processID) }
    }

    package var hasExited: Bool { end.status != nil }

    /// Nil while it runs. A signal counts as 128 + its number.
    package var status: Int32? { end.status }

    /// Blocks until the process has ended. A signal counts as 128 + its number.
    @discardableResult
    package func waitUntilExit() -> Int32 { end.waitForStatus() }

    /// Nothing for a process that has ended: its number may be another's by now.
    package func signal(_ number: Int32) { end.whileRunning { _ = Glibc.kill(processID, number) } }

    package func kill() { signal(SIGKILL) }
}

/// The end of a process: who reaps it, and who waits for that.
///
/// Unchecked: the status is touched only under the condition's lock.
private final class End: @unchecked Sendable {
    private let condition = NSCondition()
    private var found: Int32?

    var status: Int32? { condition.withLock { found } }

    func wait(for processID: pid_t) {
        var information = unsafe siginfo_t()
        // Left a zombie at first, so that nobody signals a number that is free again.
        while unsafe waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        condition.withLock {
            var word: Int32 = 0
            while unsafe waitpid(processID, &word, 0) < 0, errno == EINTR {}
            let signal = word & 0x7f
            found = signal == 0 ? word >> 8 & 0xff : 128 + signal
            condition.broadcast()
        }
    }

    func waitForStatus() -> Int32 {
        condition.withLock {
            while true {
                if let found { return found }
                condition.wait()
            }
        }
    }

    func whileRunning(_ body: () -> Void) { condition.withLock { if found == nil { body() } } }
}

/// The two ends of one of a child's streams.
private struct Ends {
    let own: FileHandle?
    /// Nil: the test program's own is handed down.
    private let child: Int32?

    init(_ stream: ChildProcess.Stream, isRead: Bool) throws {
        switch stream {
        case .null: (own, child) = (nil, try Self.open("/dev/null", isRead: isRead))
        case .file(let url): (own, child) = (nil, try Self.open(url.path, isRead: isRead))
        case .inherited: (own, child) = (nil, nil)
        case .pipe:
            var descriptors: [Int32] = [0, 0]
            let code = unsafe child_process_pipe(&descriptors)
            guard code == 0 else { throw ChildProcess.StartFailure(description: "pipe: errno \(code)") }
            own = FileHandle(fileDescriptor: descriptors[isRead ? 1 : 0], closeOnDealloc: true)
            child = descriptors[isRead ? 0 : 1]
        }
    }

    private static func open(_ path: String, isRead: Bool) throws -> Int32 {
        let flags = O_CLOEXEC | (isRead ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC)
        let descriptor = unsafe Glibc.open(path, flags, 0o644)
        guard descriptor >= 0 else { throw ChildProcess.StartFailure(description: "\(path): errno \(errno)") }
        return descriptor
    }

    /// The descriptor that becomes the child's `number`.
    func childs(_ number: Int32) -> Int32 { child ?? number }

    func closeChilds() { if let child { close(child) } }
}

/// - Parameter streams: the descriptors that become the child's 0, 1 and 2.
private func spawn(
    _ arguments: [String], _ variables: [String], _ directory: URL?, _ streams: [Int32]
) throws -> pid_t {
    let words = unsafe arguments.map { unsafe strdup($0) } + [nil]
    let settings = unsafe variables.map { unsafe strdup($0) } + [nil]
    defer { unsafe release(words + settings) }
    var processID: pid_t = 0
    let code = unsafe child_process_spawn(&processID, words, settings, directory?.path, streams)
    guard code == 0 else { throw ChildProcess.StartFailure(description: "\(arguments[0]): errno \(code)") }
    return processID
}

private func release(_ texts: [UnsafeMutablePointer<CChar>?]) {
    for index in unsafe texts.indices { unsafe free(texts[index]) }
}
