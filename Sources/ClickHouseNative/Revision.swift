/// Revisions of the native protocol, by what each brought. Both sides use the lower of the two they announced.
package enum Revision {
    /// What this client announces: it implements everything up to here and nothing beyond.
    package static let client: UInt64 = 54460

    package static let clientInfo: UInt64 = 54032
    package static let timezone: UInt64 = 54058
    package static let quotaKeyInClientInfo: UInt64 = 54060
    package static let displayName: UInt64 = 54372
    package static let versionPatch: UInt64 = 54401
    package static let lowCardinality: UInt64 = 54405
    package static let writtenRowsInProgress: UInt64 = 54420
    package static let settingsAsStrings: UInt64 = 54429
    package static let interserverSecret: UInt64 = 54441
    package static let traceContext: UInt64 = 54442
    package static let distributedDepth: UInt64 = 54448
    package static let queryStartTime: UInt64 = 54449
    package static let parallelReplicas: UInt64 = 54453
    package static let customSerialization: UInt64 = 54454
    package static let addendum: UInt64 = 54458
    package static let queryParameters: UInt64 = 54459
    package static let elapsedInProgress: UInt64 = 54460
}
