package import Scheduling

/// That the devices of one group come and go with the load.
package struct DeviceScaling: Sendable, Equatable {
    /// Index of the group; its count is how many there may be of it.
    package var group: Int
    /// How many of all devices there should be; those of other groups are always there.
    package var policy: WorkerScalingPolicy
    /// Seconds from asking for a device until its engines are up; it is paid for meanwhile.
    package var startSeconds: Double
    /// Seconds between two looks at what is needed.
    package var interval: Double

    package init(
        group: Int = 0,
        policy: WorkerScalingPolicy,
        startSeconds: Double = 180,
        interval: Double = 15
    ) {
        self.group = group
        self.policy = policy
        self.startSeconds = startSeconds
        self.interval = interval
    }
}
