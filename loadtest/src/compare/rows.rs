//! The table: what is run, what is read from it, and what is wanted.

pub struct Row {
    pub key: &'static str,
    pub title: &'static str,
    pub runs: Vec<Run>,
    pub measures: Vec<Measure>,
    /// A plot of one figure of all runs: its unit, and where it is.
    pub bars: Option<(&'static str, &'static str)>,
    pub shows_curves: bool,
}

pub struct Run {
    pub name: &'static str,
    pub args: Vec<String>,
}

/// A figure of one run, or of one run over that of another.
pub struct Measure {
    pub what: &'static str,
    pub run: usize,
    pub over: Option<usize>,
    pub path: &'static str,
    pub bound: Option<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

const SPEED: &str = "/deliveries_per_s";
const COST: &str = "/cpu_us_per_delivery";
const CHAT_P99: &str = "/lanes/chat/p99_ms";
const CRITICAL_P99: &str = "/lanes/critical/p99_ms";
const MEMORY: &str = "/rss_bytes_per_viewer";
const WIRE: &str = "/wire_bytes_per_delivery";

fn run(name: &'static str, args: &str, seconds: u32) -> Run {
    let timed = if args.contains("--idle") { String::new() } else { format!(" --seconds {seconds}") };
    let args = format!("{args}{timed}").split_whitespace().map(String::from).collect();
    Run { name, args }
}

fn figure(what: &'static str, run: usize, path: &'static str, bound: Option<Bound>) -> Measure {
    Measure { what, run, over: None, path, bound }
}

fn ratio(what: &'static str, of: (usize, usize), path: &'static str, bound: Option<Bound>) -> Measure {
    Measure { what, run: of.0, over: Some(of.1), path, bound }
}

pub fn rows(quick: bool) -> Vec<Row> {
    let seconds = if quick { 3 } else { 15 };
    vec![
        closed("a", "1,000 viewers, 128 B, 8 in flight", 8, 0.9, seconds),
        closed("b", "1,000 viewers, 128 B, 64 in flight", 64, 0.8, seconds),
        open(
            "c",
            "1,000 viewers, 100 chat/s and 1 critical/s",
            run("apricot", "watch --spawn --viewers 1000 --chat-rate 100 --critical-rate 1", seconds),
            [1.5, 120.0, 15.0],
        ),
        open(
            "d",
            "15,000 viewers, 20 chat/s and 1 critical/s",
            run("apricot", "watch --spawn --viewers 15000 --chat-rate 20 --critical-rate 1", seconds),
            [1.2, 250.0, 120.0],
        ),
        idle(seconds),
        slow(seconds),
        storm(),
        rooms(seconds),
        wire(seconds),
    ]
}

fn closed(key: &'static str, title: &'static str, in_flight: u32, least: f64, seconds: u32) -> Row {
    let one = |name: &'static str| {
        run(name, &format!("watch --spawn {name} --viewers 1000 --in-flight {in_flight}"), seconds)
    };
    Row {
        key,
        title,
        runs: vec![one("apricot"), one("broadcast"), one("floor")],
        measures: vec![
            ratio("apricot / floor, deliveries/s", (0, 2), SPEED, Some(AtLeast(least))),
            ratio("apricot / broadcast, deliveries/s", (0, 1), SPEED, None),
            figure("apricot, deliveries/s", 0, SPEED, None),
            figure("broadcast, deliveries/s", 1, SPEED, None),
            figure("floor, deliveries/s", 2, SPEED, None),
            ratio("apricot / floor, µs per delivery", (0, 2), COST, None),
            figure("apricot, µs per delivery", 0, COST, None),
            figure("broadcast, µs per delivery", 1, COST, None),
            figure("floor, µs per delivery", 2, COST, None),
        ],
        bars: Some(("deliveries/s", SPEED)),
        shows_curves: false,
    }
}

fn open(key: &'static str, title: &'static str, run: Run, [cost, chat, critical]: [f64; 3]) -> Row {
    Row {
        key,
        title,
        runs: vec![run],
        measures: vec![
            figure("µs per delivery", 0, COST, Some(AtMost(cost))),
            figure("chat p99, ms", 0, CHAT_P99, Some(AtMost(chat))),
            figure("critical p99, ms", 0, CRITICAL_P99, Some(AtMost(critical))),
            figure("critical to the last viewer p99, ms", 0, "/lanes/critical/to_the_last/p99_ms", None),
            figure("chat lines skipped", 0, "/skipped", None),
            figure("memory, B per viewer", 0, MEMORY, None),
        ],
        bars: None,
        shows_curves: true,
    }
}

fn idle(seconds: u32) -> Row {
    Row {
        key: "e",
        title: "15,000 named viewers join and rest",
        runs: vec![run("apricot", "watch --spawn --viewers 15000 --idle", seconds)],
        measures: vec![
            figure("memory of the program, B per viewer", 0, MEMORY, Some(AtMost(1_536.0))),
            figure("memory of the kernel, both ends, B per viewer", 0, "/kernel_bytes_per_viewer", None),
            figure("joins/s", 0, "/joins_per_s", Some(AtLeast(6_000.0))),
        ],
        bars: None,
        shows_curves: false,
    }
}

fn slow(seconds: u32) -> Row {
    let load = "watch --spawn --viewers 1000 --chat-rate 100 --critical-rate 5";
    Row {
        key: "f",
        title: "5 % of 1,000 viewers never read",
        runs: vec![
            run("5 % never read", &format!("{load} --slow-percent 5"), seconds),
            run("all read", load, seconds),
        ],
        measures: vec![
            ratio("chat p99 of the others, over that without", (0, 1), CHAT_P99, Some(AtMost(1.2))),
            ratio("critical p99 of the others, over that without", (0, 1), CRITICAL_P99, Some(AtMost(1.2))),
            figure("memory at the end, B", 0, "/server/rss_bytes_end", None),
            figure("memory at the end when all read, B", 1, "/server/rss_bytes_end", None),
        ],
        bars: Some(("chat p99 in ms", CHAT_P99)),
        shows_curves: false,
    }
}

fn storm() -> Row {
    Row {
        key: "g",
        title: "15,000 viewers cut at once come back",
        runs: vec![run("apricot", "storm --spawn --viewers 15000", 3)],
        measures: vec![
            figure("lost", 0, "/lost", Some(AtMost(0.0))),
            figure("twice", 0, "/repeated", Some(AtMost(0.0))),
            figure("recovered", 0, "/recovered", Some(AtLeast(15_000.0))),
            figure("all back, ms", 0, "/all_back_ms", None),
            figure("back p50, ms", 0, "/back/p50_ms", None),
            figure("back p99, ms", 0, "/back/p99_ms", None),
        ],
        bars: None,
        shows_curves: false,
    }
}

/// 100,000 sockets are beyond the 20,000 open files of a process, so 1,500 of the 10,000 rooms have ten viewers each. In both runs a
/// line is a flush of its own; a room's line goes to ten and the large room's to 15,000. Both spin: a line for 15,000 keeps the load awake
/// by itself and lines for ten do not, so that without it the server would pay for waking the load in one run only.
fn rooms(seconds: u32) -> Row {
    Row {
        key: "h",
        title: "10,000 rooms open, 1,500 of them with 10 viewers, and one room with 15,000; the load never sleeps (--spin)",
        runs: vec![
            run(
                "10,000 rooms",
                "watch --spawn --viewers 15000 --rooms 10000 --per-room 10 --chat-rate 3000 --critical-rate 0 --spin",
                seconds,
            ),
            run("one room", "watch --spawn --viewers 15000 --chat-rate 2 --critical-rate 0 --spin", seconds),
        ],
        measures: vec![
            ratio("µs per delivery, over that of one room", (0, 1), COST, Some(AtMost(1.5))),
            figure("rooms, µs per delivery", 0, COST, None),
            figure("one room, µs per delivery", 1, COST, None),
            figure("rooms, chat p99, ms", 0, CHAT_P99, None),
        ],
        bars: Some(("µs per delivery", COST)),
        shows_curves: false,
    }
}

fn wire(seconds: u32) -> Row {
    let one = |name: &'static str, options: &str| {
        let load = "watch --spawn --viewers 200 --chat-rate 100 --critical-rate 0";
        run(name, &format!("{load} {options}"), seconds)
    };
    Row {
        key: "i",
        title: "Bytes on the wire for a delivered chat line of 60 B",
        runs: vec![
            one("protobuf", ""),
            one("JSON", "--json-subprotocol"),
            one("protobuf deflated", "--deflate"),
            one("JSON deflated", "--json-subprotocol --deflate"),
        ],
        measures: vec![
            figure("protobuf", 0, WIRE, None),
            figure("JSON", 1, WIRE, None),
            figure("protobuf deflated (or declined)", 2, WIRE, None),
            figure("JSON deflated (or declined)", 3, WIRE, None),
        ],
        bars: Some(("bytes", WIRE)),
        shows_curves: false,
    }
}
