//! The program with deliberate faults (feature `sabotage`), under a name of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    apricot::cli::run()
}
