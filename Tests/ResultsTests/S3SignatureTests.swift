import Foundation
import Testing

@testable import Results

/// The examples of "Authenticating Requests" in the Amazon S3 API reference.
@Suite("S3 signatures")
struct S3SignatureTests {
    private let signature = S3Signature(
        credentials: S3Credentials(
            accessKey: "AKIAIOSFODNN7EXAMPLE",
            secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        ),
        region: "us-east-1",
        date: Date(timeIntervalSince1970: 1_369_353_600)
    )

    private func address(_ path: String) -> S3Address {
        S3Address(scheme: "https", host: "examplebucket.s3.amazonaws.com", path: path)
    }

    private func signed(_ fields: [(String, String)]) -> String? {
        fields.first { $0.0 == "authorization" }?.1
    }

    @Test("GET of a part of an object")
    func get() {
        let fields = signature.headers(
            method: "GET",
            address: address("/test.txt"),
            headers: [("range", "bytes=0-9")],
            bodyHash: S3Signature.emptyHash
        )
        #expect(
            signed(fields)
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    }

    @Test("PUT of an object whose key must be encoded")
    func put() {
        let fields = signature.headers(
            method: "PUT",
            address: address(S3Signature.encoded("/test$file.text", keepingSlashes: true)),
            headers: [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            bodyHash: Data("Welcome to Amazon S3.".utf8).sha256
        )
        #expect(signed(fields)?.hasSuffix("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd") == true)
    }

    @Test("GET of a bucket's property, by a query without a value")
    func property() {
        let fields = signature.headers(
            method: "GET",
            address: address("/"),
            query: [("lifecycle", "")],
            bodyHash: S3Signature.emptyHash
        )
        #expect(signed(fields)?.hasSuffix("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543") == true)
    }

    @Test("GET of a listing")
    func listing() {
        let fields = signature.headers(
            method: "GET",
            address: address("/"),
            query: [("prefix", "J"), ("max-keys", "2")],
            bodyHash: S3Signature.emptyHash
        )
        #expect(signed(fields)?.hasSuffix("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7") == true)
    }

    @Test("An address that is good for a day")
    func presigned() {
        #expect(
            signature.presigned(address("/test.txt"), seconds: 86_400)
                == "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        )
    }

    @Test("Everything but letters, digits and four signs is encoded")
    func encoding() {
        #expect(S3Signature.encoded("aZ09-._~/ +é") == "aZ09-._~%2F%20%2B%C3%A9")
        #expect(S3Signature.encoded("/a b/c", keepingSlashes: true) == "/a%20b/c")
    }
}
