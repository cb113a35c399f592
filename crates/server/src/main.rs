//! The `madang` binary.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Half-used huge pages were a third of the memory of 8,000 idle sessions and 10 MiB at start.
    // A kernel that does not know the switch costs that much and no more.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    madang_server::cli::main()
}
