import Tasks

/// Where a request says that a picture or a video is.
enum MediaSource: Equatable, Sendable {
    case upload(MediaID)
    /// The file itself.
    case data([UInt8])
    case address(CallbackURL)

    /// Judges what a client wrote; whether there is such a file is not known here.
    ///
    /// - Parameters:
    ///   - value: what the field holds.
    ///   - field: its name.
    ///   - urls: which addresses may be fetched from.
    /// - Throws: what is wrong with it.
    init(_ value: JSONValue, _ field: String, urls: CallbackPolicy) throws(FieldFault) {
        let text = try value.text(field)
        if let id = MediaID(text) {
            self = .upload(id)
        } else if DataURL.isMeant(text) {
            do throws(DataURL.Refusal) {
                self = .data(try DataURL(text).bytes)
            } catch {
                throw FieldFault(.notAllowed, "\(field): \(error.message)")
            }
        } else if text.contains("://") {
            do throws(CallbackRefusal) {
                self = .address(try CallbackURL(text, policy: urls))
            } catch {
                throw FieldFault(.notAllowed, "\(field): \(error.message)")
            }
        } else {
            throw FieldFault(.notAllowed, "\(field) must be the id of an upload, a data URL or an https address.")
        }
    }
}
