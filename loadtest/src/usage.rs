//! Processor time and memory as the kernel counts them.

use std::{fs, time::Duration};

use crate::failure::Failure;

/// Processor time since the start of a process, and memory now.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: Duration,
    /// Ready to run while others had the core.
    pub waited: Duration,
    pub rss_bytes: u64,
}

impl Usage {
    pub fn of_this_program() -> Result<Usage, Failure> {
        Usage::of("self")
    }

    /// Of a process by its number. The tick of 10 ms is refined by the nanoseconds of the threads that live.
    pub fn of(pid: &str) -> Result<Usage, Failure> {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).map_err(Failure::file(&path))?;
        let usage = Usage::parse(&stat).ok_or_else(|| Failure::off_contract(path, stat))?;
        let (ran, waited) = of_threads(pid);
        Ok(Usage { cpu: usage.cpu.max(ran), waited, ..usage })
    }

    /// Fields after the program's name, which may hold spaces and brackets: 14 utime, 15 stime (ticks of 10 ms), 24 rss
    /// (pages of 4 KiB).
    fn parse(stat: &str) -> Option<Usage> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = number(14)? + number(15)?;
        let cpu = Duration::from_millis(ticks * 10);
        Some(Usage { cpu, waited: Duration::ZERO, rss_bytes: number(24)? * 4_096 })
    }
}

/// Of several processes together.
impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Usage>>(each: I) -> Usage {
        let none = Usage { cpu: Duration::ZERO, waited: Duration::ZERO, rss_bytes: 0 };
        each.fold(none, |sum, one| Usage {
            cpu: sum.cpu + one.cpu,
            waited: sum.waited + one.waited,
            rss_bytes: sum.rss_bytes + one.rss_bytes,
        })
    }
}

/// Running and waiting, in nanoseconds. A thread that ends while this reads is left out, and is in the ticks.
fn of_threads(pid: &str) -> (Duration, Duration) {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let times = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let mut fields = text.split_whitespace().map_while(|field| field.parse::<u64>().ok());
        Some((fields.next()?, fields.next()?))
    });
    let (ran, waited) = times.fold((0, 0), |sum, time| (sum.0 + time.0, sum.1 + time.1));
    (Duration::from_nanos(ran), Duration::from_nanos(waited))
}

/// What the kernel holds for sockets of the whole machine: buffers in flight and its own objects. An estimate: others use both.
#[derive(Debug, Clone, Copy)]
pub struct KernelMemory {
    pub bytes: u64,
}

impl KernelMemory {
    pub fn now() -> Result<KernelMemory, Failure> {
        let read = |path: &str| fs::read_to_string(path).map_err(Failure::file(path));
        let (sockets, memory) = (read("/proc/net/sockstat")?, read("/proc/meminfo")?);
        KernelMemory::parse(&sockets, &memory)
            .ok_or_else(|| Failure::off_contract("/proc/net/sockstat", sockets))
    }

    /// Pages of TCP buffers, and the slabs in which sockets, files and epoll entries live.
    fn parse(sockets: &str, memory: &str) -> Option<KernelMemory> {
        let tcp = sockets.lines().find(|line| line.starts_with("TCP:"))?;
        let pages: u64 = tcp.split_whitespace().skip_while(|word| *word != "mem").nth(1)?.parse().ok()?;
        let slab = memory.lines().find_map(|line| line.strip_prefix("Slab:"))?;
        let kib: u64 = slab.split_whitespace().next()?.parse().ok()?;
        Some(KernelMemory { bytes: pages * 4_096 + kib * 1_024 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_behind_the_programs_name() {
        let stat = "42 (a (b) c) S 1 1 1 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 4 0 100 1000000 2048 18446744073709551615 1";
        let usage = Usage::parse(stat).unwrap();
        assert_eq!((usage.cpu, usage.rss_bytes), (Duration::from_secs(2), 2_048 * 4_096));
        assert!(Usage::of_this_program().unwrap().rss_bytes > 0);
    }

    #[test]
    fn the_kernels_memory_is_pages_and_slabs() {
        let sockets = "sockets: used 13\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 142\nUDP: inuse 0 mem 7\n";
        let memory = "MemTotal: 1 kB\nSlab:             10 kB\n";
        assert_eq!(KernelMemory::parse(sockets, memory).unwrap().bytes, 142 * 4_096 + 10 * 1_024);
        assert!(KernelMemory::now().unwrap().bytes > 0);
    }
}
