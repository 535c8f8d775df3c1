//! How badly the provider behaves. Rates are parts per million of events.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{OutOfBound, Share};

/// Ten minutes, as the contract says.
pub const DELAY_MS_MAX: u32 = 600_000;
/// A day, far later than any hold.
pub const SLOW_MS_MAX: u32 = 86_400_000;
/// What `slow_ms: 0` means: half a minute after a hold of the default 120 s has run out.
pub const SLOW_DEFAULT: Duration = Duration::from_secs(150);

/// They act on what is asked after they are set: an event's fate is drawn once, when it is made, and is stored with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Knobs {
    /// Added before a webhook is sent: 0..=`DELAY_MS_MAX`.
    pub delay_ms: u32,
    /// Sent twice.
    pub duplicate_ppm: u32,
    /// Held back, so that a later one overtakes it.
    pub reorder_ppm: u32,
    /// The first attempt is dropped; the retry brings it.
    pub lost_ppm: u32,
    /// How long `SandboxSlow` waits before it succeeds, at most `SLOW_MS_MAX`; 0: `SLOW_DEFAULT`.
    pub slow_ms: u32,
}

impl Knobs {
    pub fn checked(self) -> Result<Self, OutOfBound> {
        let fields = [
            ("delayMs", self.delay_ms, DELAY_MS_MAX, "milliseconds"),
            ("duplicatePpm", self.duplicate_ppm, Share::WHOLE_PPM, "parts per million"),
            ("reorderPpm", self.reorder_ppm, Share::WHOLE_PPM, "parts per million"),
            ("lostPpm", self.lost_ppm, Share::WHOLE_PPM, "parts per million"),
            ("slowMs", self.slow_ms, SLOW_MS_MAX, "milliseconds"),
        ];
        match fields.into_iter().find(|(_, value, max, _)| value > max) {
            Some((field, _, max, unit)) => Err(OutOfBound::new(field, format!("0..={max} {unit}"))),
            None => Ok(self),
        }
    }

    pub(super) fn delay(self) -> Duration {
        Duration::from_millis(self.delay_ms.into())
    }

    pub(super) fn slow(self) -> Duration {
        match self.slow_ms {
            0 => SLOW_DEFAULT,
            millis => Duration::from_millis(millis.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_knob_has_a_bound_that_names_it() {
        let most = Knobs {
            delay_ms: DELAY_MS_MAX,
            duplicate_ppm: 1_000_000,
            reorder_ppm: 1_000_000,
            lost_ppm: 1_000_000,
            slow_ms: SLOW_MS_MAX,
        };
        assert_eq!(most.checked(), Ok(most));
        for (knobs, refused) in [
            (Knobs { delay_ms: DELAY_MS_MAX + 1, ..most }, "delayMs must be 0..=600000 milliseconds"),
            (
                Knobs { duplicate_ppm: 1_000_001, ..most },
                "duplicatePpm must be 0..=1000000 parts per million",
            ),
            (Knobs { reorder_ppm: u32::MAX, ..most }, "reorderPpm must be 0..=1000000 parts per million"),
            (Knobs { lost_ppm: 1_000_001, ..most }, "lostPpm must be 0..=1000000 parts per million"),
            (Knobs { slow_ms: SLOW_MS_MAX + 1, ..most }, "slowMs must be 0..=86400000 milliseconds"),
        ] {
            assert_eq!(knobs.checked().map_err(|bound| bound.to_string()), Err(refused.to_owned()));
        }
    }
}
