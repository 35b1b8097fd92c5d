import HTTPTypes
import Tasks
import Testing

@testable import API

struct RouteAccessTests {
    /// What a method takes, as the table of the documentation says.
    private static let open: Set<Route> = [.health, .ready, .studio, .operatorPage, .openAPI, .documentation]
    private static let administrators: Set<Route> = [
        .deviceDrain, .deviceResume, .deviceUnload, .drain, .resume, .tenants, .keys, .key, .keyRotation, .anyTasks,
        .anyTask, .anyDeliveries, .anyRedelivery,
    ]

    @Test(
        "Looking takes read, changing takes generate, metrics take their own, and what else concerns others takes admin",
        arguments: Route.allCases
    )
    func table(_ route: Route) {
        for method in route.methods {
            let isLook = method == .get || method == .head
            let expected: RouteAccess =
                if Self.open.contains(route) {
                    .open
                } else if route == .video || route == .variant {
                    .link
                } else if Self.administrators.contains(route) {
                    .scope(.admin)
                } else if route == .metrics || route == .scale {
                    .scope(.metrics)
                } else {
                    .scope(isLook ? .read : .generate)
                }
            #expect(route.access(for: method) == expected)
        }
        #expect(route.access(for: .connect) == nil)
    }

    @Test("Every change that takes admin is written down, and nothing else")
    func audited() {
        for route in Route.allCases {
            for method in route.methods {
                let isChange = method != .get && method != .head
                let isAudited = route.auditAction(for: method) != nil
                #expect(isAudited == (isChange && route.access(for: method) == .scope(.admin)), "\(method) \(route)")
            }
        }
    }
}
