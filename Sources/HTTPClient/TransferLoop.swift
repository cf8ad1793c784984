import CCurl
import Glibc
import Synchronization

typealias TransferContinuation = CheckedContinuation<Result<HTTPClientResponse, HTTPClientError>, Never>

/// Names one request, also before it is started.
final class TransferTicket: Sendable {
    let isCancelled = Atomic(false)
}

/// The thread that drives all transfers of a client with libcurl's multi interface.
///
/// Other threads only leave commands and wake it; every other call into libcurl is made by the loop's thread.
@safe
final class TransferLoop: Sendable {
    private enum Command {
        case start(HTTPClientRequest, TransferTicket, TransferContinuation)
        case cancel(TransferTicket)
    }

    private struct State {
        var commands: [Command] = []
        /// No more commands are taken.
        var isStopping = false
        /// Nil once somebody waits, or waited, for its end.
        var thread: pthread_t?
    }

    private let configuration: HTTPClientConfiguration
    private let state = Mutex(State())
    /// Freed by the thread after `isStopping` was set, under the lock that guards each wake-up.
    private nonisolated(unsafe) let multi: UnsafeMutableRawPointer
    private static let pollMillisecondsMax: Int32 = 60_000

    init(configuration: HTTPClientConfiguration) throws(HTTPClientError) {
        guard libraryIsReady, let multi = unsafe curl_multi_init() else {
            throw HTTPClientError(.invalidRequest, "libcurl is missing or could not be initialized")
        }
        self.configuration = configuration
        unsafe self.multi = unsafe multi
        if configuration.idleConnectionsMax > 0 {
            unsafe CCurl_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, configuration.idleConnectionsMax)
        }
        if configuration.connectionsPerHostMax > 0 {
            unsafe CCurl_multi_setopt_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.connectionsPerHostMax)
        }
        if !configuration.multiplexes { unsafe CCurl_multi_setopt_long(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<TransferLoop>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        guard result == 0 else {
            unsafe Unmanaged<TransferLoop>.fromOpaque(context).release()
            unsafe curl_multi_cleanup(multi)
            throw HTTPClientError(.invalidRequest, "no thread for the HTTP client: error \(result)")
        }
        let started = thread
        state.withLock { $0.thread = started }
    }

    // MARK: From any thread

    func start(_ request: HTTPClientRequest, ticket: TransferTicket, continuation: TransferContinuation) {
        let isTaken = leave(.start(request, ticket, continuation))
        if !isTaken { continuation.resume(returning: .failure(shutDownError)) }
    }

    func cancel(_ ticket: TransferTicket) {
        // First the mark, then the command: a start that is handled in between sees one or the other.
        ticket.isCancelled.store(true, ordering: .sequentiallyConsistent)
        _ = leave(.cancel(ticket))
    }

    func shutdown() {
        let thread = state.withLock { state in
            if !state.isStopping {
                state.isStopping = true
                unsafe curl_multi_wakeup(multi)
            }
            return state.thread.take()
        }
        if let thread { pthread_join(thread, nil) }
    }

    private func leave(_ command: Command) -> Bool {
        state.withLock { state in
            guard !state.isStopping else { return false }
            state.commands.append(command)
            unsafe curl_multi_wakeup(multi)
            return true
        }
    }

    // MARK: On the loop's thread

    private func run() {
        // Signals belong to the program's other threads; and a write to a closed connection must not end it (SIGPIPE).
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)

        let cookies = configuration.keepsCookies ? unsafe makeCookieShare() : nil
        var transfers: [ObjectIdentifier: Transfer] = [:]
        while true {
            let (commands, isStopping) = state.withLock { ($0.commands.takeAll(), $0.isStopping) }
            for command in commands {
                switch command {
                case .start(let request, let ticket, let continuation):
                    unsafe begin(request, ticket, continuation, cookies: cookies, in: &transfers)
                case .cancel(let ticket):
                    let cancelled = transfers.removeValue(forKey: ObjectIdentifier(ticket))
                    unsafe cancelled?.end(multi: multi, .failure(cancelledError))
                }
            }
            if isStopping { break }
            var runningCount: Int32 = 0
            unsafe curl_multi_perform(multi, &runningCount)
            finishDone(&transfers)
            unsafe curl_multi_poll(multi, nil, 0, Self.pollMillisecondsMax, nil)
        }
        for transfer in transfers.values { unsafe transfer.end(multi: multi, .failure(shutDownError)) }
        unsafe curl_multi_cleanup(multi)
        if let cookies = unsafe cookies { unsafe curl_share_cleanup(cookies) }
    }

    private func begin(
        _ request: HTTPClientRequest, _ ticket: TransferTicket, _ continuation: TransferContinuation,
        cookies: UnsafeMutableRawPointer?, in transfers: inout [ObjectIdentifier: Transfer]
    ) {
        guard !ticket.isCancelled.load(ordering: .sequentiallyConsistent) else {
            return continuation.resume(returning: .failure(cancelledError))
        }
        let transfer = Transfer(request: request, ticket: ticket, continuation: continuation)
        do {
            try unsafe transfer.begin(multi: multi, configuration, cookies: cookies)
            transfers[ObjectIdentifier(ticket)] = transfer
        } catch {
            continuation.resume(returning: .failure(error))
        }
    }

    private func finishDone(_ transfers: inout [ObjectIdentifier: Transfer]) {
        var waitingCount: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &waitingCount) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            let code = unsafe message.pointee.data.result
            guard let transfer = unsafe Transfer.of(easy: message.pointee.easy_handle) else { continue }
            if unsafe transfer.beginAgain(multi: multi, after: code) { continue }
            transfers.removeValue(forKey: ObjectIdentifier(transfer.ticket))
            unsafe transfer.end(multi: multi, transfer.result(code))
        }
    }

    /// One cookie jar for all transfers. It needs no lock: one thread uses it.
    private func makeCookieShare() -> UnsafeMutableRawPointer? {
        guard let share = unsafe curl_share_init() else { return nil }
        unsafe CCurl_share_setopt_data(UnsafeMutableRawPointer(share), CURL_LOCK_DATA_COOKIE)
        return unsafe UnsafeMutableRawPointer(share)
    }
}

private let libraryIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
private let cancelledError = HTTPClientError(.cancelled, "the request was cancelled")
private let shutDownError = HTTPClientError(.cancelled, "the HTTP client is shut down")

extension Array {
    fileprivate mutating func takeAll() -> [Element] {
        defer { self = [] }
        return self
    }
}
