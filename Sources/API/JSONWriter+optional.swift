import Tasks

/// What more than one body contains, and what may be missing.
extension JSONWriter {
    /// Writes `null` for what is missing.
    mutating func optional<Value>(_ value: Value?, _ write: (inout JSONWriter, Value) -> Void) {
        if let value { write(&self, value) } else { null() }
    }

    mutating func moment(_ moment: Timestamp?) {
        optional(moment) { json, moment in json.moment(moment) }
    }

    /// A code and a message for people.
    mutating func reason(_ reason: (code: String, message: String)?) {
        optional(reason) { json, reason in
            json.object { json in
                json.key("code")
                json.string(reason.code)
                json.key("message")
                json.string(reason.message)
            }
        }
    }

    /// A size in pixels.
    mutating func size(_ width: Int, _ height: Int) {
        object { json in
            json.key("height")
            json.number(height)
            json.key("width")
            json.number(width)
        }
    }
}
