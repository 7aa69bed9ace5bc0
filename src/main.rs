//! Starts the program: no subcommand opens the window, everything else is the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    atmoscope::cli::main()
}
