use std::fmt;

/// The versions served, as the `version` header of the ERROR that refuses a
/// CONNECT with none of them lists them (STOMP 1.2, "Protocol Negotiation").
pub const SUPPORTED: &str = "1.0,1.1,1.2";

/// A version of the protocol. Later versions compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// STOMP 1.0: no escapes, no heart-beats.
    V1_0,
    /// STOMP 1.1.
    V1_1,
    /// STOMP 1.2: CR LF line ends, `\r` escaped.
    V1_2,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];

    /// The text used in `accept-version` and `version` headers: `"1.0"`, `"1.1"` or `"1.2"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Version::V1_0 => "1.0",
            Version::V1_1 => "1.1",
            Version::V1_2 => "1.2",
        }
    }

    /// Chooses the highest version that both sides speak from the value of a
    /// CONNECT's `accept-version` header (STOMP 1.2, "Protocol Negotiation").
    ///
    /// An absent header means 1.0 only. `None` means that there is no common
    /// version and the CONNECT has to be refused. Spaces around the listed
    /// versions are ignored, as are versions this codec does not know.
    pub fn negotiate(accept_version: Option<&str>) -> Option<Version> {
        let Some(list) = accept_version else {
            return Some(Version::V1_0);
        };
        list.split(',')
            .filter_map(|one| Self::from_text(one.trim_matches(' ')))
            .max()
    }

    fn from_text(text: &str) -> Option<Version> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_highest_common_version_is_chosen() {
        assert_eq!(Version::negotiate(Some("1.0,1.1,2.0")), Some(Version::V1_1));
        assert_eq!(Version::negotiate(Some("1.2,1.0")), Some(Version::V1_2));
        assert_eq!(Version::negotiate(Some("1.0, 1.1")), Some(Version::V1_1));
    }

    #[test]
    fn c4_absent_accept_version_means_1_0() {
        assert_eq!(Version::negotiate(None), Some(Version::V1_0));
    }

    #[test]
    fn c5_no_common_version_is_none() {
        for list in ["9.9", "", "1", "1.20", ",", "v1.2"] {
            assert_eq!(Version::negotiate(Some(list)), None, "{list}");
        }
    }

    #[test]
    fn supported_lists_every_version() {
        assert_eq!(SUPPORTED, Version::ALL.map(Version::as_str).join(","));
    }
}
