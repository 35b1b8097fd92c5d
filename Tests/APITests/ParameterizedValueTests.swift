import Testing

@testable import API

struct ParameterizedValueTests {
    @Test(
        "A value and its parameters are read",
        arguments: [
            ("image/png", "image/png", [:]),
            (" Image/PNG ; q=1 ;", "image/png", ["q": "1"]),
            ("multipart/form-data; boundary=----a1", "multipart/form-data", ["boundary": "----a1"]),
            (#"multipart/form-data;BOUNDARY="a b:c""#, "multipart/form-data", ["boundary": "a b:c"]),
            (
                #"form-data; name="file"; filename="一只猫 \"x\".png""#, "form-data",
                ["name": "file", "filename": #"一只猫 "x".png"#]
            ),
            (#"form-data; name="""#, "form-data", ["name": ""]),
        ] as [(String, String, [String: String])]
    )
    func reads(_ text: String, _ value: String, _ parameters: [String: String]) throws {
        let read = try #require(ParameterizedValue(text))
        #expect(read.value == value)
        #expect(read.parameters == parameters)
    }

    @Test(
        "What is no such value is refused",
        arguments: [
            "", " ", ";", "image/png x", "image/png; =1", "image/png; a", "image/png; a=", "image/png; a = 1",
            #"image/png; a="1"#, #"image/png; a="1\"#, "image/png; a=1; A=2", "image/png, image/png",
            "image/png; a=\"\u{0}\"",
            "image/png; a=1 b",
        ]
    )
    func refuses(_ text: String) {
        #expect(ParameterizedValue(text) == nil)
    }

    @Test(
        "Only types of pictures and videos, and the one that says nothing, are media",
        arguments: [
            ("image/png", true), ("video/mp4", true), ("VIDEO/x-matroska", true), ("application/octet-stream", true),
            ("image/*", true), ("image", false), ("image/", false), ("image/png/x", false), ("imagex/png", false),
            ("text/plain", false), ("application/json", false), ("/png", false),
        ]
    )
    func media(_ text: String, _ isMedia: Bool) {
        #expect(ParameterizedValue(text)?.isMedia == isMedia)
    }
}
