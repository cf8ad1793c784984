import Synchronization

/// The open files of one `file` exporter, shared by its signals: one file, or one for each group.
final class FileWriters: Sendable {
    private struct State {
        /// Most recently used last.
        var files: [RecordFile] = []
        /// Signals that have started and not stopped.
        var userCount = 0
    }

    let config: FileExporterConfig
    private let settings: RecordFile.Settings
    private let state = Mutex(State())
    /// While one line is written, another is made.
    let lineBuffers = LineBuffers(count: 2)

    init(config: FileExporterConfig) {
        self.config = config
        // A group's file is closed and opened again as `max_open_files` has it, and must not lose what it holds.
        settings = RecordFile.Settings(
            keepsContent: config.append || config.groupBy.enabled, rotation: config.rotation, isLines: config.isLines,
            fsync: config.fsync)
    }

    /// Tests put failures in the place of write(2).
    init(config: FileExporterConfig, write: @escaping RecordFile.Write) {
        self.config = config
        settings = RecordFile.Settings(
            keepsContent: config.append || config.groupBy.enabled, rotation: config.rotation, isLines: config.isLines,
            fsync: config.fsync, write: write)
    }

    /// Opens the file, if it is not one for each group.
    func start() throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            if !config.groupBy.enabled, state.files.isEmpty {
                state.files.append(try RecordFile(path: config.path, settings: settings))
            }
            state.userCount += 1
        }
    }

    /// Appends `record` to the file at `path`. Other records wait meanwhile, so that none interleave.
    func append(_ record: RecordBytes, to path: String) throws(FileError) {
        try state.withLock { (state) throws(FileError) in try file(at: path, in: &state).append(record) }
    }

    /// Syncs and closes the files when the last signal stops.
    func stop() throws(FileError) {
        try state.withLock { (state) throws(FileError) in
            state.userCount -= 1
            guard state.userCount == 0 else { return }
            let files = state.files
            state.files = []
            for file in files { try file.sync() }
        }
    }

    private func file(at path: String, in state: inout State) throws(FileError) -> RecordFile {
        let file: RecordFile
        if let index = state.files.lastIndex(where: { $0.path == path }) {
            file = state.files.remove(at: index)
        } else {
            file = try RecordFile(path: path, settings: settings)
            if config.groupBy.enabled, state.files.count >= config.groupBy.maxOpenFiles {
                try state.files.removeFirst().sync()
            }
        }
        state.files.append(file)
        return file
    }
}

/// Finds the files that another signal, or another exporter, has open already.
final class FileWritersRegistry: Sendable {
    private struct Entry {
        weak var writers: FileWriters?
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// - Throws: when another exporter writes to the same path in another way.
    func writers(for config: FileExporterConfig) throws -> FileWriters {
        try entries.withLock { entries in
            if let writers = entries[config.path]?.writers {
                guard writers.config == config else { throw SharedPathError(path: config.path) }
                return writers
            }
            let writers = FileWriters(config: config)
            entries[config.path] = Entry(writers: writers)
            return writers
        }
    }
}

private struct SharedPathError: Error, CustomStringConvertible {
    let path: String
    var description: String { "another file exporter writes to \(path) with other settings" }
}
