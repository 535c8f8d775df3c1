//! `apricot token`: makes tokens, and the keys that sign them.

use std::time::Duration;

use clap::Args;

use super::{Failed, Source, print};
use crate::clock::Clock;
use crate::model::{Caller, OutOfBound, Role, RoomId, Subject, bounded_text};
use crate::wire::token::Keys;

/// A year; longer-lived tokens cannot be taken back but by removing their key.
const TTL_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const COUNT_MAX: u32 = 1_000_000;

#[derive(Args)]
pub struct Token {
    /// guest, viewer, host, moderator, commissioner, ops or auditor
    #[arg(long, required_unless_present = "rotate")]
    role: Option<Role>,
    /// Whom the token speaks for: 1..=80 visible ASCII characters
    #[arg(long, required_unless_present_any = ["rotate", "subject_prefix"])]
    subject: Option<Subject>,
    /// With --count: subjects are this and a number from 1
    #[arg(long, requires = "count", conflicts_with = "subject")]
    subject_prefix: Option<String>,
    /// How many tokens, one a line
    #[arg(long, requires = "subject_prefix", value_parser = clap::value_parser!(u32).range(1..=i64::from(COUNT_MAX)))]
    count: Option<u32>,
    /// Shown beside chat lines; the subject when left out
    #[arg(long)]
    name: Option<String>,
    /// Good for this room only
    #[arg(long)]
    room: Option<RoomId>,
    /// A commissioner's county, as rooms' places begin with it
    #[arg(long)]
    county: Option<String>,
    /// How long the token is valid: 30m, 12h, 7d
    #[arg(long, default_value = "12h", value_parser = ttl)]
    ttl: Duration,
    /// Make a new signing key first; older keys stay valid until their files are removed
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    source: Source,
}

impl Token {
    pub fn run(self) -> Result<(), Failed> {
        let folder = self.source.load(None)?.config.keys();
        let now = Clock::System.now();
        let keys = if self.rotate { Keys::rotate(&folder, now) } else { Keys::open(&folder, now) };
        let keys = keys.map_err(Failed::because)?;
        let Some(role) = self.role else {
            eprintln!("apricot: a new key signs from now on; a running server knows it within 10 s");
            return Ok(());
        };
        for subject in self.subjects().map_err(|error| Failed::usage(error.to_string()))? {
            let caller = self.caller(role, subject).map_err(|error| Failed::usage(error.to_string()))?;
            let token = keys.sign(&caller, now, now + self.ttl).map_err(Failed::because)?;
            print(&format!("{token}\n"))?;
        }
        Ok(())
    }

    fn subjects(&self) -> Result<Vec<Subject>, OutOfBound> {
        match (&self.subject_prefix, self.count) {
            (Some(prefix), Some(count)) => {
                (1..=count).map(|number| format!("{prefix}{number}").parse()).collect()
            }
            _ => Ok(self.subject.iter().cloned().collect()),
        }
    }

    fn caller(&self, role: Role, subject: Subject) -> Result<Caller, OutOfBound> {
        let name: String = match &self.name {
            Some(name) => bounded_text("name", name, 1..=40)?,
            None => subject.as_str().chars().take(40).collect(),
        };
        let county =
            self.county.as_deref().map(|county| bounded_text("county", county, 1..=80)).transpose()?;
        Caller { subject, name, role, room: self.room.clone(), county }.check()
    }
}

fn ttl(text: &str) -> Result<Duration, String> {
    let wanted = || "a number and s, m, h or d, at most 366d, such as 12h".to_owned();
    let unit = text.chars().last().ok_or_else(wanted)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wanted()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wanted())?;
    let ttl = number.checked_mul(seconds).map(Duration::from_secs);
    ttl.filter(|ttl| !ttl.is_zero() && *ttl <= TTL_MAX).ok_or_else(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_has_a_unit_and_a_bound() {
        assert_eq!(ttl("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(ttl("12h"), Ok(Duration::from_secs(43_200)));
        for refused in ["", "12", "h", "0h", "-1h", "367d", "1时", "99999999999999999999d"] {
            assert!(ttl(refused).is_err(), "{refused}");
        }
    }
}
