//! Ctrl-C as a flag that every loop looks at, so that a run which is broken
//! off still ends with its report.

use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Whether the run is to end now.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Watches for Ctrl-C on a thread of its own; the second one exits at once.
pub fn on_ctrl_c() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if REQUESTED.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    });
}
