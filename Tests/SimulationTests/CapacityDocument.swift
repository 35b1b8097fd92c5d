import Foundation

/// What `docs/capacity.md` says, to be compared with what the commands say.
struct CapacityDocument {
    static let repository = #filePath.components(separatedBy: "/Tests/")[0]

    let text: String

    init() throws {
        text = try String(contentsOfFile: Self.repository + "/docs/capacity.md", encoding: .utf8)
    }

    static func example(_ name: String) -> String { "\(repository)/docs/examples/simulate/\(name).yaml" }
}
