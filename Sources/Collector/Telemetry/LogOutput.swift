internal import Glibc
internal import Synchronization

/// One descriptor that log lines go to. A reader that stalls costs lines, not the program's time.
final class LogOutput: Sendable {
    private struct State {
        /// Whether the last line could not be written in time.
        var isStalled = false
        var droppedLines = 0
    }

    /// How long a line waits for a descriptor that takes nothing.
    private static let patienceMilliseconds: Int32 = 100
    /// A pipe that polls as writable takes this much without blocking (`PIPE_BUF`).
    private static let chunkBytes = 4096

    private let descriptor: Int32
    private let isOwned: Bool
    private let state = Mutex(State())

    /// - Parameter isOwned: whether the descriptor is closed with this object.
    init(descriptor: Int32, isOwned: Bool) {
        self.descriptor = descriptor
        self.isOwned = isOwned
    }

    /// `stderr`, `stdout`, or a file that lines are appended to: its path or its `file:` URL.
    ///
    /// - Returns: nil when the file cannot be opened; `errno` says why.
    convenience init?(path: String) {
        switch path {
        case "stderr": self.init(descriptor: STDERR_FILENO, isOwned: false)
        case "stdout": self.init(descriptor: STDOUT_FILENO, isOwned: false)
        default:
            let name = path.hasPrefix("file://") ? String(path.dropFirst(7)) : path
            let descriptor = unsafe open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { return nil }
            self.init(descriptor: descriptor, isOwned: true)
        }
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Lines that a stalled reader cost since the last line that was written.
    var droppedLines: Int { state.withLock { $0.droppedLines } }

    /// Writes `line`, which ends in a line break, with one system call where it is short enough for that.
    func write(_ line: [UInt8]) {
        state.withLock { state in
            var text = line
            if state.droppedLines > 0 {
                text = Array("\(state.droppedLines) log lines were dropped: the output was not read\n".utf8) + line
            }
            let isWritten = writeAll(text, patience: state.isStalled ? 0 : Self.patienceMilliseconds)
            state.isStalled = !isWritten
            state.droppedLines = isWritten ? 0 : state.droppedLines + 1
        }
    }

    /// False when nothing was written for as long as `patience`, in milliseconds, or the descriptor is broken.
    private func writeAll(_ text: [UInt8], patience: Int32) -> Bool {
        var written = 0
        while written < text.count {
            var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let ready = unsafe poll(&poller, 1, patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return false }
            let end = min(text.count, written + Self.chunkBytes)
            let count = unsafe text.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress! + written, end - written)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
