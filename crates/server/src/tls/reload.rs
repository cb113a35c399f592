//! Taking up new certificates while the server runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::{Instant, timeout_at};

use super::watch::Watch;
use super::{Reloaded, Tls, TlsError};
use crate::telemetry::metrics::Metrics;

/// Certificate and key are replaced one after the other: reading waits until so long nothing has
/// changed, but in all no longer than the second.
const SETTLE: Duration = Duration::from_millis(200);
const SETTLE_MAX: Duration = Duration::from_secs(2);

/// Reads the files anew whenever they have changed and at each `hangup` (SIGHUP). New ones that
/// cannot be used are logged once, and what was in use stays. Never ends.
pub(crate) async fn keep_fresh(tls: Arc<Tls>, mut hangup: Signal, metrics: Arc<Metrics>) {
    let watch = start_watching(&tls);
    let mut last_problem = None;
    tell_expiry(&tls, &metrics);
    loop {
        let changed = async {
            match &watch {
                Some(watch) => settled(watch).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hangup.recv() => {}
            // An error is no change: then only SIGHUP tells.
            Ok(()) = changed => {}
        }
        let reloading = Arc::clone(&tls);
        let reloaded = tokio::task::spawn_blocking(move || reloading.reload()).await;
        let Ok(reloaded) = reloaded else {
            // The runtime stops.
            return;
        };
        take_note(&tls, reloaded, &mut last_problem, &metrics);
        if let Some(watch) = &watch {
            // A directory that is gone: its files cannot be read either, which was logged.
            drop(watch.renew(&tls.files));
        }
    }
}

fn start_watching(tls: &Tls) -> Option<Watch> {
    let watch = Watch::new().and_then(|watch| {
        watch.renew(&tls.files)?;
        Ok(watch)
    });
    match watch {
        Ok(watch) => Some(watch),
        Err(error) => {
            tracing::warn!(%error, "certificate files are not watched: SIGHUP takes up new ones");
            None
        }
    }
}

/// Ends when the files have changed and no more is going on.
async fn settled(watch: &Watch) -> std::io::Result<()> {
    watch.changed().await?;
    let latest = Instant::now() + SETTLE_MAX;
    loop {
        let quiet = (Instant::now() + SETTLE).min(latest);
        match timeout_at(quiet, watch.changed()).await {
            Ok(Ok(())) if Instant::now() < latest => {}
            Ok(Err(error)) => return Err(error),
            Ok(Ok(())) | Err(_) => return Ok(()),
        }
    }
}

fn take_note(
    tls: &Tls,
    reloaded: Result<Reloaded, TlsError>,
    last_problem: &mut Option<String>,
    metrics: &Metrics,
) {
    match reloaded {
        Ok(Reloaded::Same) => *last_problem = None,
        Ok(Reloaded::Changed) => {
            *last_problem = None;
            metrics.connections.tls_reloaded.inc();
            tell_expiry(tls, metrics);
            tracing::info!("a new certificate is in use");
        }
        Err(error) => {
            let problem = error.to_string();
            if last_problem.as_ref() != Some(&problem) {
                metrics.connections.tls_refused.inc();
                tracing::error!(
                    "the certificate in use stays, the new one cannot be used: {problem}"
                );
                *last_problem = Some(problem);
            }
        }
    }
}

fn tell_expiry(tls: &Tls, metrics: &Metrics) {
    let expires_at = tls.expires_at().map_or(0, |at| at.as_micros() / 1_000_000);
    metrics.connections.tls_expiry.set(expires_at);
}
