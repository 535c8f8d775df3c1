//! Progress for people, on stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn start(steps: u64, what: &str) -> Progress {
        let bar = ProgressBar::new(steps);
        let style = ProgressStyle::with_template("{elapsed:>4} [{bar:30}] {human_pos}/{human_len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_string());
        bar.enable_steady_tick(Duration::from_millis(500));
        Progress { bar }
    }

    pub fn say(&self, what: &str) {
        self.bar.set_message(what.to_string());
        if self.bar.is_hidden() {
            eprintln!("{what}");
        }
    }

    pub fn at(&self, step: u64) {
        self.bar.set_position(step);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
