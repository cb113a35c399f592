//! The HTTP door's counts, as metrics.

use std::time::Duration;

use axum::http::Method;
use madang_domain::Code;

use super::metrics::Metrics;
use crate::http::ObserveRequests;

impl ObserveRequests for Metrics {
    fn answered(&self, _: &Method, route: &str, status: u16, elapsed: Duration) {
        self.http_request(route, status, elapsed);
    }

    fn refused(&self, code: Code) {
        self.error(code);
    }
}
