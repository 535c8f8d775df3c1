//! Names of what is measured of a process and of the whole; `docs/metrics.md` lists them all.

/// Counter: processor time of this process. The names of these five are those that other programs use.
pub const CPU_SECONDS: &str = "process_cpu_seconds_total";
pub const RESIDENT_MEMORY_BYTES: &str = "process_resident_memory_bytes";
pub const OPEN_FDS: &str = "process_open_fds";
pub const MAX_FDS: &str = "process_max_fds";
pub const START_TIME_SECONDS: &str = "process_start_time_seconds";
/// Gauge: what this process may use at most: the machine's memory, or its control group's.
pub const MEMORY_LIMIT_BYTES: &str = "apricot_memory_limit_bytes";
/// Gauge: violations of a rule of the record, as the last audit found them. Label `rule`. Only on the node that audits.
pub const RULE_VIOLATIONS: &str = "apricot_rule_violations";
/// Gauge: what the last audit of the record took.
pub const AUDIT_SECONDS: &str = "apricot_audit_took_seconds";
/// Gauge: open holds whose time ran out more than 10 s ago. Only on the node that sweeps.
pub const HOLDS_OVERDUE: &str = "apricot_holds_overdue";
/// Gauge: tasks that the provider has not answered for 60 s. Only on the node that sweeps.
pub const TASKS_OVERDUE: &str = "apricot_provider_tasks_overdue";
/// Gauge: projects whose next progress report is due within seven days, or was. Only on the node that sweeps.
pub const DISCLOSURES_DUE: &str = "apricot_disclosures_due";
/// Gauge: since when the line that waits longest has not been told in the public log. Only on the node that sweeps.
pub const LOG_WAITS_SECONDS: &str = "apricot_log_waits_seconds";
/// Gauge: nodes that went silent in the last ten minutes without a goodbye.
pub const NODES_SILENT: &str = "apricot_nodes_silent";
