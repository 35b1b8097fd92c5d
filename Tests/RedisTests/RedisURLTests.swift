import Testing

@testable import Redis

struct RedisURLTests {
    @Test("Everything that an address may say is read")
    func parts() throws {
        #expect(try RedisURL("redis://localhost") == RedisURL(host: "localhost"))
        #expect(try RedisURL("REDIS://h:1/") == RedisURL(host: "h", port: 1))
        #expect(try RedisURL("redis://:p%40ss%2F@h/3") == RedisURL(host: "h", password: "p@ss/", database: 3))
        #expect(
            try RedisURL("rediss://us%3Aer:a@b:c@host.example:6380/15")
                == RedisURL(
                    host: "host.example", port: 6380, user: "us:er", password: "a@b:c", database: 15, usesTLS: true))
        #expect(try RedisURL("redis://[::1]:7000/1") == RedisURL(host: "::1", port: 7000, database: 1))
        #expect(try RedisURL("redis://[fe80::1]") == RedisURL(host: "fe80::1"))
    }

    @Test(
        "What is wrong with an address is said, without the password",
        arguments: [
            ("", "must begin with redis://"), ("localhost:6379", "must begin with redis://"),
            ("http://localhost", "must begin with redis://"), ("redis://", "has no host"),
            ("redis://:secret@", "has no host"),
            ("redis://:secret@h:0", "has a port"), ("redis://h:secret@h:x", "has a port"),
            ("redis://h:70000", "has a port"),
            ("redis://h:", "has a port"), ("redis://[::1", "has a ["), ("redis://[::1]x", "has a port"),
            ("redis://h/x", "has a database"), ("redis://h/-1", "has a database"), ("redis://h/1/2", "has a database"),
            ("redis://secret@h", "has a user without a password"), ("redis://u:@h", "has an empty password"),
            ("redis://:secret%2@h", "has a %"), ("redis://:secret%zz@h", "has a %"),
            ("redis://:secret%+1@h", "has a %"),
            ("redis://:secret%ff@h", "has a %"), ("redis://:secret?x@h", "must not have anything after"),
            ("redis://h/0?secret=1", "must not have anything after"), ("redis://:secret/@h", "has no host"),
            ("redis://a b", "has a blank"),
        ])
    func wrong(text: String, beginning: String) throws {
        let error = try #require(throws: RedisURLError.self) { try RedisURL(text) }
        #expect(error.description.hasPrefix(beginning))
        #expect(!error.description.contains("secret"))
    }

    @Test("An address is shown without who comes in")
    func description() throws {
        #expect("\(try RedisURL("redis://me:secret@h/2"))" == "redis://h:6379/2")
        #expect("\(try RedisURL("rediss://[::1]"))" == "rediss://[::1]:6379/0")
    }
}
