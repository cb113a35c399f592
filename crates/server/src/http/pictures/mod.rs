//! Pictures of rooms: uploading them, and their links.

use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;

mod download;
mod upload;

/// Under `/api/v1`; only where uploads are wanted.
pub(super) fn upload_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(upload::upload))
}

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(download::download))
}

/// A picture's bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes a body")]
struct PictureFile(Vec<u8>);
