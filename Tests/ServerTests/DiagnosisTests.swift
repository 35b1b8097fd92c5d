import Foundation
import Testing

@testable import Scheduling
@testable import Server

@Suite("The doctor's verdicts")
struct DiagnosisTests {
    private func shape(_ width: Int, _ frames: Int, _ mode: String?) -> MemoryOverview.Line {
        MemoryOverview.Line(width: width, height: 448, numFrames: frames, mode: mode)
    }

    @Test("A line says its verdict with a symbol and a word, in colour only where that is seen")
    func lines() {
        #expect(Finding(.ok, "port", "free").line() == "✓ ok       port: free")
        #expect(Finding(.warning, "disk", "little").line() == "! warning  disk: little")
        #expect(Finding(.missing, "model", "no\u{1B}[2J").line() == "✗ missing  model: no [2J")
        #expect(Finding(.missing, "disk", "full").line(isColoured: true) == "\u{1B}[31m✗ missing\u{1B}[0m  disk: full")
    }

    @Test("The last line says what can be made, or that something is missing")
    func summary() {
        let good = Ability(
            model: "EasyAnimate", device: "cuda:0",
            shapes: [shape(672, 25, "full"), shape(768, 49, "model_offload"), shape(1344, 49, nil)])
        let tiny = Ability(model: "tiny", device: "cpu", shapes: [])
        let none = Ability(model: "large", device: "cuda:1", shapes: [shape(1344, 49, nil)])
        let ok = Finding(.ok, "port", "free")
        #expect(
            Diagnosis([ok], abilities: [good, tiny, none]).summary
                == "This machine can make videos: EasyAnimate on cuda:0, up to 768x448x49 (model_offload); tiny on cpu."
        )
        #expect(Diagnosis([ok], abilities: [none]).summary.contains("no device has room"))
        #expect(none.finding?.verdict == .warning)
        #expect(good.finding?.text == "672x448x25 full, 768x448x49 model_offload, 1344x448x49 does not fit")
        #expect(tiny.finding == nil)
        let bad = Diagnosis([ok, Finding(.missing, "disk", "full"), Finding(.warning, "x", "y")], abilities: [good])
        #expect(bad.summary == "This machine cannot run a server yet: mend what is marked missing (1).")
        #expect(bad.verdict == .missing)
    }

    @Test("As JSON it is one object")
    func json() throws {
        let text = try Diagnosis([Finding(.ok, "port", "127.0.0.1:5000 is free")], abilities: []).json()
        #expect(
            text.hasPrefix(
                #"{"findings":[{"subject":"port","text":"127.0.0.1:5000 is free","verdict":"ok"}],"summary":"#))
    }

    @Test("Free space, the port and open files are judged")
    func machine() {
        let verdicts = [0, 1 << 29, 1 << 31, 1 << 40].map { MachineFindings.disk(free: $0, in: "d").verdict }
        #expect(verdicts == [.missing, .missing, .warning, .ok])
        #expect(MachineFindings.openFiles(allowed: 1024, connections: 4096).verdict == .warning)
        #expect(MachineFindings.openFiles(allowed: 1024, connections: 4096).text.contains("4352"))
        #expect(MachineFindings.openFiles(allowed: 1 << 20, connections: 4096).verdict == .ok)
        #expect(MachineFindings.finding(.free, of: "h:1").verdict == .ok)
        #expect(MachineFindings.finding(.ours("0.1.0"), of: "h:1").text == "Animato 0.1.0 listens on h:1")
        #expect(MachineFindings.finding(.taken, of: "h:1").verdict == .missing)
        #expect(MachineFindings.finding(.refused("Permission denied"), of: "h:80").text.contains("Permission denied"))
    }
}
