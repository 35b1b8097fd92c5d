import Foundation
import Tasks
import Testing

@testable import Webhooks

struct WebhookSignatureTests {
    @Test("The signature is that of the reference implementations")
    func vector() throws {
        // From the tests of the reference libraries of Standard Webhooks.
        let secret = try #require(WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let headers = WebhookSignature.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            time: Timestamp(milliseconds: 1_614_265_330_000),
            body: Data(#"{"test": 2432232314}"#.utf8),
            secrets: [secret]
        )
        #expect(headers.map(\.name) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
        #expect(headers[1].value == "1614265330")
        #expect(headers[2].value == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("With two secrets there are two signatures")
    func rotation() throws {
        let secrets = [WebhookSecret(), WebhookSecret()]
        let headers = WebhookSignature.headers(
            id: "a", time: Timestamp(milliseconds: 0), body: Data(), secrets: secrets)
        let both = headers[2].value.split(separator: " ")
        #expect(both.count == 2)
        let newest = WebhookSignature.headers(
            id: "a", time: Timestamp(milliseconds: 0), body: Data(), secrets: [secrets[0]])
        #expect(newest[2].value == String(both[0]))
    }

    @Test(
        "What is no secret is none",
        arguments: [
            "", "whsec_", "whsec_short", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_" + Data(repeating: 1, count: 23).base64EncodedString(),
            "whsec_" + Data(repeating: 1, count: 65).base64EncodedString(),
        ]
    )
    func noSecret(_ text: String) {
        #expect(WebhookSecret(text) == nil)
    }

    @Test("A secret is read back, and never shown")
    func secret() throws {
        let secret = WebhookSecret()
        #expect(WebhookSecret(secret.text) == secret)
        #expect(WebhookSecret() != secret)
        #expect(!"\(secret)".contains(secret.text.dropFirst(6)))
    }
}
