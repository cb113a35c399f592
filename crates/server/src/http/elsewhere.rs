//! What nodes with another role have: named, so that a load balancer that sends it here is found out.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::routing::any;
use madang_domain::{Code, Error};

use super::problem::Refusal;
use super::{RouteSet, Shared, documented_routes, pages};
use crate::gateway::routes::{COMMUNITY_PATH, STOMP_PATH};
use crate::roles::{NodeRole, NodeRoles};

/// Refuses everything that a node with all roles has and this one has not.
pub(super) fn routes(set: RouteSet) -> Router<Shared> {
    let paths = |set| -> BTreeSet<String> {
        let description = documented_routes(set).into_openapi();
        description.paths.paths.into_keys().collect()
    };
    let all = RouteSet {
        roles: NodeRoles::ALL,
        ..set
    };
    let mut missing: BTreeSet<String> = paths(all).difference(&paths(set)).cloned().collect();
    if !set.roles.have(NodeRole::Api) {
        missing.extend(pages::PATHS.iter().map(ToString::to_string));
    }
    if !set.roles.have(NodeRole::Gateway) {
        missing.extend([STOMP_PATH, COMMUNITY_PATH, pages::SOCKJS_PATH].map(str::to_owned));
        missing.insert(format!("{STOMP_PATH}/{{*rest}}"));
    }
    let routes = missing.iter();
    routes.fold(Router::new(), |router, path| {
        router.route(path, any(refuse))
    })
}

/// Not in the words of a contract, whose clients could do nothing about it: whoever runs the nodes reads it.
async fn refuse(State(state): State<Shared>) -> Refusal {
    let Some(role) = state.roles.missing() else {
        return Code::NotFound.into();
    };
    let detail = format!("nodes with the role {role} have this; this one has not (node.roles)");
    Error::with_detail(Code::NotFound, detail).into()
}
