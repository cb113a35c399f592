//! Where pictures are kept.

use std::path::PathBuf;
use std::str::FromStr;

/// An object store, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PicturePlace {
    /// `pictures` in the data directory.
    Data,
    /// A folder of its own.
    Folder(PathBuf),
    /// A bucket of a store that speaks S3.
    Bucket {
        /// Its name.
        name: String,
        /// What stands before each key, without slashes at its ends; empty for nothing.
        prefix: String,
    },
}

/// The text is neither a folder's path nor a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither the path of a folder nor s3://bucket/prefix")]
pub struct PicturePlaceError;

impl FromStr for PicturePlace {
    type Err = PicturePlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::Data);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let fits = scheme == "s3" && is_bucket(name) && is_prefix(prefix);
        fits.then(|| Self::Bucket {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
        })
        .ok_or(PicturePlaceError)
    }
}

/// As S3 has it: 3 to 63 lower-case letters, digits, dots and hyphens.
fn is_bucket(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inner = |byte: u8| plain(byte) || b".-".contains(&byte);
    let ends_plain =
        name.bytes().next().is_some_and(plain) && name.bytes().last().is_some_and(plain);
    (3..=63).contains(&name.len()) && ends_plain && name.bytes().all(inner)
}

/// Segments of what every store takes as it is, none of them empty or a dot.
fn is_prefix(prefix: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && segment.bytes().all(plain)
            && segment.bytes().any(|byte| byte != b'.')
    };
    prefix.is_empty() || prefix.split('/').all(is_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        let bucket = |name: &str, prefix: &str| {
            Ok(PicturePlace::Bucket {
                name: name.to_owned(),
                prefix: prefix.to_owned(),
            })
        };
        for (text, place) in [
            ("", Ok(PicturePlace::Data)),
            (
                "/srv/pictures",
                Ok(PicturePlace::Folder("/srv/pictures".into())),
            ),
            ("s3", Ok(PicturePlace::Folder("s3".into()))),
            ("s3://chat", bucket("chat", "")),
            ("s3://chat/", bucket("chat", "")),
            (
                "s3://my.chat-1/rooms/pictures/",
                bucket("my.chat-1", "rooms/pictures"),
            ),
        ] {
            assert_eq!(text.parse(), place, "{text}");
        }
        for bad in [
            "s3://",
            "s3://ab",
            "s3://Chat",
            "s3://-chat",
            "s3://chat//x",
            "s3://chat/../x",
            "s3://chat/a b",
            "gs://chat",
            "file:///srv",
            "https://s3.example.com/chat",
        ] {
            assert_eq!(bad.parse::<PicturePlace>(), Err(PicturePlaceError), "{bad}");
        }
    }
}
