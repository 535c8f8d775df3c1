use std::process::ExitCode;

fn main() -> ExitCode {
    apricot::cli::run()
}
