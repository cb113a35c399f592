//! In whose words a request is refused that no handler got to answer: of the contract whose path it
//! names, since its clients read nothing else.

use axum::response::{IntoResponse, Response};
use madang_domain::Error;

use super::{community, direct, support_desk};
use crate::http::{ContractOptions, problem};

/// Whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Words {
    Native,
    SupportDesk,
    Community,
    Direct,
}

impl Words {
    /// Those that the clients of a path read. A contract that is switched off has none.
    pub(in crate::http) fn of(path: &str, contracts: &ContractOptions) -> Self {
        let is_below = |prefix: &&str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_among = |prefixes: &[&str]| prefixes.iter().any(is_below);
        if contracts.support_desk.is_some() && is_among(support_desk::PREFIXES) {
            return Self::SupportDesk;
        }
        if contracts.community.is_some() && is_among(community::PREFIXES) {
            return Self::Community;
        }
        if contracts.direct_rest && is_among(direct::PREFIXES) {
            return Self::Direct;
        }
        Self::Native
    }

    /// The answer.
    pub(in crate::http) fn refuse(self, error: impl Into<Error>) -> Response {
        let error = error.into();
        match self {
            Self::Native => problem::Refusal::from(error).into_response(),
            Self::SupportDesk => support_desk::Refusal::from(error).into_response(),
            Self::Community => community::Refusal::from(error).into_response(),
            Self::Direct => direct::Refusal::from(error).into_response(),
        }
    }
}
