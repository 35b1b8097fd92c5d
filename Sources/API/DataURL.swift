import Foundation

/// A file inside an address: RFC 2397, in base64 only.
struct DataURL: Equatable {
    /// Why a text is none.
    enum Refusal: Error, Equatable {
        /// There is no comma, or no `;base64` before it.
        case notBase64
        /// Neither a picture nor a video, nor `application/octet-stream`.
        case mediaType
        /// What follows the comma is not base64 with its padding, or nothing.
        case malformed

        /// For people.
        var message: String {
            switch self {
            case .notBase64: "A data URL begins as in data:image/png;base64, with the file in base64 behind it."
            case .mediaType: "The type of a data URL must be image/*, video/* or application/octet-stream."
            case .malformed: "What follows the comma of a data URL must be base64 (RFC 4648) with its padding."
            }
        }
    }

    let bytes: [UInt8]

    /// Whether a text is meant to be one.
    static func isMeant(_ text: String) -> Bool {
        text.prefix(5).lowercased() == "data:"
    }

    /// Reads a text; the type is judged by its form alone, for the content says what a file is.
    init(_ text: String) throws(Refusal) {
        let marker = ";base64"
        guard Self.isMeant(text), let comma = text.utf8.firstIndex(of: UInt8(ascii: ",")) else { throw .notBase64 }
        let type = text[text.index(text.startIndex, offsetBy: 5)..<comma]
        guard type.lowercased().hasSuffix(marker) else { throw .notBase64 }
        guard ParameterizedValue(type.utf8.dropLast(marker.utf8.count))?.isMedia == true else { throw .mediaType }
        let encoded = text[text.utf8.index(after: comma)...]
        guard let data = Data(base64Encoded: Data(encoded.utf8)), !data.isEmpty else { throw .malformed }
        bytes = Array(data)
    }
}
