import Foundation
import Testing

@testable import Server

@Suite("The table of devices")
struct FleetTableTests {
    private func decoded<Value: Decodable>(_ json: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Value.self, from: Data(json.utf8))
    }

    @Test("Columns stand under their headings, and engines under their devices")
    func table() throws {
        let devices: [APIClient.Device] = try decoded(
            #"""
            [{"id":"cuda:0","kind":"NVIDIA A100-SXM4-80GB","state":"busy","total_bytes":85899345920,
              "free_bytes":21474836480,"utilisation":0.966,"temperature_celsius":61.4,"engines":[
              {"index":0,"state":"busy","model":"EasyAnimateV5.1","work":{"generations":3,"priority":"interactive",
               "progress":{"percent":1,"stage":"denoise","step":12,"total_steps":50},"seconds_left":87.6}}]},
             {"id":"cpu","kind":"cpu","state":"asleep","total_bytes":0,"free_bytes":0,"utilisation":null,
              "temperature_celsius":null,"engines":[{"index":1,"state":"asleep","model":null,"work":null}]}]
            """#
        )
        #expect(
            FleetTable.lines(devices) == [
                "DEVICE  KIND                   STATE   MEMORY IN USE     LOAD  TEMPERATURE",
                "cuda:0  NVIDIA A100-SXM4-80GB  busy    60.0 of 80.0 GiB  97 %  61 °C",
                "  engine 0  busy  EasyAnimateV5.1  interactive and 2 more  denoise 12/50  88 s left",
                "cpu     cpu                    asleep  0.0 of 0.0 GiB    -     -",
                "  engine 1  asleep",
            ]
        )
    }

    @Test("A server without devices has only headings")
    func empty() {
        #expect(FleetTable.lines([]) == ["DEVICE  KIND  STATE  MEMORY IN USE  LOAD  TEMPERATURE"])
    }

    @Test("The queue is one line")
    func queue() throws {
        var queue: APIClient.Queue = try decoded(
            #"""
            {"waiting":12,"running":2,"by_priority":{"interactive":0,"normal":3,"batch":9},
             "predicted_wait_seconds":431.3,"draining":false}
            """#
        )
        #expect(
            FleetTable.line(queue)
                == "12 waiting (0 interactive, 3 normal, 9 batch), 2 running; a new one would wait about 7 min"
        )
        queue.draining = true
        queue.predictedWaitSeconds = nil
        #expect(
            FleetTable.line(queue)
                == "12 waiting (0 interactive, 3 normal, 9 batch), 2 running; draining: nothing is started"
        )
    }

    @Test(
        "A prediction seems no more exact than it is",
        arguments: [
            (0, "0 s"), (-5, "0 s"), (0.4, "0 s"), (1.5, "2 s"), (99.4, "99 s"), (99.6, "2 min"), (3569, "59 min"),
            (3571, "1 h 0 min"), (7500, "2 h 5 min"),
        ] as [(Double, String)]
    )
    func predictions(_ seconds: Double, _ text: String) {
        #expect(Prediction.text(seconds) == text)
    }

    @Test("No device that a server may send ends the program")
    func strangeDevices() throws {
        let devices: [APIClient.Device] = try decoded(
            #"""
            [{"id":"","kind":"","state":"","total_bytes":9223372036854775807,"free_bytes":-9223372036854775808,
              "utilisation":1e308,"temperature_celsius":-1e308,"engines":[{"index":-9223372036854775808,"state":"x",
              "work":{"generations":-9223372036854775808,"priority":"","progress":{"stage":"","step":-1,
              "total_steps":-1},"seconds_left":1e308}}]}]
            """#
        )
        #expect(FleetTable.lines(devices).count == 3)
    }

    @Test("No number that a server may send ends the program", arguments: [Double.infinity, -.infinity, .nan, 1e308])
    func strangePredictions(_ seconds: Double) {
        #expect(!Prediction.text(seconds).isEmpty)
    }
}
