import TestSupport
import Testing

@testable import Engine

@Suite("Engine inspection")
struct EngineInspectionTests {
    @Test("An installation says what is on the machine and what a model can make")
    func answers() async throws {
        let model = try EngineFixture.tinyModel()
        let inspection = EngineInspection(settings: try EngineFixture.settings(.models([model])))
        #expect(try await inspection.devices().contains(#""id": "cpu""#))
        #expect(try await inspection.describe(model: model).contains("easyanimate-tiny"))
    }

    @Test("A model that cannot be used is refused with its code")
    func refuses() async throws {
        let inspection = EngineInspection(settings: try EngineFixture.settings(.timed(stepSeconds: 0)))
        let fault = await #expect(throws: EngineFault.self) { try await inspection.describe(model: "no such model") }
        #expect(fault?.code == "model_not_found")
    }

    @Test("A program that answers nothing, too much, or does not exist is a fault")
    func fails() async throws {
        var settings = try EngineFixture.settings(.timed(stepSeconds: 0))
        settings.python = "/bin/sh"
        for (script, code) in [
            ("exit 3", "engine_inspection_failed"), ("sleep 1000", "engine_inspection_timeout"),
            ("yes", "engine_inspection_failed"),
        ] {
            settings.moduleArguments = ["-c", script]
            // Only what hangs is to meet the limit, however slow the machine is.
            let limit = code == "engine_inspection_timeout" ? 2 : 60
            let inspection = EngineInspection(settings: settings, timeLimit: .seconds(limit))
            let fault = await #expect(throws: EngineFault.self) { try await inspection.devices() }
            #expect(fault?.code == code, "\(script)")
        }
        settings.python = "no-such-python"
        let inspection = EngineInspection(settings: settings)
        let fault = await #expect(throws: EngineFault.self) { try await inspection.devices() }
        #expect(fault?.code == "engine_not_startable")
    }
}
