//! What a picture is called.

use std::fmt;

use madang_domain::room::UPLOADS_PATH;

use super::format::PictureFormat;
use crate::hex;

const ID_BYTES: usize = 16;

/// The name of an uploaded picture: 128 random bits in hexadecimal digits, and what kind it is
/// (`9f86d081884c7d659a2feaa0c55ad015.png`). Whoever knows it can get the picture; it cannot be
/// guessed, and holds nothing that the client chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureKey {
    id: [u8; ID_BYTES],
    format: PictureFormat,
}

impl PictureKey {
    /// A new one.
    pub(super) fn random(format: PictureFormat) -> Self {
        Self {
            id: rand::random(),
            format,
        }
    }

    /// Reads a key exactly as `Display` writes it; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, extension) = text.split_once('.')?;
        let key = Self {
            id: hex::decode(id)?.try_into().ok()?,
            format: PictureFormat::from_extension(extension)?,
        };
        // One spelling only: digits of the other case would be another object's name.
        (key.to_string() == text).then_some(key)
    }

    /// The key of an uploaded picture's link as [`link`](Self::link) writes it; `None` for a link
    /// to anything else.
    #[must_use]
    pub fn from_link(link: &str) -> Option<Self> {
        Self::parse(link.strip_prefix(UPLOADS_PATH)?)
    }

    /// The link that clients show: a path of this server.
    #[must_use]
    pub fn link(&self) -> String {
        format!("{UPLOADS_PATH}{self}")
    }

    /// What kind of picture it is.
    #[must_use]
    pub const fn format(&self) -> PictureFormat {
        self.format
    }
}

impl fmt::Display for PictureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", hex::encode(&self.id), self.format.extension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_in_no_other_way() {
        for format in PictureFormat::ALL {
            let key = PictureKey::random(format);
            assert_eq!(PictureKey::parse(&key.to_string()), Some(key));
            assert_eq!(PictureKey::from_link(&key.link()), Some(key));
        }
        let id = "9f86d081884c7d659a2feaa0c55ad015";
        for bad in [
            String::new(),
            id.to_owned(),
            format!("{id}.svg"),
            format!("{id}.PNG"),
            format!("{id}.png.png"),
            format!("{id}.png#1"),
            format!("{id}.png/"),
            format!("../{id}.png"),
            format!("{}.png", id.to_uppercase()),
            format!("{}.png", &id[1..]),
            format!("{id}0.png"),
            "../../etc/passwd".to_owned(),
        ] {
            assert_eq!(PictureKey::parse(&bad), None, "{bad}");
        }
        let elsewhere = format!("https://example.com/pictures/{id}.png");
        assert_eq!(PictureKey::from_link(&elsewhere), None);
    }
}
