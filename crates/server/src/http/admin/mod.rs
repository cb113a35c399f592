//! For admins.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;

mod metrics;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(metrics::metrics))
}
