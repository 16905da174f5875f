//! Work that can wait gives way to the partitions' own threads.

/// Lowers the priority of this thread, for good: it runs when a core has nothing better to do, or a little. On systems
/// other than Linux it does nothing.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        const NICE: i32 = 10;
        // A thread that may not have its priority lowered shares the cores as before.
        let this = Some(rustix::thread::gettid());
        let _ = rustix::process::setpriority_process(this, NICE);
    }
}
