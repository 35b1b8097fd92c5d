import Foundation
import Tasks
import Testing

@testable import API

struct MediaSourceTests {
    private func read(_ value: JSONValue, _ policy: CallbackPolicy = CallbackPolicy()) throws -> MediaSource {
        try MediaSource(value, "start_image", urls: policy)
    }

    @Test("The id of an upload, a data URL and an address are told apart")
    func kinds() throws {
        let hex = String(repeating: "0a", count: 32)
        #expect(try read(.string(hex)) == .upload(try #require(MediaID(hex))))
        #expect(try read(.string("data:image/png;base64,iVBORw==")) == .data([0x89, 0x50, 0x4E, 0x47]))
        let url = "https://example.org/cat.png?size=1"
        #expect(try read(.string(url)) == .address(try CallbackURL(url, policy: CallbackPolicy())))
    }

    @Test(
        "A data URL may name every type of media, in any case, with parameters",
        arguments: [
            "data:image/png;base64,", "DATA:Image/PNG;BASE64,", "data:video/mp4;codecs=avc1;base64,",
            "data:application/octet-stream;base64,",
        ]
    )
    func dataURL(_ start: String) throws {
        #expect(try DataURL(start + "AAEC").bytes == [0, 1, 2])
    }

    @Test(
        "A data URL that is none is refused with the reason",
        arguments: [
            ("data:", .notBase64), ("data:image/png", .notBase64), ("data:image/png,AAEC", .notBase64),
            ("data:image/png;base64", .notBase64), ("data:image/png;base32,AAEC", .notBase64),
            ("data:;base64,AAEC", .mediaType), ("data:text/plain;base64,AAEC", .mediaType),
            ("data:image;base64,AAEC", .mediaType), ("data:image/svg+xml x;base64,AAEC", .mediaType),
            ("data:image/png;base64,", .malformed), ("data:image/png;base64,A", .malformed),
            ("data:image/png;base64,AAE", .malformed), ("data:image/png;base64,AA-_", .malformed),
            ("data:image/png;base64,AA EC", .malformed), ("data:image/png;base64,AAEC\n", .malformed),
            ("data:image/png;base64,AAEC,AAEC", .malformed), ("data:image/png;base64,猫猫猫猫", .malformed),
        ] as [(String, DataURL.Refusal)]
    )
    func notADataURL(_ text: String, _ refusal: DataURL.Refusal) throws {
        #expect(throws: refusal) { try DataURL(text) }
        let fault = #expect(throws: FieldFault.self) { try read(.string(text)) }
        #expect(fault?.code == .notAllowed)
        #expect(fault?.message == "start_image: \(refusal.message)")
    }

    @Test(
        "What is no source is refused without being shown",
        arguments: [
            (.string(""), .notAllowed), (.string("cat.png"), .notAllowed), (.string("/etc/passwd"), .notAllowed),
            (.string("file:///etc/passwd"), .notAllowed), (.string("http://example.org/a.png"), .notAllowed),
            (.string("https://127.0.0.1/a.png"), .notAllowed), (.string("https://a@example.org/"), .notAllowed),
            (.string(String(repeating: "0A", count: 32)), .notAllowed),
            (.string(String(repeating: "0", count: 63)), .notAllowed), (.integer(7), .wrongType),
            (.object([]), .wrongType), (.array([.string("a")]), .wrongType), (.bool(true), .wrongType),
        ] as [(JSONValue, Violation.Code)]
    )
    func refused(_ value: JSONValue, _ code: Violation.Code) throws {
        let fault = #expect(throws: FieldFault.self) { try read(value) }
        #expect(fault?.code == code)
        #expect(fault?.message.contains("passwd") == false)
    }

    @Test("Which addresses count is the operator's choice")
    func policy() throws {
        let network = try #require(IPNetwork("127.0.0.0/8"))
        let policy = CallbackPolicy(allowsHTTP: true, allowedNetworks: [network])
        let url = "http://127.0.0.1:8080/a.png"
        #expect(try read(.string(url), policy) == .address(CallbackURL(url, policy: policy)))
    }
}
