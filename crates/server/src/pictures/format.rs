//! Which kind of picture some bytes are, as far as their head tells. What the client says of them
//! counts for nothing, and nothing is decoded.

use Marker::{Frame, Other, Scan};

/// A kind of picture that is taken. All of them are shown by every browser, and none can hold a
/// script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// PNG, animated or not.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF, animated or not.
    Gif,
    /// WebP, animated or not.
    Webp,
}

impl PictureFormat {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::Gif, Self::Webp];

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }

    pub(super) fn from_extension(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.extension() == text)
    }

    /// What `content` is. `None` when it is no picture, one of another kind, or one whose head is
    /// broken, cut off, or says that it has no width or height.
    pub(super) fn of(content: &[u8]) -> Option<Self> {
        let is = |format| match format {
            Self::Png => is_png(content),
            Self::Jpeg => is_jpeg(content),
            Self::Gif => is_gif(content),
            Self::Webp => is_webp(content),
        };
        Self::ALL
            .into_iter()
            .find(|format| is(*format).unwrap_or_default())
    }
}

/// PNG (third edition), sections 5.2, 5.3 and 11.2.1: the signature, then the header chunk.
fn is_png(content: &[u8]) -> Option<bool> {
    const SIZE_MAX: u32 = i32::MAX.cast_unsigned();
    let mut head = Head(content);
    let begins = head.take()? == *b"\x89PNG\r\n\x1a\n"
        && u32::from_be_bytes(head.take()?) == 13
        && head.take()? == *b"IHDR";
    let (width, height) = (
        u32::from_be_bytes(head.take()?),
        u32::from_be_bytes(head.take()?),
    );
    let [depth, colour, compression, filter, interlace] = head.take()?;
    let is_depth = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    let has_size = (1..=SIZE_MAX).contains(&width) && (1..=SIZE_MAX).contains(&height);
    Some(begins && has_size && is_depth && compression == 0 && filter == 0 && interlace <= 1)
}

/// GIF89a, sections 17 and 18: the header, then the logical screen.
fn is_gif(content: &[u8]) -> Option<bool> {
    let mut head = Head(content);
    let version: [u8; 6] = head.take()?;
    let (width, height) = (
        u16::from_le_bytes(head.take()?),
        u16::from_le_bytes(head.take()?),
    );
    let _packed_background_and_aspect: [u8; 3] = head.take()?;
    Some(matches!(&version, b"GIF87a" | b"GIF89a") && width > 0 && height > 0)
}

/// ITU-T T.81, annex B: marker segments up to a frame's header, which comes before any scan.
fn is_jpeg(content: &[u8]) -> Option<bool> {
    let mut head = Head(content);
    if head.take()? != [0xff, 0xd8] {
        return None;
    }
    loop {
        let marker = head.marker()?;
        let length = usize::from(u16::from_be_bytes(head.take()?));
        let mut segment = Head(head.skip(length.checked_sub(2)?)?);
        match marker {
            Scan => return None,
            Other => {}
            Frame => {
                let [_precision] = segment.take()?;
                let [_height, width] = [segment.take()?, segment.take()?].map(u16::from_be_bytes);
                let [components] = segment.take()?;
                // A height of 0 is told behind the first scan (B.2.5).
                let fits = segment.0.len() == 3 * usize::from(components);
                return Some(width > 0 && components > 0 && fits);
            }
        }
    }
}

/// RFC 9649, section 2: a RIFF file that is all there, and its first chunk.
fn is_webp(content: &[u8]) -> Option<bool> {
    let mut head = Head(content);
    let is_riff = head.take()? == *b"RIFF";
    let size = usize::try_from(u32::from_le_bytes(head.take()?)).ok()?;
    let is_whole = size <= head.0.len();
    let is_webp = head.take()? == *b"WEBP";
    let chunk: [u8; 4] = head.take()?;
    let length = usize::try_from(u32::from_le_bytes(head.take()?)).ok()?;
    let mut body = Head(head.skip(length)?);
    let is_picture = match &chunk {
        // RFC 6386, section 9.1: a key frame's tag, start code and size.
        b"VP8 " => {
            let [first, _, _] = body.take()?;
            let starts = body.take()? == [0x9d, 0x01, 0x2a];
            let [width, height] = [body.take()?, body.take()?].map(u16::from_le_bytes);
            first & 1 == 0 && starts && width & 0x3fff > 0 && height & 0x3fff > 0
        }
        // RFC 9649, section 3.4: the signature, sizes less one, the version.
        b"VP8L" => {
            let [signature] = body.take()?;
            signature == 0x2f && u32::from_le_bytes(body.take()?) >> 29 == 0
        }
        // Section 2.7: flags, sizes less one.
        b"VP8X" => length == 10,
        _ => false,
    };
    Some(is_riff && is_whole && is_webp && is_picture)
}

/// What is left to read.
struct Head<'a>(&'a [u8]);

/// What follows behind a JPEG marker.
enum Marker {
    Frame,
    Scan,
    Other,
}

impl<'a> Head<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn skip(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (skipped, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(skipped)
    }

    /// The next marker that has a segment: a byte 0xff, any number of times, and its code.
    fn marker(&mut self) -> Option<Marker> {
        let [0xff] = self.take()? else { return None };
        let mut code = 0xff;
        while code == 0xff {
            [code] = self.take()?;
        }
        match code {
            0xc4 | 0xc8 | 0xcc => Some(Other),
            0xc0..=0xcf => Some(Frame),
            0xda => Some(Scan),
            // Stand-alone ones have no place here, 0 is no marker.
            0x00..=0x01 | 0xd0..=0xd9 => None,
            _ => Some(Other),
        }
    }
}
