//! For the host's back end, and whom the configuration puts beside it.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;

mod publish;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(publish::publish))
}
