import Synchronization

/// Sets damaged files and regions aside in `quarantine/`, within limits; what does not go there is counted all the
/// same.
final class Quarantine: Sendable {
    private static let filesMax = 256

    private let fileSystem: any FileSystem
    private let configuration: DiskLogConfiguration
    /// Files there, and their bytes; nil until somebody has looked.
    private let counts = Mutex<(files: Int, bytes: Int)?>(nil)

    init(fileSystem: any FileSystem, configuration: DiskLogConfiguration) {
        self.fileSystem = fileSystem
        self.configuration = configuration
    }

    private var directory: String { "\(configuration.directory)/quarantine" }

    /// What is there, of this opening and of earlier ones. What operators remove is noticed at the next start.
    var content: (files: Int, bytes: Int) {
        counts.withLock { counts in
            if let counts { return counts }
            let names = (try? fileSystem.list(directory)) ?? []
            let bytes = names.reduce(0) { $0 + ((try? fileSystem.open("\(directory)/\($1)", .read).byteCount()) ?? 0) }
            counts = (names.count, bytes)
            return (names.count, bytes)
        }
    }

    private func added() { counts.withLock { $0 = nil } }

    /// Moves a file of the log's directory.
    func setAside(file name: String) {
        let path = "\(configuration.directory)/\(name)"
        do {
            try fileSystem.makeDirectory(directory, permissions: configuration.directoryPermissions)
            try fileSystem.rename(path, to: "\(directory)/\(name)")
            added()
        } catch {
            // It stays where it is, unread, and is found again at the next start.
        }
    }

    /// Copies a region of a segment's file.
    func copy(_ offsets: Range<Int>, of segment: Segment) {
        guard !offsets.isEmpty else { return }
        do {
            try fileSystem.makeDirectory(directory, permissions: configuration.directoryPermissions)
            guard try fileSystem.list(directory).count < Quarantine.filesMax else { return }
            let bytes = try fileSystem.open("\(configuration.directory)/\(segment.fileName)", .read).read(offsets)
            let copy = try fileSystem.open("\(directory)/\(segment.fileName).\(offsets.lowerBound)", .create)
            try copy.writeAll(bytes, at: 0)
            added()
        } catch {
            // The copy is for people to look at; the loss is counted without it.
        }
    }
}
