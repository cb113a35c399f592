//! Tasks without which nothing is answered.

use tokio::task::JoinHandle;

/// Runs a task that the whole node depends on. If it panics, a defect, the process ends: it is
/// started again and resumes from the store, while one that goes on would accept and never answer.
pub fn spawn(
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let running = tokio::spawn(task);
    tokio::spawn(async move {
        if running.await.is_err_and(|error| error.is_panic()) {
            tracing::error!(task = name, "a vital task panicked: ending the process");
            std::process::abort();
        }
    })
}
