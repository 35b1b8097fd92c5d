import Synchronization
import Tasks
import Webhooks

/// Gives a name other addresses each time it is asked, the last ones over and over.
final class ScriptedResolver: AddressResolver {
    private let answers: [String: [[String]]]
    private let asked = Mutex<[String]>([])

    init(_ answers: [String: [[String]]]) {
        self.answers = answers
    }

    var questions: [String] { asked.withLock { $0 } }

    func addresses(of host: String) async throws(DeliveryError) -> [IPAddress] {
        let count = asked.withLock { asked in
            asked.append(host)
            return asked.count { $0 == host }
        }
        guard let lists = answers[host], let list = lists.dropFirst(count - 1).first ?? lists.last else {
            throw .nameUnresolved
        }
        return list.compactMap { IPAddress($0) }
    }
}
