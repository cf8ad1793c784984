import ClickHouseNative

/// What a failed insert means for its rows.
enum InsertVerdict: Sendable, Hashable {
    /// It may succeed later as it is.
    case retry
    /// Only an operator can help.
    case misconfigured
    /// The rows are refused for what they are.
    case payload
}

/// What ClickHouse's error codes mean, as far as this client meets them.
enum ServerErrorCode {
    static let unknownTable: Int32 = 60
    static let unknownDatabase: Int32 = 81
    static let tooManyParts: Int32 = 252

    /// Configuration, rights and schema: the same bytes will be refused until somebody changes something.
    static let misconfigured: Set<Int32> = [
        8,  // THERE_IS_NO_COLUMN
        10,  // NOT_FOUND_COLUMN_IN_BLOCK
        15,  // DUPLICATE_COLUMN
        16,  // NO_SUCH_COLUMN_IN_TABLE
        20,  // NUMBER_OF_COLUMNS_DOESNT_MATCH
        36,  // BAD_ARGUMENTS
        42, 43,  // arguments' number and types
        44,  // ILLEGAL_COLUMN
        46, 47,  // UNKNOWN_FUNCTION, UNKNOWN_IDENTIFIER
        48,  // NOT_IMPLEMENTED
        50,  // UNKNOWN_TYPE
        53,  // TYPE_MISMATCH
        56,  // UNKNOWN_STORAGE
        57,  // TABLE_ALREADY_EXISTS
        unknownTable,
        62,  // SYNTAX_ERROR
        unknownDatabase,
        115,  // UNKNOWN_SETTING
        139,  // NO_ELEMENTS_IN_CONFIG
        164,  // READONLY: the user may not write
        170,  // BAD_GET
        192, 193, 194, 195,  // unknown user, wrong or missing password, address not allowed
        291,  // DATABASE_ACCESS_DENIED
        344,  // SUPPORT_IS_DISABLED
        392,  // QUERY_IS_PROHIBITED
        452,  // SETTING_CONSTRAINT_VIOLATION
        497,  // ACCESS_DENIED
        511,  // UNKNOWN_ROLE
        516,  // AUTHENTICATION_FAILED
        701,  // CLUSTER_DOESNT_EXIST
    ]

    /// Values that cannot be read, converted or stored.
    static let payload: Set<Int32> = [
        6, 26, 27,  // CANNOT_PARSE_…
        33,  // CANNOT_READ_ALL_DATA
        38, 41, 72, 130, 376,  // CANNOT_PARSE_DATE, DATETIME, NUMBER, array, UUID
        69,  // ARGUMENT_OUT_OF_BOUND
        70,  // CANNOT_CONVERT_TYPE
        117,  // INCORRECT_DATA
        128, 131,  // TOO_LARGE_ARRAY_SIZE, TOO_LARGE_STRING_SIZE
        190,  // SIZES_OF_ARRAYS_DONT_MATCH
        321,  // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        407,  // DECIMAL_OVERFLOW
        469,  // VIOLATED_CONSTRAINT
        691,  // UNKNOWN_ELEMENT_OF_ENUM
    ]
}

extension ServerException {
    /// Every code that is not known to be for ever is retried: nothing is lost by waiting. Rows that are refused
    /// again and again while others are taken are narrowed down by the sending queue in any case.
    ///
    /// - Parameter sawData: whether the server had the block already. Before, its words are about the statement.
    func verdict(sawData: Bool) -> InsertVerdict {
        if ServerErrorCode.misconfigured.contains(code) { return .misconfigured }
        if ServerErrorCode.payload.contains(code) { return sawData ? .payload : .misconfigured }
        return .retry
    }

    /// A block with rows of too many partitions, which can be sent in parts; unlike the same code for too many parts.
    var isTooManyPartitions: Bool {
        code == ServerErrorCode.tooManyParts && message.contains("partitions for single INSERT block")
    }

    /// A table, its database or the target of its view is not there.
    var isMissingTable: Bool { code == ServerErrorCode.unknownTable || code == ServerErrorCode.unknownDatabase }
}

/// A failed insert: what it means, and a sentence for people.
struct InsertFailure: Error, Sendable {
    let verdict: InsertVerdict
    let reason: String
    /// The server's error code, or what failed, for the metric.
    let code: String

    /// A smaller insert might have succeeded: the connection was lost, time or memory did not suffice.
    var mayBeForSize: Bool { ["connection", "159", "209", "241"].contains(code) }

    init(verdict: InsertVerdict, reason: String, code: String) {
        self.verdict = verdict
        self.reason = reason
        self.code = code
    }

    /// - Parameters:
    ///   - subject: the table, for the sentence.
    ///   - sawData: as for `ServerException.verdict`.
    init(_ error: ClickHouseError, subject: String, sawData: Bool) {
        reason = "\(subject): \(String("\(error)".prefix(1000)))"
        switch error {
        case .connection:
            verdict = .retry
            code = "connection"
        case .malformed:
            verdict = .retry
            code = "protocol"
        case .server(let exception):
            verdict = exception.verdict(sawData: sawData)
            code = "\(exception.code)"
        case .encoding:
            // The header asks for what cannot be written, or a value does not fit what it asks for.
            verdict = sawData ? .payload : .misconfigured
            code = "encoding"
        }
    }
}
