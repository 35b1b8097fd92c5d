import Testing

@testable import Celery

struct CelerySettingsTests {
    @Test("Tasks come in on a queue of their own unless the operator says otherwise")
    func standard() {
        #expect(CelerySettings().queue == "animato")
    }
}
