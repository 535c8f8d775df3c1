//! What the system says of this process. Linux only: elsewhere nothing is said.

use std::fmt::Write;

use super::meters::{
    CPU_SECONDS, MAX_FDS, MEMORY_LIMIT_BYTES, OPEN_FDS, RESIDENT_MEMORY_BYTES, START_TIME_SECONDS,
};

/// What every Linux of today counts in.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE_BYTES: u64 = 4_096;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    pub cpu_seconds: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub open_files: Option<u64>,
    pub open_files_max: Option<u64>,
    /// Of the machine, or of the control group that this process is in.
    pub memory_limit_bytes: Option<u64>,
    started_at_seconds: Option<f64>,
}

impl Process {
    /// A tenth of a millisecond; with ten thousand sockets two milliseconds more, for their list.
    pub fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).ok();
        let stat = text("/proc/self/stat");
        let files = std::fs::read_dir("/proc/self/fd").ok();
        Self {
            cpu_seconds: stat.as_deref().and_then(cpu_seconds),
            memory_bytes: text("/proc/self/statm").as_deref().and_then(memory_bytes),
            // Reading the list is one of them.
            open_files: files.map(|files| (files.count() as u64).saturating_sub(1)),
            open_files_max: text("/proc/self/limits").as_deref().and_then(open_files_max),
            memory_limit_bytes: memory_limit(
                text("/proc/meminfo").as_deref(),
                text(&limit_of_group(text("/proc/self/cgroup").as_deref())).as_deref(),
            ),
            started_at_seconds: stat
                .as_deref()
                .zip(text("/proc/stat").as_deref())
                .and_then(|(of_self, of_all)| started_at_seconds(of_self, of_all)),
        }
    }

    /// In Prometheus text format, under the names that other programs use too.
    pub fn render(&self, text: &mut String) -> std::fmt::Result {
        let whole = |value: Option<u64>| value.map(|value| value as f64);
        for (name, kind, value) in [
            (CPU_SECONDS, "counter", self.cpu_seconds),
            (RESIDENT_MEMORY_BYTES, "gauge", whole(self.memory_bytes)),
            (OPEN_FDS, "gauge", whole(self.open_files)),
            (MAX_FDS, "gauge", whole(self.open_files_max)),
            (START_TIME_SECONDS, "gauge", self.started_at_seconds),
            (MEMORY_LIMIT_BYTES, "gauge", whole(self.memory_limit_bytes)),
        ] {
            if let Some(value) = value {
                writeln!(text, "# TYPE {name} {kind}\n{name} {value}\n")?;
            }
        }
        Ok(())
    }
}

/// The fields behind the name of the program, which may have spaces and brackets in it; the first is the state.
fn fields(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(')')?.1.split_ascii_whitespace().collect())
}

/// Of itself, without children: fields 14 and 15 of proc(5).
fn cpu_seconds(stat: &str) -> Option<f64> {
    let fields = fields(stat)?;
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

fn started_at_seconds(stat: &str, of_all: &str) -> Option<f64> {
    let after_boot: f64 = fields(stat)?.get(19)?.parse().ok()?;
    let boot = of_all.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<f64>().ok()? + after_boot / TICKS_PER_SECOND)
}

fn memory_bytes(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE_BYTES)
}

fn open_files_max(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// In a container the group is the root of what is seen.
fn limit_of_group(groups: Option<&str>) -> String {
    let group = groups.and_then(|text| text.lines().find_map(|line| line.strip_prefix("0::")));
    format!("/sys/fs/cgroup{}/memory.max", group.unwrap_or_default().trim_end_matches('/'))
}

/// The smaller of the two. A unit that hides `/proc/meminfo` has the limit of its group, where there is one.
fn memory_limit(meminfo: Option<&str>, of_group: Option<&str>) -> Option<u64> {
    let machine = meminfo.and_then(|text| text.lines().find_map(|line| line.strip_prefix("MemTotal:")));
    let machine = machine.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let machine = machine.map(|kib| kib * 1_024);
    // "max": no limit of its own.
    let group = of_group.and_then(|text| text.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_proc_are_read() {
        let stat = "42 (apri) cot) S 1 42 42 0 -1 4194560 9 0 0 0 250 50 7 7 20 0 9 0 6000 1 2";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(started_at_seconds(stat, "cpu 1 2\nbtime 1790000000\n"), Some(1_790_000_060.0));
        assert_eq!(memory_bytes("900 25 3 1 0 5 0"), Some(102_400));
        assert_eq!(
            open_files_max("Max open files            1024                 524288   files\n"),
            Some(1_024)
        );
        assert_eq!(memory_limit(Some("MemTotal:   2 kB\n"), Some("max\n")), Some(2_048));
        assert_eq!(memory_limit(Some("MemTotal:   2 kB\n"), Some("1000\n")), Some(1_000));
        assert_eq!(
            limit_of_group(Some("1:name=systemd:/x\n0::/system.slice/apricot.service\n")),
            "/sys/fs/cgroup/system.slice/apricot.service/memory.max"
        );
        assert_eq!(limit_of_group(Some("0::/\n")), "/sys/fs/cgroup/memory.max");
        assert_eq!((cpu_seconds(""), memory_bytes(""), open_files_max("")), (None, None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_all_of_them() {
        let process = Process::read();
        assert!(process.cpu_seconds.is_some() && process.memory_bytes.is_some_and(|bytes| bytes > 1 << 20));
        assert!(process.open_files.is_some_and(|files| files > 2) && process.open_files_max.is_some());
        let mut text = String::new();
        process.render(&mut text).unwrap();
        assert!(
            text.contains("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "),
            "{text}"
        );
    }
}
