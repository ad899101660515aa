//! Runs the command line, prints the error chain, and gives the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidings::cli::main()
}
