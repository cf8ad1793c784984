enum RPCCode: Int { case invalidArgument = 3; case `internal` = 13; case unavailable = 14 }
struct RPCStatus { 
  var code: RPCCode; var message: String; var retryDelay: Duration?
  init(code: RPCCode, message: String, retryDelay: Duration? = nil) { self.code = code; self.message = message; self.retryDelay = retryDelay }
  func encodeProtobuf() -> [UInt8] { [8, UInt8(code.rawValue), 18, UInt8(message.utf8.count)] + Array(message.utf8) }
  func encodeJSON() -> [UInt8] { Array("{\"code\":\(code.rawValue),\"message\":\"\(message)\"}".utf8) }
}
struct ExportResponse { func encodeProtobuf() -> [UInt8] { [] }; func encodeJSON() -> [UInt8] { Array("{}".utf8) } }
