import Crypto
import Foundation
import Testing

@testable import Results

@Suite("Parts of the S3 store")
struct S3PartsTests {
    @Test("Scheme, host and port are an endpoint, and nothing else is")
    func endpoints() {
        #expect(S3Endpoint("HTTPS://S3.Example.com/")?.authority == "s3.example.com")
        #expect(S3Endpoint("http://127.0.0.1:9000")?.scheme == "http")
        for text in [
            "", "s3.example.com", "ftp://a", "https://", "https:///", "https://a/b", "https://a:0", "https://a:x",
            "https://a:1:2", "https://user@a", "https://a?b", "https://a b", "https://a:70000", "https://:80",
        ] {
            #expect(S3Endpoint(text) == nil, "\(text)")
        }
    }

    @Test("The bucket is named in the path or in the host")
    func addresses() throws {
        var settings = S3Settings(
            endpoint: try #require(S3Endpoint("https://s3.example.com")),
            bucket: "films",
            credentials: S3Credentials(accessKey: "a", secretKey: "b")
        )
        #expect(settings.address(of: "x y/z.mp4").url(query: "") == "https://films.s3.example.com/x%20y/z.mp4")
        #expect(settings.origin == "https://films.s3.example.com")
        settings.usesPathStyle = true
        #expect(settings.address(of: "").url(query: "a=1") == "https://s3.example.com/films/?a=1")
        #expect(settings.origin == "https://s3.example.com")
    }

    @Test("No way of printing settings prints what signs")
    func secrecy() throws {
        let settings = S3Settings(
            endpoint: try #require(S3Endpoint("https://s3.example.com")),
            bucket: "films",
            credentials: S3Credentials(accessKey: "open-sesame", secretKey: "open-sesame")
        )
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped, "\(settings.credentials)"] {
            #expect(!text.contains("sesame"))
        }
    }

    @Test("Some answers are answers, some are tried again, some are errors")
    func verdicts() {
        for (status, code) in [(200, nil), (204, nil), (404, nil), (404, "NoSuchKey"), (412, nil)] as [(UInt, String?)]
        {
            #expect(S3Verdict(status: status, code: code, method: "GET") == .accepted)
        }
        for (status, code) in [(500, nil), (503, "SlowDown"), (429, nil), (408, nil), (400, "RequestTimeout")]
            as [(UInt, String?)]
        {
            #expect(S3Verdict(status: status, code: code, method: "GET") == .tryAgain)
        }
        #expect(S3Verdict(status: 507, code: nil, method: "PUT") == .fails(.full))
        let refused = ResultStoreError.unavailable("the S3 service answers 403 AccessDenied to PUT")
        #expect(S3Verdict(status: 403, code: "AccessDenied", method: "PUT") == .fails(refused))
        for (status, code) in [(301, nil), (400, nil), (401, nil), (404, "NoSuchBucket")] as [(UInt, String?)] {
            guard case .fails(.unavailable) = S3Verdict(status: status, code: code, method: "GET") else {
                Issue.record("\(status) is no error")
                continue
            }
        }
    }

    @Test("Delays double, up to a bound, and spread over their later half")
    func delays() {
        #expect(S3Attempts.delay(after: 1, random: 0) == .milliseconds(100))
        #expect(S3Attempts.delay(after: 1, random: 1) == .milliseconds(200))
        #expect(S3Attempts.delay(after: 3, random: 1) == .milliseconds(800))
        #expect(S3Attempts.delay(after: 100, random: 1) == .milliseconds(5_000))
    }

    @Test("Parts have their own hashes, however the bytes come", arguments: [1, 3, 4, 5, 12, 13])
    func partHashes(step: Int) {
        let content = Data(0..<13)
        var hashes = PartHashes(partBytes: 4)
        for start in stride(from: 0, to: content.count, by: step) {
            Data(content[start..<min(start + step, content.count)]).withUnsafeBytes { hashes.update($0) }
        }
        let (name, parts) = hashes.finish()
        #expect(name.hex == content.sha256)
        #expect(parts == [0, 4, 8, 12].map { Data(content[$0..<min($0 + 4, 13)]).sha256 })
    }

    @Test("An empty content has one empty part, and a full last part none after it")
    func fullParts() {
        var empty = PartHashes(partBytes: 4)
        #expect(empty.finish().parts == [S3Signature.emptyHash])
        var full = PartHashes(partBytes: 4)
        Data(0..<8).withUnsafeBytes { full.update($0) }
        #expect(full.finish().parts.count == 2)
    }

    @Test("A page of a listing is read, with what is not ours passed over")
    func listing() {
        let name = String(repeating: "ab", count: 32)
        let page = S3XML.page(
            """
            <?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a&amp;b/\(name).mp4</Key>\
            <LastModified>2013-05-24T00:00:00.500Z</LastModified><ETag>&quot;x&quot;</ETag><Size>7</Size></Contents>\
            <Contents><Key>no size</Key></Contents><Contents><Key>note.txt</Key>\
            <LastModified>2013-05-24T00:00:00Z</LastModified><Size>1</Size></Contents>\
            <NextContinuationToken>t&lt;&amp;lt;</NextContinuationToken></ListBucketResult>
            """
        )
        #expect(page.objects.map(\.key) == ["a&b/\(name).mp4", "note.txt"])
        #expect(page.objects.map(\.bytes) == [7, 1])
        #expect(page.objects.map(\.modified) == [1_369_353_600_500, 1_369_353_600_000])
        #expect(page.objects.map { $0.video?.hex } == [name, nil])
        #expect(page.next == "t<&lt;")
        #expect(S3XML.escaped("\"<&>'") == "&#34;&lt;&amp;&gt;&#39;")
        #expect(S3XML.page("").objects.isEmpty)
    }

    @Test("The time of an upload is read, and nothing else is one")
    func times() {
        #expect(S3Head.milliseconds("Fri, 24 May 2013 00:00:00 GMT") == 1_369_353_600_000)
        for text in ["", "Fri, 24 May 2013 00:00 GMT", "Fri, 24 Mai 2013 00:00:00 GMT", "2013-05-24T00:00:00Z"] {
            #expect(S3Head.milliseconds(text) == nil)
        }
    }

    @Test("A use is later than the upload and every use before, whatever the clocks say")
    func uses() throws {
        let names = try ["0", "1"].map { try #require(VideoName(String(repeating: $0, count: 64))) }
        var memory = S3Memory()
        memory.noteUse(names[0], now: 1_000, uploaded: 9_000)
        #expect(memory.lastUse(of: names[0]) >= 10_000)
        memory.noteUse(names[1], now: 500, uploaded: nil)
        #expect(memory.lastUse(of: names[1]) > memory.lastUse(of: names[0]))
        memory.forget(names[1])
        #expect(memory.lastUse(of: names[1]) == 0)
    }
}
