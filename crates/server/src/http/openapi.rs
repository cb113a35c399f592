//! The OpenAPI document: collected from the routes, so that none can be forgotten.

use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use super::problem::Problem;
use super::{RouteSet, Shared};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Madang",
        description = "Chat server. Errors are problem details (RFC 9457) with a stable `code`; \
                       room ids in paths are percent-encoded. What each caller may do is listed in \
                       `docs/reference/authorization.md`.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    tags(
        (name = "rooms", description = "For every person: own rooms, those one serves, open rooms"),
        (name = "members", description = "For every person: who belongs to a room, and who is online"),
        (name = "messages", description = "For every person: reading, sending, editing, deleting, searching"),
        (name = "receipts", description = "For every person: read marks and what is unread"),
        (name = "notifications", description = "For every person: the inbox"),
        (name = "desk", description = "For agents: the support desk"),
        (name = "host", description = "For the host's back end, with an API key and its scope: users, rooms, notices, notifications"),
        (name = "topics", description = "For the host's back end: application topics, which are not stored"),
        (name = "pictures", description = "Pictures of rooms: uploads, and their links"),
        (name = "guests", description = "Tokens for visitors whom the host does not know"),
        (name = "support desk contract", description = "REST of the replaced support desk, unchanged for its clients"),
        (name = "community contract", description = "REST of the replaced open chat and trade chat, unchanged for its clients"),
        (name = "direct contract", description = "REST of the replaced chat with an API server and chat servers apart, unchanged for its clients"),
        (name = "operations", description = "For operators and load balancers"),
        (name = "demo", description = "Only where development tokens are in use, and only on this machine")
    ),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The host application's token"))
            .build();
        let key = ApiKeyValue::with_description(
            "X-API-Key",
            "An API key of the host's back end; as a Bearer token too",
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

pub(super) fn start() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi())
}

/// The OpenAPI document of the HTTP door with these optional parts.
#[must_use]
pub fn document(set: RouteSet) -> Document {
    super::documented_routes(set).into_openapi()
}
