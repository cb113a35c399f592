//! What the values of options may be, and how that is said.

use std::net::SocketAddr;

use jiff::tz::TimeZone;

use super::address::AddressRange;
use super::picture_place::PicturePlace;
use super::spec::Allowed;
use super::value::ROLES;
use crate::roles::NodeRole;

/// Longest prefix of destinations, in bytes: leaves room for what stands behind it.
const PREFIX_BYTES_MAX: usize = 128;

pub(super) const ADDRESS: Allowed = Allowed::Text {
    what: "an IP address and a port, such as 0.0.0.0:8080 or [::]:8080",
    accepts: |text| text.parse::<SocketAddr>().is_ok(),
};

pub(super) const OPTIONAL_ADDRESS: Allowed = Allowed::Text {
    what: "an IP address and a port, such as 0.0.0.0:61613; empty means not set",
    accepts: |text| text.parse::<SocketAddr>().is_ok(),
};

pub(super) const ADDRESS_RANGE: Allowed = Allowed::Text {
    what: "an IP address, or a range such as 10.0.0.0/8 or fd00::/8",
    accepts: |text| text.parse::<AddressRange>().is_ok(),
};

pub(super) const NOT_EMPTY: Allowed = Allowed::Text {
    what: "a text that is not empty",
    accepts: |text| !text.is_empty(),
};

pub(super) const ANY_TEXT: Allowed = Allowed::Text {
    what: "a text; empty means not set",
    accepts: |_| true,
};

pub(super) const DIRECTORY: Allowed = Allowed::Text {
    what: "the path of a directory",
    accepts: |text| !text.is_empty(),
};

pub(super) const FILE: Allowed = Allowed::Text {
    what: "the path of a file; empty means not set",
    accepts: |_| true,
};

pub(super) const JWKS_URL: Allowed = Allowed::Text {
    what: "an address such as https://example.com/.well-known/jwks.json, without user and \
           password; empty means not set",
    accepts: is_plain_url,
};

pub(super) const GUEST_KEY: Allowed = Allowed::Text {
    what: "a text of at least 32 bytes; empty means not set",
    accepts: |text| text.len() >= 32,
};

pub(super) const LOG_FILTER: Allowed = Allowed::Text {
    what: "error, warn, info, debug, trace or off, or a list such as info,madang_server=debug",
    accepts: |text| !text.is_empty() && tracing_subscriber::EnvFilter::try_new(text).is_ok(),
};

pub(super) const TIME_ZONE: Allowed = Allowed::Text {
    what: "an IANA time zone such as Asia/Seoul; empty means the system's",
    accepts: |text| TimeZone::get(text).is_ok(),
};

pub(super) const ORIGIN: Allowed = Allowed::Text {
    what: "an origin as browsers send it, such as https://example.com or http://localhost:5173, \
           or *",
    accepts: is_origin,
};

pub(super) const COOKIE: Allowed = Allowed::Text {
    what: "a cookie's name (letters, digits and !#$%&'*+-.^_`|~); empty means no cookie",
    accepts: |text| {
        let special = "!#$%&'*+-.^_`|~";
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || special.contains(c))
    },
};

pub(super) const TOPIC_PREFIX: Allowed = Allowed::Text {
    what: "a path that begins and ends with a slash, such as /topic/",
    accepts: |text| text.strip_suffix('/').is_some_and(is_prefix),
};

pub(super) const PREFIX: Allowed = Allowed::Text {
    what: "a path that begins with a slash and does not end with one, such as /user",
    accepts: is_prefix,
};

pub(super) const PREFIX_OR_NONE: Allowed = Allowed::Text {
    what: "a path that begins with a slash and does not end with one, such as /app; empty means \
           not set",
    accepts: is_prefix,
};

pub(super) const PICTURE_PLACE: Allowed = Allowed::Text {
    what: "the path of a directory, or s3://bucket/prefix; empty means `pictures` in the data \
           directory",
    accepts: |text| text.parse::<PicturePlace>().is_ok(),
};

pub(super) const HTTP_URL: Allowed = Allowed::Text {
    what: "a URL such as https://s3.example.com:9000; empty means not set",
    accepts: is_http_url,
};

pub(super) const ROLE: Allowed = Allowed::Choice(ROLES);

pub(super) const NODE_ROLE: Allowed =
    Allowed::Choice(&[NodeRole::Api.name(), NodeRole::Gateway.name()]);

/// Some segments of a destination, none of them empty.
fn is_prefix(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-._~".contains(c);
    let is_segment = |segment: &str| !segment.is_empty() && segment.chars().all(plain);
    let segments = text.strip_prefix('/').map(|rest| rest.split('/'));
    text.len() <= PREFIX_BYTES_MAX && segments.is_some_and(|mut all| all.all(is_segment))
}

fn is_plain_url(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else {
        return false;
    };
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    matches!(url.scheme(), "https" | "http") && url.has_host() && is_anonymous
}

/// Without a user, a query or a fragment.
fn is_http_url(text: &str) -> bool {
    is_plain_url(text) && !text.contains(['?', '#'])
}

fn is_origin(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| plain(c) || "+-.".contains(c));
    let authority_fits = authority.starts_with(|c: char| plain(c) || c == '[')
        && authority.chars().all(|c| plain(c) || "-._:[]".contains(c));
    scheme_fits && authority_fits
}
