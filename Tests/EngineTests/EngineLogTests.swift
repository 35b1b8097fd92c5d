import Testing

@testable import Engine

@Suite("Engine log")
struct EngineLogTests {
    private static let start = SuspendingClock.now

    @Test("Lines are the same however the bytes are cut; empty ones and those of progress bars are none")
    func cutsLines() {
        var log = EngineLog()
        var lines: [String] = []
        for byte in "one\n\n  10%\r  20%\rtwo\r\nthrée".utf8 {
            lines += log.take([byte], at: Self.start)
        }
        lines += log.finish(at: Self.start)
        #expect(lines == ["one", "  10%", "  20%", "two", "thrée"])
    }

    @Test("A line that is too long is cut, and what follows it is not")
    func boundsLength() {
        var log = EngineLog()
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 5_000_000)
        let lines = log.take(long + Array("\nnext\n".utf8), at: Self.start)
        #expect(lines.map(\.utf8.count) == [EngineLog.maximumLineBytes, 4])
        #expect(log.lastLines.map(\.count) == [EngineLog.keptLineCharacters, 4])
    }

    @Test("What is no UTF-8 is a line as well")
    func takesAnyBytes() {
        var log = EngineLog()
        #expect(log.take([0xFF, 0xFE, 0x0A], at: Self.start).count == 1)
    }

    @Test("A flood is not logged whole, and its end is still kept")
    func boundsRate() {
        var log = EngineLog()
        let flood = (1...1000).map { "line \($0)\n" }.joined()
        #expect(log.take(flood.utf8, at: Self.start).count == EngineLog.linesPerSecond)
        #expect(log.lastLines.count == EngineLog.keptLines && log.lastLines.last == "line 1000")
        #expect(log.take("later\n".utf8, at: Self.start + .seconds(1)) == ["later"])
    }
}

@Suite("Engine environment")
struct EngineEnvironmentTests {
    @Test("Only what is named reaches the engine")
    func passesOnlyNamed() {
        var settings = EngineSettings(
            source: .models(["m"]),
            environment: ["PATH": "/bin", "HOME": "/root", "ANIMATO_WEBHOOK_SECRET": "s", "PYTHONPATH": "/tmp"]
        )
        settings.threads = 2
        #expect(
            EngineEnvironment.variables(settings, parent: 42) == [
                "PATH": "/bin", "HOME": "/root", "OMP_NUM_THREADS": "2", "ANIMATO_ENGINE_PARENT": "42",
                "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            ]
        )
    }

    @Test("A line that begins with a trace is taken apart, and no other is")
    func findsTraces() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736"
        let parts = EngineLog.parts(of: "trace_id=\(id)   File \"x\"")
        #expect(parts.traceID == id && parts.text == "  File \"x\"")
        for line in [
            "", "a line", "trace_id=", "trace_id=\(id)", "trace_id=\(id.dropLast()) x", "trace_id=\(id.dropLast())x x",
        ] {
            let parts = EngineLog.parts(of: line)
            #expect(parts.traceID == nil && parts.text == line[...])
        }
    }

    @Test("The command line is the one of the protocol")
    func buildsCommandLine() {
        var settings = EngineSettings(source: .models(["org/name"]), environment: [:])
        settings.device = "cuda:1"
        #expect(
            settings.serveArguments == [
                "-m", "animato_engine", "serve", "--model", "org/name", "--device", "cuda:1", "--dtype", "auto",
            ]
        )
        settings.source = .models(["/models/a", "org/name"])
        settings.loras = "/loras"
        settings.compile = "inductor"
        #expect(
            settings.serveArguments.dropFirst(2) == [
                "serve", "--model", "/models/a", "--model", "org/name", "--device", "cuda:1", "--dtype", "auto",
                "--loras", "/loras", "--compile", "inductor",
            ]
        )
        settings.source = .timed(stepSeconds: 0.05)
        #expect(settings.serveArguments.dropFirst(2) == ["serve", "--timed", "0.05", "--device", "cuda:1"])
    }
}
